# SPDX-License-Identifier: MIT
"""The machine a suite runs in: brought into its lane, cleaned after each test, replaced if lost."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from xsc.errors import InfraError
from xsc.suites.health import trouble
from xsc.suites.lanes import Facts, Lane, set_lane
from xsc.suites.model import Case, Ended, Suite
from xsc.vm.errors import CommandTimeout, LostVm
from xsc.vm.machine import Machine, MachineSpec

# Seconds on a machine with KVM for what is not a test.
HOUSEKEEPING = 60.0
_GROUP = "/sys/fs/cgroup/suite"
_SET_UP = f"""\
mkdir -p {_GROUP}
echo core > /proc/sys/kernel/core_pattern
echo 1 > /proc/sys/kernel/printk_ratelimit || :
dmesg --clear
"""
# A test may leave processes in other sessions, and namespaces with them; its control group has all.
_ENTER = f'echo $$ > {_GROUP}/cgroup.procs && exec "$@"'
_CLEAN = f"""\
echo 1 > {_GROUP}/cgroup.kill
tries=0
while grep -q 'populated 1' {_GROUP}/cgroup.events && [ $tries -lt 50 ]; do
	sleep 0.1
	tries=$((tries + 1))
done
rm -rf /tmp/* /dev/shm/*
dmesg --read-clear
"""

Boot = Callable[[], MachineSpec]


@dataclass(frozen=True)
class Run:
    """What became of one test. `ended` is None if it took too long.

    `trouble` has the kernel's complaints since the test before; `lost` says how the machine was.
    """

    ended: Ended | None
    seconds: float
    trouble: tuple[str, ...]
    lost: str = ""


class Guest:
    """One machine in one lane; boots when it is first needed and after it was lost."""

    def __init__(
        self, boot: Boot, lane: Lane, suite: Suite, own_libc: bool = True, stretch: float = 1.0
    ) -> None:
        """`stretch` multiplies the time limits of everything but the boot: for a busy host."""
        self.facts: Facts | None = None
        self.boots = 0
        self._boot = boot
        self._lane = lane
        self._suite = suite
        self._own_libc = own_libc
        self._machine: Machine | None = None
        self._stretch = stretch
        self._patience = stretch

    @property
    def kernel(self) -> str:
        """The kernel release; empty before the first boot."""
        return self.facts.kernel if self.facts is not None else ""

    def start(self) -> Machine:
        """Boot the machine unless it runs, and bring it into its lane.

        Raises InfraError if it does not boot or is in another lane.
        """
        if self._machine is not None:
            return self._machine
        spec = self._boot()
        self._patience = spec.hardware.accel.patience * self._stretch
        machine = Machine(spec)
        machine.boot()
        self._machine = machine
        self.boots += 1
        try:
            self.facts = set_lane(self._lane, self.shell, self._own_libc)
            self.shell(_SET_UP)
            if self._suite.set_up:
                self.shell(self._suite.set_up)
        except BaseException:
            self.discard()
            raise
        return machine

    def shell(self, script: str) -> str:
        """Run a shell script and return what it printed. Raises InfraError if it fails."""
        machine = self.start()
        done = machine.run(["sh", "-ec", script], timeout=HOUSEKEEPING * self._patience)
        if done.code != 0:
            words = done.stderr.decode(errors="replace").strip()
            raise InfraError(
                f"a script of the suite {self._suite.name} failed in the guest ({done.code}): "
                f"{words}",
                hint="the guest's root file system lacks something: see profiles/suites.toml",
            )
        return done.stdout.decode(errors="replace")

    def run(self, test: Case) -> Run:
        """Run a test, end whatever it left behind, and collect the kernel's complaints."""
        machine = self.start()
        limit = test.limit * self._patience
        ended: Ended | None = None
        try:
            result = machine.run(
                ["sh", "-c", _ENTER, "sh", *test.argv],
                timeout=limit,
                env={"LC_ALL": "C.UTF-8", **test.env},
                cwd=test.cwd,
            )
            seconds = result.seconds
            streams = (result.stdout, result.stderr)
            ended = Ended(result.code, *(s.decode(errors="replace") for s in streams))
        except CommandTimeout:
            seconds = limit
        except LostVm as error:
            self.discard()
            return Run(None, 0.0, (), error.message)
        try:
            done = machine.run(["sh", "-c", _CLEAN], timeout=HOUSEKEEPING * self._patience)
        except (LostVm, CommandTimeout) as error:
            self.discard()
            return Run(ended, seconds, (), f"after the test: {error.message}")
        return Run(ended, seconds, tuple(trouble(done.stdout.decode(errors="replace"))))

    def discard(self) -> None:
        """End the machine at once, whatever it does."""
        machine, self._machine = self._machine, None
        if machine is not None:
            machine.close()

    def end(self) -> None:
        """Power off in good order, if the machine still can."""
        machine, self._machine = self._machine, None
        if machine is None:
            return
        try:
            machine.power_off()
        except LostVm:
            pass  # every result is in: how the machine ends is not a test's matter
        finally:
            machine.close()
