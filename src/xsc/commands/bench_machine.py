# SPDX-License-Identifier: MIT
"""The machine in which the verbs of `xsc bench` measure."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from xsc.bench import guest
from xsc.config import Settings
from xsc.session import ensure
from xsc.vm import artifacts
from xsc.vm.artifacts import Overrides
from xsc.vm.copies import Copy
from xsc.vm.machine import MachineSpec
from xsc.vm.qemu import Hardware

STEP = "guest-bench"


def say(text: str) -> None:
    """Tell the user what is being done."""
    print(f"xsc: bench: {text}", file=sys.stderr, flush=True)


def steps(profiles: Sequence[str], overrides: Overrides, boot: bool) -> tuple[str, ...]:
    """Return what has to be built before anything can be measured."""
    debian = Overrides(root=overrides.root, agent=overrides.agent)
    needed = [step for name in profiles for step in artifacts.steps("xsc", name, overrides)]
    stock = artifacts.steps("stock", guest.STANDARD, debian) if boot else ()
    return tuple(dict.fromkeys((*needed, STEP, *stock)))


def specification(
    settings: Settings,
    hardware: Hardware,
    kernel: str,
    overrides: Overrides,
    args: tuple[str, ...],
    profile: str = guest.STANDARD,
) -> MachineSpec:
    """Return the machine of one kernel and image, with the benchmark programs in it."""
    files = artifacts.resolve(kernel, profile, overrides, lambda names: ensure(settings, names))
    # Not a share: 9p would be in every page fault of the programs, and it is not what is measured.
    programs = Copy(ensure(settings, [STEP])[STEP], guest.PROGRAMS)
    return MachineSpec(
        hardware,
        files.kernel,
        files.initrd,
        files.root,
        files.agent,
        args,
        copies=(programs,),
        log_dir=settings.paths.logs,
    )
