# SPDX-License-Identifier: MIT
"""Virtual machines for tests: booted on first use, many programs each, kernel log looked at."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from xsc.vm import artifacts
from xsc.vm.accel import probe
from xsc.vm.errors import LostVm
from xsc.vm.klog import splats
from xsc.vm.logtail import last_words
from xsc.vm.machine import Machine, MachineSpec, Result
from xsc.vm.qemu import Hardware, Share

PROGRAMS = "/opt/guest-tests"
SKIPPED = 77
# Copied, because 9p knows no setuid, and because the host's file system is not under test.
SET_UP = """set -eu
for shared in /mnt/*; do
    [ -d "$shared" ] || continue
    cp -a "$shared" /opt/
done
echo core > /proc/sys/kernel/core_pattern
"""

Built = Callable[[str], Path]


@dataclass(frozen=True)
class Setting:
    """A kind of machine: which kernel (xsc, stock, debug, race), its command line, who is PID 1."""

    kernel: str = "xsc"
    args: tuple[str, ...] = ()
    init: str = "direct"
    profile: str = "standard"
    memory: str = "1G"
    cpu: str | None = None
    network: bool = False
    """A card, which nobody has set up."""
    steps: tuple[str, ...] = ("guest-tests",)
    """Steps whose outputs the guest has under /opt."""


def _override(name: str) -> Path | None:
    """A file named by the environment instead of a build output, to test a kernel being written."""
    value = os.environ.get(f"XSC_TEST_{name}")
    return Path(value) if value else None


def _shares(steps: Sequence[str], built: Built) -> tuple[Share, ...]:
    return tuple(
        Share(
            _override(step.upper().replace("-", "_")) or built(step),
            f"/mnt/{step}",
            f"xsc-share{number}",
        )
        for number, step in enumerate(steps)
    )


def specification(setting: Setting, built: Built, console: Path) -> MachineSpec:
    """Return what to boot for a setting."""
    root = "ROOT" if setting.profile == "standard" else f"ROOT_{setting.profile.upper()}"
    names = ("KERNEL", "INITRD", root, "AGENT")
    overrides = artifacts.Overrides(*(_override(name) for name in names))
    if setting.kernel == "stock":
        overrides = artifacts.Overrides(
            _override("STOCK_KERNEL"), _override("STOCK_INITRD"), overrides.root, overrides.agent
        )

    if setting.kernel in ("debug", "race"):
        name = setting.kernel
        image = _override(f"{name.upper()}_KERNEL") or built(f"kernel-{name}") / "bzImage"
        overrides = replace(overrides, kernel=image)

    def ensure(steps: Sequence[str]) -> dict[str, Path]:
        return {step: built(step) for step in steps}

    kernel = "stock" if setting.kernel == "stock" else "xsc"
    files = artifacts.resolve(kernel, setting.profile, overrides, ensure)
    return MachineSpec(
        Hardware(probe(print), cpu=setting.cpu, memory=setting.memory, network=setting.network),
        files.kernel,
        files.initrd,
        files.root,
        files.agent,
        setting.args,
        setting.init,
        _shares(setting.steps, built),
        console=console,
    )


class Lab:
    """One machine that boots when it is first needed, and again after it was lost.

    `laboratory()` makes one.
    """

    def __init__(self, setting: Setting, built: Built) -> None:
        self.setting = setting
        self.built = built
        self.console = Path(tempfile.mkdtemp(prefix="xsc-lab-")) / "console.log"
        self.lost = False
        self._machine: Machine | None = None

    @property
    def machine(self) -> Machine:
        """The running machine."""
        if self._machine is None:
            machine = Machine(specification(self.setting, self.built, self.console))
            machine.boot()
            self._machine = machine
            if self.setting.steps:
                done = machine.run(["sh", "-c", SET_UP], timeout=120)
                assert done.code == 0, done.stderr.decode()
        return self._machine

    def run(self, argv: Sequence[str], timeout: float = 60) -> Result:
        """Run a command; a machine that was lost with it is booted anew for the next one."""
        try:
            return self.machine.run(argv, timeout=timeout, env={"LC_ALL": "C.UTF-8"})
        except LostVm:
            self._machine, self.lost = None, True
            raise

    def shell(self, script: str, timeout: float = 60) -> str:
        """Run a shell script that must succeed; return what it printed."""
        done = self.run(["sh", "-ec", script], timeout)
        out, err = done.stdout.decode(errors="replace"), done.stderr.decode(errors="replace")
        assert done.code == 0, f"exit code {done.code}\n{out}\n{err}"
        return out

    def kernel_trouble(self) -> list[str]:
        """Return what the kernel complained about since the last call."""
        done = self.run(["dmesg", "--read-clear"])
        return splats(done.stdout.decode(errors="replace"))

    def end(self) -> None:
        """Power off in good order."""
        if self._machine is not None:
            machine, self._machine = self._machine, None
            try:
                machine.power_off()
            finally:
                machine.close()

    def close(self) -> None:
        """End the machine, if it runs, however it is."""
        if self._machine is not None:
            self._machine.close()
            self._machine = None


@contextmanager
def laboratory(
    setting: Setting, built: Built, session: pytest.Session | None = None
) -> Iterator[Lab]:
    """Give a machine and power it off afterwards.

    Its console log is deleted unless something failed: the block, the machine, or a test of
    `session` since the block began. Then the log is kept and named.
    """
    failed = session.testsfailed if session else 0
    lab = Lab(setting, built)
    kept = f"the console of {setting} is in {lab.console}"
    try:
        yield lab
        lab.end()
    except BaseException:
        lab.close()
        print(f"{kept}, and ends:\n{last_words(lab.console)}")
        raise
    if session and (lab.lost or session.testsfailed > failed):
        # pytest shows what a fixture prints at its end only if the test before it has failed.
        capture = session.config.pluginmanager.get_plugin("capturemanager")
        with capture.global_and_fixture_disabled():
            print(f"\n{kept}")
    else:
        shutil.rmtree(lab.console.parent)


def failures(output: str) -> list[str]:
    """Return the TAP lines of a program's output that report a failure."""
    return [line for line in output.splitlines() if line.startswith("not ok")]


def run_program(lab: Lab, name: str, *args: str, timeout: float = 60) -> str:
    """Run one guest test where a gate must exist; it must pass and leave the log clean."""
    done = lab.run([f"{PROGRAMS}/{name}", *args, "--require-gate"], timeout)
    out = done.stdout.decode(errors="replace")
    print(f"{name}: {done.seconds:.1f} s in the guest")
    print("\n".join(line for line in out.splitlines() if line.startswith("#")))
    assert not failures(out), "\n".join(failures(out))
    assert done.code == 0, f"exit code {done.code}\n{out[-2000:]}\n{done.stderr.decode()[-2000:]}"
    trouble = lab.kernel_trouble()
    assert not trouble, "\n".join(trouble)
    return out
