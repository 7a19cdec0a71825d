# SPDX-License-Identifier: MIT
"""What machine a suite needs in a lane."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from xsc.suites.lanes import CONDITIONS, Lane
from xsc.suites.model import Suite
from xsc.vm import artifacts
from xsc.vm.accel import Accel
from xsc.vm.copies import Copy
from xsc.vm.machine import BOOT_SECONDS, MachineSpec
from xsc.vm.qemu import Hardware

_ARGS = (
    # A stressor may say much to the kernel log, which is read only after each test.
    "log_buf_len=2M",
    # A virtual processor that a busy host forgets for half a minute looks stuck from inside. One
    # that is stuck for good is found by the time limits as well.
    "rcupdate.rcu_cpu_stall_timeout=120",
    "watchdog_thresh=60",
)


def steps(suite: Suite, lane: Lane, overrides: artifacts.Overrides) -> tuple[str, ...]:
    """Return the build steps that a suite needs in a lane."""
    wanted = CONDITIONS[lane]
    own = artifacts.steps(wanted.kernel, wanted.profile, overrides)
    return tuple(sorted({*own, *suite.steps}))


def machine(
    suite: Suite,
    lane: Lane,
    overrides: artifacts.Overrides,
    ensure: artifacts.Ensure,
    accel: Accel,
    log_dir: Path,
    stretch: float = 1.0,
) -> Callable[[], MachineSpec]:
    """Return a function that describes the machine, to be booted once or more often.

    `ensure` brings build steps up to date and is called at once. The console log of each machine
    that is lost goes to `log_dir`. `stretch` multiplies the time limit of the boot.
    """
    wanted = CONDITIONS[lane]
    files = artifacts.resolve(wanted.kernel, wanted.profile, overrides, ensure)
    outputs = ensure(suite.steps) if suite.steps else {}
    copies = tuple(Copy(outputs[step], f"/opt/{step}") for step in suite.steps)
    spec = MachineSpec(
        Hardware(accel, memory=suite.memory),
        files.kernel,
        files.initrd,
        files.root,
        files.agent,
        (*wanted.args, *_ARGS),
        copies=copies,
        boot_seconds=BOOT_SECONDS * accel.patience * stretch,
        log_dir=log_dir,
    )
    return lambda: spec
