# SPDX-License-Identifier: MIT
"""The benchmarks in a machine, with tiny samples: every lane that exists is in every measure.

Nothing here asserts a time.
"""

from __future__ import annotations

import json as json_text
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from vmkit import Built, Setting, specification

from xsc.__main__ import main
from xsc.bench import beside, guest
from xsc.bench.goals import default_lane
from xsc.bench.report import Run, load
from xsc.config import Settings
from xsc.vm.accel import ENVIRONMENT

pytestmark = [pytest.mark.vm, pytest.mark.timeout(900)]

Measure = Callable[..., Run]


@pytest.fixture(scope="module")
def measure(built: Built, tmp_path_factory: pytest.TempPathFactory) -> Measure:
    """A function that runs the suite with tiny samples in a machine of some kind."""

    def run(setting: Setting, *measures: str) -> Run:
        consoles = tmp_path_factory.mktemp("bench")
        settings = guest.Settings(2, quick=True, measures=measures)
        specs = {
            name: specification(replace(setting, profile=name), built, consoles / f"{name}.log")
            for name in guest.profiles(settings)
        }
        return guest.measure(specs, settings, print)

    return run


@pytest.fixture(scope="module")
def whole(measure: Measure) -> Run:
    """The whole suite on the XSC kernel."""
    return measure(Setting(args=("xsc=permissive",), steps=("guest-bench",)))


def test_every_measure_has_samples_of_every_lane(whole: Run) -> None:
    assert {"trap", "bell"} <= set(whole.output.lanes)
    taken = {(s.measure, s.lane, s.rep) for s in whole.output.samples}
    expected = set(guest.MEASURES) - {"idle"}
    assert taken == {
        (name, lane, rep) for name in expected for lane in whole.output.lanes for rep in range(2)
    }
    assert not whole.output.absent
    assert {s.lane for s in whole.output.shares} == {default_lane(whole)}


def test_the_lanes_are_what_they_are_called(whole: Run) -> None:
    """The kernel counts: in the trap lane a trap per call, in the others a request per call."""
    count = {(s.lane, s.rep): s.count for s in whole.output.samples if s.measure == "getppid"}
    assert len(count) == 2 * len(whole.output.lanes)
    moved = {
        (c.lane, c.rep, c.name): c.delta for c in whole.output.counters if c.measure == "getppid"
    }
    for (lane, rep), calls in count.items():
        name = "traps" if lane == "trap" else "calls"
        # Reading the counters takes a few calls too, always by the gate.
        assert calls <= moved[lane, rep, name] <= calls + 20
        if lane != "trap":
            assert (lane, rep, "traps") not in moved


def test_the_report_says_where_it_comes_from(whole: Run) -> None:
    assert whole.guest.mode == "permissive"
    assert whole.guest.workers != "none"
    assert whole.guest.accel in ("tcg", "kvm")
    assert "xsc" in whole.guest.kernel


def test_without_a_gate_there_is_one_lane(measure: Measure) -> None:
    setting = Setting(args=("xsc=off",), steps=("guest-bench",))
    run = measure(setting, "getpid", "true")
    assert run.output.lanes == ("trap",)
    assert run.guest.workers == "none"
    assert {s.lane for s in run.output.samples} == {"trap"}


def test_systems_take_turns(built: Built, tmp_path: Path) -> None:
    """Debian's kernel is Debian's, and each boot of each system gives a sample of each measure."""
    settings = guest.Settings(2, quick=True, measures=("mix", "find"))
    settings_of = {
        "xsc": Setting(args=("xsc=permissive",), steps=("guest-bench",)),
        "stock": Setting(kernel="stock", steps=("guest-bench",)),
    }
    specs = {
        name: specification(setting, built, tmp_path / f"{name}.log")
        for name, setting in settings_of.items()
    }
    said: list[str] = []
    taken = beside.systems(specs, settings, said.append)
    assert {(s.measure, s.lane, s.rep) for s in taken} == {
        (name, system, rep)
        for name in ("mix", "find")
        for system in beside.SYSTEMS
        for rep in range(2)
    }
    order = [line.rpartition(": ")[2] for line in said if line.startswith("system ")]
    assert order == ["xsc", "stock", "stock", "xsc"]


def test_the_path_of_a_call(
    built: Built,
    settings: Settings,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A trap and a bell come to the same code of the call, each once, by doors of their own."""
    monkeypatch.delenv(ENVIRONMENT, raising=False)
    spec = specification(Setting(steps=()), built, tmp_path / "console.log")
    options = {
        "--build-dir": settings.paths.build,
        "--kernel-image": spec.kernel,
        "--initrd": spec.initrd,
        "--root": spec.root,
        "--agent": spec.agent,
    }
    words = [str(word) for pair in options.items() for word in pair]
    assert main(["bench", "path", "--call", "getppid", "--json", *words]) == 0
    record = json_text.loads(capsys.readouterr().out)
    blocks = {path["lane"]: path["blocks"] for path in record["paths"]}
    kinds = {path["lane"]: path["kinds"] for path in record["paths"]}
    assert set(blocks) == {"trap", "bell"}
    doors = {"trap": "entry_SYSCALL_64+0x0", "bell": "asm_exc_page_fault+0x0"}
    for lane, places in blocks.items():
        inside = [place for place in places if place.partition("+")[0] not in ("user", "gate")]
        assert places[-len(inside) :] == inside
        assert inside[0] == doors[lane]
        assert "sysret" in inside[-1].lower()
        assert places.count("__x64_sys_getppid+0x0") == 1
        assert places.count("__xsc_bell+0x0") == places.count("gate+0x0") == (lane == "bell")
    assert kinds["trap"]["the call itself"] == kinds["bell"]["the call itself"] > 0


def test_the_command_saves_and_draws(
    built: Built, settings: Settings, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    spec = specification(Setting(steps=()), built, tmp_path / "console.log")
    json, picture = tmp_path / "run.json", tmp_path / "run.svg"
    options = {
        "--build-dir": settings.paths.build,
        "--measure": "getpid",
        "--json": json,
        "--plot": picture,
        "--kernel-image": spec.kernel,
        "--initrd": spec.initrd,
        "--root": spec.root,
        "--agent": spec.agent,
    }
    words = [str(word) for pair in options.items() for word in pair]
    assert main(["bench", "core", "--quick", *words]) == 0
    shown = capsys.readouterr().out
    run = load(json)
    assert {s.measure for s in run.output.samples} == {"getpid"}
    assert run.guest.accel.upper() in shown
    assert "too few or too short samples" in shown
    assert picture.read_text().startswith("<svg")
