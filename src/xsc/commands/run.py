# SPDX-License-Identifier: MIT
"""`xsc run`."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from xsc.build import DEFAULT_PROFILE, resolve_target
from xsc.config import Settings, default_jobs
from xsc.errors import EXIT_OK, StepFailed
from xsc.run import quote
from xsc.session import dry_run, ensure, interruptible
from xsc.vm import boot
from xsc.vm.accel import QEMU, probe
from xsc.vm.firmware import Firmware, Medium
from xsc.vm.qemu import Hardware

MAX_CPUS = 4
# Facts of the booted system that show what this project is about.
SHOWN_FACTS = ("release", "cmdline", "self.mode", "self.calls", "self.traps", "kernel.traps")


def find_iso(out: Path) -> Path:
    """Return the one ISO in an output directory. Raises StepFailed if there is not exactly one."""
    found = sorted(out.glob("*.iso"))
    if len(found) != 1:
        raise StepFailed(f"{out} holds {len(found)} ISO images, not one")
    return found[0]


def plain_command(iso: str, cpus: int, memory: str) -> str:
    """Return the shortest command that boots the ISO, for people without this tool."""
    return quote([QEMU, "-m", memory, "-smp", str(cpus), "-cdrom", iso])


def verify(settings: Settings, hardware: Hardware, medium: Medium) -> int:
    """Boot without a terminal, prove that the root shell is reached, and power off."""
    print("xsc: no terminal here: booting to the root prompt and powering off", file=sys.stderr)
    with interruptible():
        report = boot.verify(hardware, medium, log=settings.paths.logs / "run-console.log")
    for name in SHOWN_FACTS:
        if name in report.facts:
            print(f"{name}: {report.facts[name]}")
    print(f"root prompt after {report.shell_seconds:g} s ({report.accel})")
    return EXIT_OK


def run(
    ctx: typer.Context,
    profile: Annotated[str, typer.Option(help="minimal or standard.")] = DEFAULT_PROFILE,
    firmware: Annotated[Firmware, typer.Option(help="What boots the ISO.")] = Firmware.BIOS,
    memory: Annotated[str, typer.Option(help="Memory of the machine.")] = "2G",
    cpus: Annotated[
        int | None, typer.Option(min=1, help="CPUs of the machine (default: all, up to 4).")
    ] = None,
) -> int:
    """Build the ISO if need be and boot it to a root shell on this terminal."""
    settings: Settings = ctx.obj
    steps = resolve_target("iso", profile)
    count = cpus or min(MAX_CPUS, default_jobs())
    if settings.dry_run:
        print("\n".join([*dry_run(settings, steps), plain_command("ISO", count, memory)]))
        return EXIT_OK
    (out,) = ensure(settings, steps).values()
    medium = Medium(find_iso(out), firmware)
    print(f"xsc: {plain_command(str(medium.iso), count, memory)} boots it too", file=sys.stderr)
    accel = probe()
    print(f"xsc: {accel.describe()}", file=sys.stderr)
    hardware = Hardware(accel, cpus=count, memory=memory)
    if os.isatty(0) and os.isatty(1):
        return boot.interactive(hardware, medium)
    return verify(settings, hardware, medium)
