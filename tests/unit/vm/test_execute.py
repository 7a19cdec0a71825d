# SPDX-License-Identifier: MIT
"""What a run comes to: verdict, exit code, one more try. The machine is a stand-in here."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import ClassVar

import pytest

from xsc.errors import UsageError, XscError
from xsc.vm import artifacts, execute
from xsc.vm.accel import Accel
from xsc.vm.artifacts import Overrides
from xsc.vm.errors import BootTimeout, CommandTimeout, GuestRefused, LostVm, QemuFailed
from xsc.vm.execute import Command
from xsc.vm.machine import MachineSpec, Result
from xsc.vm.protocol import Hello
from xsc.vm.qemu import Hardware

SPEC = MachineSpec(Hardware(Accel("tcg")), Path("k"), Path("i"), Path("r"), Path("a"))
TRUE = Command(("true",))
DONE = Result(0, None, b"", b"", 1.0)


class FakeMachine:
    """Does what its script says: a Result of run(), or an error of boot, run or power-off."""

    script: ClassVar[list[Result | tuple[str, XscError]]] = []

    def __init__(self, spec: MachineSpec) -> None:
        self.hello: Hello | None = None
        self.boot_seconds = 0.0
        self.boots = 1
        self.step = FakeMachine.script.pop(0)

    def fail_at(self, place: str) -> None:
        if isinstance(self.step, tuple) and self.step[0] == place:
            raise self.step[1]

    def __enter__(self) -> FakeMachine:
        self.fail_at("boot")
        self.hello = Hello(1, 1, "6.1")
        return self

    def run(self, argv: Sequence[str], **kwargs: object) -> Result:
        self.fail_at("run")
        return self.step if isinstance(self.step, Result) else DONE

    def __exit__(self, kind: object, *rest: object) -> None:
        if kind is None:
            self.fail_at("off")


@pytest.fixture
def play(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Callable[..., tuple[int, dict[str, object]]]:
    monkeypatch.setattr(execute, "Machine", FakeMachine)

    def run(*script: Result | tuple[str, XscError]) -> tuple[int, dict[str, object]]:
        FakeMachine.script = list(script)
        verdict = tmp_path / "verdict"
        try:
            code = execute.execute(SPEC, TRUE, verdict)
        except XscError as error:
            code = error.exit_code
        assert FakeMachine.script == []
        return code, json.loads(verdict.read_text())

    return run


@pytest.mark.parametrize(
    ("result", "code", "verdict"),
    [
        (DONE, 0, "exit"),
        (Result(1, None, b"", b"", 1.0), 1, "exit"),
        (Result(124, None, b"", b"", 1.0), 124, "exit"),
        (Result(255, None, b"", b"", 1.0), 255, "exit"),
        (Result(139, 11, b"", b"", 1.0), 139, "signal"),
        (Result(127, None, b"", b"", 0.0, "No such file or directory"), 127, "not-started"),
    ],
)
def test_the_code_of_the_command_is_ours(
    play: Callable[..., tuple[int, dict[str, object]]], result: Result, code: int, verdict: str
) -> None:
    found, record = play(result)
    assert (found, record["exit_code"], record["verdict"]) == (code, code, verdict)
    assert record["attempts"] == 1


@pytest.mark.parametrize(
    ("step", "code", "verdict"),
    [
        (("run", CommandTimeout("slow")), 124, "timeout"),
        (("run", LostVm("gone")), 125, "lost"),
        (("boot", LostVm("panic")), 125, "lost"),
        (("off", LostVm("panic at the end")), 125, "lost"),
        (("boot", GuestRefused("no mount")), 2, "infra"),
    ],
)
def test_failures_are_not_tried_again(
    play: Callable[..., tuple[int, dict[str, object]]],
    step: tuple[str, XscError],
    code: int,
    verdict: str,
) -> None:
    found, record = play(step)
    assert (found, record["verdict"], record["attempts"]) == (code, verdict, 1)
    assert record["message"] == step[1].message


@pytest.mark.parametrize("error", [BootTimeout("silence"), QemuFailed("no memory")])
def test_a_machine_that_never_answered_is_tried_once_more(
    play: Callable[..., tuple[int, dict[str, object]]], error: XscError
) -> None:
    code, record = play(("boot", error), DONE)
    assert (code, record["verdict"], record["attempts"]) == (0, "exit", 2)
    code, record = play(("boot", error), ("boot", error))
    assert (code, record["verdict"], record["attempts"]) == (2, "infra", 2)


def test_environment_words(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TAKEN", "from here")
    monkeypatch.delenv("MISSING", raising=False)
    words = ["A=1", "B=x=y", "C=", "TAKEN", "MISSING"]
    expected = {"A": "1", "B": "x=y", "C": "", "TAKEN": "from here"}
    assert execute.parse_env(words) == expected


def test_only_what_is_not_given_is_built(tmp_path: Path) -> None:
    image = tmp_path / "bzImage"
    image.touch()
    asked: list[Sequence[str]] = []

    def ensure(steps: Sequence[str]) -> dict[str, Path]:
        asked.append(steps)
        return {step: tmp_path / step for step in steps}

    files = artifacts.resolve("xsc", "minimal", Overrides(kernel=image), ensure)
    assert asked == [("agent", "initramfs", "rootfs-minimal")]
    assert files.kernel == image
    assert files.root == tmp_path / "rootfs-minimal" / "rootfs.squashfs"


def test_the_stock_kernel_has_an_initramfs_of_its_own(tmp_path: Path) -> None:
    assert artifacts.steps("stock", "standard", Overrides()) == (
        "agent",
        "initramfs-stock",
        "rootfs-standard",
        "stock-kernel",
    )


def test_wrong_names_are_usage_errors(tmp_path: Path) -> None:
    with pytest.raises(UsageError):
        artifacts.steps("vanilla", "standard", Overrides())
    with pytest.raises(UsageError):
        artifacts.steps("xsc", "standard", Overrides(kernel=tmp_path / "missing"))
