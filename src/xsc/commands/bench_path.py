# SPDX-License-Identifier: MIT
"""`xsc bench path`: which code a call passes."""

from __future__ import annotations

import json as json_text
from pathlib import Path
from typing import Annotated

import typer

from xsc.bench import path
from xsc.bench.guest import STANDARD
from xsc.bench.path_tables import path_report
from xsc.bench.tables import print_wide
from xsc.commands.bench_machine import say, specification, steps
from xsc.commands.vm_exec import check_memory
from xsc.config import Settings
from xsc.errors import EXIT_OK
from xsc.session import dry_run, ensure
from xsc.vm.accel import emulator
from xsc.vm.artifacts import Overrides
from xsc.vm.qemu import Hardware
from xsc.vm.terminal import ended_by_signals


def bench_path(
    ctx: typer.Context,
    call: Annotated[str, typer.Option(help="Which call.")] = "getppid",
    json: Annotated[bool, typer.Option("--json", help="Print JSON, block by block.")] = False,
    memory: Annotated[str, typer.Option(help="Such as 512M or 2G.")] = "1G",
    kernel_arg: Annotated[
        list[str] | None, typer.Option(help="Word for the kernel command line.")
    ] = None,
    kernel_image: Annotated[
        Path | None, typer.Option(help="Kernel to boot, straight from a build tree.")
    ] = None,
    initrd: Annotated[Path | None, typer.Option(help="Initramfs to use.")] = None,
    root: Annotated[Path | None, typer.Option(help="Squashfs to use as root.")] = None,
    agent: Annotated[Path | None, typer.Option(help="Guest agent to use.")] = None,
) -> int:
    """Show which functions of the kernel one call passes, by trap and by bell.

    QEMU logs the translation blocks that run, so the machine is emulated, KVM or not. The path is
    the one of most calls. It has no times.
    """
    settings: Settings = ctx.obj
    overrides = Overrides(kernel_image, initrd, root, agent)
    path.check_call(call)
    check_memory(memory)
    accel = emulator("QEMU logs what it translates")
    needed = steps((STANDARD,), overrides, boot=False)
    if settings.dry_run:
        print("\n".join(dry_run(settings, needed)))
        return EXIT_OK
    ensure(settings, needed)
    hardware = Hardware(accel, cpus=2, memory=memory)
    spec = specification(settings, hardware, "xsc", overrides, tuple(kernel_arg or ()))
    with ended_by_signals():
        report = path.trace(spec, call, say)
    if json:
        print(json_text.dumps(path.document(report), indent=1))
    else:
        print_wide(path_report(report))
    return EXIT_OK
