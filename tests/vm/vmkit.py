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
from xsc.vm.copies import Copy
from xsc.vm.errors import BootTimeout, LostVm
from xsc.vm.klog import splats
from xsc.vm.logtail import last_words
from xsc.vm.machine import Machine, MachineSpec, Result
from xsc.vm.qemu import Hardware

PROGRAMS = "/opt/guest-tests"
SKIPPED = 77
SET_UP = "echo core > /proc/sys/kernel/core_pattern"
CHECKING = ("debug", "race")
# What a checking kernel says before it tests its RCU tasks, and what it says after it.
SELF_TEST, AFTER_IT = "Running RCU-tasks wait API self tests", "smp: Bringing up secondary CPUs"
MOST_CAUGHT = 3

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


def _copies(steps: Sequence[str], built: Built) -> tuple[Copy, ...]:
    return tuple(
        Copy(_override(step.upper().replace("-", "_")) or built(step), f"/opt/{step}")
        for step in steps
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

    if setting.kernel in CHECKING:
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
        (*setting.args, "loglevel=7") if setting.kernel in CHECKING else setting.args,
        setting.init,
        copies=_copies(setting.steps, built),
        console=console,
    )


def caught_in_self_test(console: str) -> bool:
    """Whether a boot ended in the kernel's own test of RCU tasks, as PROVE_RCU makes it.

    A task that makes the test waits for a mutex there whose owner waits for that task. It needs a
    busy host, and is no matter of XSC's: docs/testing.md.
    """
    return SELF_TEST in console and AFTER_IT not in console


class Lab:
    """One machine that boots when it is first needed, and again after it was lost.

    `laboratory()` makes one.
    """

    def __init__(self, setting: Setting, built: Built) -> None:
        self.setting = setting
        self.built = built
        self.console = Path(tempfile.mkdtemp(prefix="xsc-lab-")) / "console.log"
        self.lost = False
        self.caught = 0
        self.aborted = 0
        self._machine: Machine | None = None

    @property
    def machine(self) -> Machine:
        """The running machine."""
        if self._machine is None:
            self._machine = machine = self._boot()
            if self.setting.steps:
                done = machine.run(["sh", "-c", SET_UP], timeout=120)
                assert done.code == 0, done.stderr.decode()
        return self._machine

    def _boot(self) -> Machine:
        machine = Machine(specification(self.setting, self.built, self.console))
        try:
            machine.boot()
        except BootTimeout:
            said = self.console.read_text(errors="replace")
            if self.caught == MOST_CAUGHT or not caught_in_self_test(said):
                raise
            self.caught += 1
            return self._boot()
        finally:
            self.aborted += machine.boots - 1
        return machine

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
    if session and lab.caught:
        _tell(session, f"boots caught in the kernel's own test of RCU tasks: {lab.caught}")
    if session and lab.aborted:
        _tell(session, f"QEMUs that aborted while a guest booted: {lab.aborted}")
    if session and (lab.lost or session.testsfailed > failed):
        _tell(session, kept)
    else:
        shutil.rmtree(lab.console.parent)


def _tell(session: pytest.Session, text: str) -> None:
    # pytest shows what a fixture prints at its end only if the test before it has failed.
    capture = session.config.pluginmanager.get_plugin("capturemanager")
    with capture.global_and_fixture_disabled():
        print(f"\n{text}")


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
