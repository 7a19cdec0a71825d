# SPDX-License-Identifier: MIT
"""`xsc vm boot`."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from xsc.build import DEFAULT_PROFILE, resolve_target
from xsc.commands.run import find_iso
from xsc.commands.vm_exec import check_memory, say
from xsc.config import Settings
from xsc.errors import EXIT_OK, UsageError
from xsc.session import dry_run, ensure
from xsc.vm import boot
from xsc.vm.accel import probe
from xsc.vm.firmware import Firmware, Media, Medium
from xsc.vm.qemu import Hardware
from xsc.vm.terminal import ended_by_signals


def vm_boot(
    ctx: typer.Context,
    firmware: Annotated[Firmware, typer.Option(help="What starts the boot loader.")] = (
        Firmware.BIOS
    ),
    media: Annotated[Media, typer.Option(help="What the ISO is on.")] = Media.CDROM,
    iso: Annotated[
        Path | None, typer.Option(metavar="PATH", help="An ISO instead of the built one.")
    ] = None,
    entry: Annotated[str, typer.Option(help="Of the menu: permissive, enforcing or off.")] = (
        "permissive"
    ),
    profile: Annotated[str, typer.Option(help="standard or minimal.")] = DEFAULT_PROFILE,
    memory: Annotated[str, typer.Option(help="Such as 512M or 2G.")] = "2G",
    cpus: Annotated[int, typer.Option(min=1, max=255)] = 2,
    machine: Annotated[str, typer.Option(help="QEMU machine type: q35 or pc.")] = "q35",
    cpu: Annotated[str | None, typer.Option(metavar="MODEL", help="QEMU CPU model.")] = None,
    timeout: Annotated[
        float | None, typer.Option(min=1, metavar="S", help="Seconds from menu to shell.")
    ] = None,
    console: Annotated[Path | None, typer.Option(help="Where the console log goes.")] = None,
    json_report: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write what the system reported as JSON.")
    ] = None,
    interactive: Annotated[
        bool, typer.Option("--interactive", help="Use the machine on this terminal instead.")
    ] = False,
) -> int:
    """Boot the ISO through its own boot menu and verify that it reaches a root shell.

    A command typed at the shell reports through a port of its own, then the system powers off in
    good order. Exit codes: 0 verified, 1 wrong answer, 2 not in time, 125 the machine was lost.
    """
    settings: Settings = ctx.obj
    check_memory(memory)
    if entry not in boot.ENTRIES:
        known = ", ".join(boot.ENTRIES)
        raise UsageError(f"there is no --entry {entry!r}", hint=f"one of: {known}")
    if iso is not None and not iso.is_file():
        raise UsageError(f"{iso} is no file", hint="name an ISO that exists")
    steps = resolve_target("iso", profile) if iso is None else ()
    if settings.dry_run:
        print("\n".join(dry_run(settings, steps)))
        return EXIT_OK
    if iso is None:
        (out,) = ensure(settings, steps).values()
        iso = find_iso(out)
    medium = Medium(iso.absolute(), firmware, media)
    hardware = Hardware(probe(say), machine, cpu, cpus, memory)
    if interactive:
        return boot.interactive(hardware, medium)
    log = console or settings.paths.logs / f"vm-boot-{firmware}-{media}-{entry}.log"
    with ended_by_signals():
        report = boot.verify(hardware, medium, entry=entry, log=log, seconds=timeout)
    show(report)
    if json_report is not None:
        json_report.write_text(json.dumps(asdict(report), indent=1) + "\n")
    return EXIT_OK


def show(report: boot.Report) -> None:
    """Print what the system said of itself."""
    for name, value in report.facts.items():
        print(f"{name}: {value}")
    print(
        f"booted by {report.firmware} from {report.media}, entry {report.entry}: root shell after "
        f"{report.shell_seconds:g} s, off after {report.total_seconds:g} s ({report.accel})"
    )
