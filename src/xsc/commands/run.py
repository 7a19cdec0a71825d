# SPDX-License-Identifier: MIT
"""`xsc run`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from xsc.build import DEFAULT_PROFILE, resolve_target
from xsc.config import Settings, default_jobs
from xsc.errors import EXIT_OK, StepFailed
from xsc.run import interactive, quote
from xsc.session import dry_run, ensure
from xsc.vm.accel import QEMU, Accel, probe

MAX_CPUS = 4


def console_argv(iso: Path, accel: Accel, cpus: int, memory: str) -> list[str]:
    """Return the QEMU command that boots an ISO with its serial console on this terminal."""
    argv = [QEMU, *accel.argv, "-cpu", accel.cpu, "-m", memory, "-smp", str(cpus)]
    return [*argv, "-cdrom", str(iso), "-nographic"]


def find_iso(out: Path) -> Path:
    """Return the one ISO in an output directory. Raises StepFailed if there is not exactly one."""
    found = sorted(out.glob("*.iso"))
    if len(found) != 1:
        raise StepFailed(f"{out} holds {len(found)} ISO images, not one")
    return found[0]


def run(
    ctx: typer.Context,
    profile: Annotated[str, typer.Option(help="minimal or standard.")] = DEFAULT_PROFILE,
    memory: Annotated[str, typer.Option(help="Memory of the machine.")] = "2G",
    cpus: Annotated[int | None, typer.Option(min=1, help="CPUs of the machine.")] = None,
) -> int:
    """Build the ISO if need be and boot it to a root shell on this terminal."""
    settings: Settings = ctx.obj
    steps = resolve_target("iso", profile)
    count = cpus or min(MAX_CPUS, default_jobs())
    if settings.dry_run:
        print("\n".join(dry_run(settings, steps)))
        print(quote(console_argv(Path("ISO"), Accel("tcg"), count, memory)))
        return EXIT_OK
    (out,) = ensure(settings, steps).values()
    iso = find_iso(out)
    print(f"xsc: {iso}", file=sys.stderr)
    accel = probe()
    print(f"xsc: {accel.describe()}", file=sys.stderr)
    argv = console_argv(iso, accel, count, memory)
    print(f"xsc: {quote(argv)}", file=sys.stderr)
    print("xsc: `poweroff` in the guest or Ctrl-A X ends the machine", file=sys.stderr)
    return interactive(argv)
