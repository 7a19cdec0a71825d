# SPDX-License-Identifier: MIT
"""`xsc bench`: measure in a virtual machine, compare two measurements."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from xsc.bench import beside, guest, plot, tables, toolchain
from xsc.bench.compare import changes
from xsc.bench.goals import judge
from xsc.bench.report import Run, load, save
from xsc.commands.bench_machine import say, specification, steps
from xsc.commands.bench_packages import bench_packages
from xsc.commands.bench_path import bench_path
from xsc.commands.bench_remote import bench_remote
from xsc.commands.bench_repo import bench_repo
from xsc.commands.vm_exec import check_memory
from xsc.config import Settings
from xsc.errors import EXIT_OK
from xsc.session import dry_run, ensure
from xsc.vm.accel import probe
from xsc.vm.artifacts import Overrides
from xsc.vm.machine import MachineSpec
from xsc.vm.qemu import Hardware
from xsc.vm.terminal import ended_by_signals

app = typer.Typer(no_args_is_help=True, help="Measure what a call costs, by trap and by gate.")
app.command("path")(bench_path)
app.command("remote")(bench_remote)
app.command("packages")(bench_packages)
app.command("repo")(bench_repo)


class Policy(StrEnum):
    """What the lane `ring` asks of the kernel."""

    AUTO = "auto"
    FORCE = "force"
    RANDOM = "random"


def systems(
    settings: Settings, hardware: Hardware, overrides: Overrides, args: tuple[str, ...]
) -> dict[str, MachineSpec]:
    """Return the two systems that are measured beside each other: XSC and Debian's."""
    others = Overrides(root=overrides.root, agent=overrides.agent)
    return {
        "xsc": specification(settings, hardware, "xsc", overrides, args),
        "stock": specification(settings, hardware, "stock", others, ()),
    }


def boot_specifications(pair: Mapping[str, MachineSpec]) -> dict[str, MachineSpec]:
    """Return what --boot compares: XSC, the same kernel without it, and Debian's kernel."""
    bare = {name: replace(spec, copies=()) for name, spec in pair.items()}
    off = replace(bare["xsc"], kernel_args=(*bare["xsc"].kernel_args, "xsc=off"))
    return {"xsc": bare["xsc"], "off": off, "stock": bare["stock"]}


def finish(run: Run, json: Path, picture: Path) -> None:
    """Print a run and keep it."""
    save(run, json)
    picture.parent.mkdir(parents=True, exist_ok=True)
    picture.write_text(plot.svg(run))
    tables.print_wide(tables.run_report(run, judge(run)))
    say(f"samples in {json}, picture in {picture}")


@app.command("core")
def bench_core(
    ctx: typer.Context,
    measure: Annotated[
        list[str] | None, typer.Option(help="Only this measure; may be repeated.")
    ] = None,
    reps: Annotated[int, typer.Option(min=1, help="Samples of each lane.")] = 7,
    ring: Annotated[Policy, typer.Option(help="What the lane `ring` asks for.")] = Policy.AUTO,
    quick: Annotated[
        bool, typer.Option("--quick", help="Tiny samples: show that it runs.")
    ] = False,
    boot: Annotated[
        bool, typer.Option("--boot", help="Also boot to multi-user, beside Debian's kernel.")
    ] = False,
    debian: Annotated[
        bool, typer.Option("--debian", help="Also measure Debian's system, booted in turns.")
    ] = False,
    json: Annotated[Path | None, typer.Option(help="Where the samples go.")] = None,
    picture: Annotated[Path | None, typer.Option("--plot", help="Where the SVG goes.")] = None,
    cpus: Annotated[int, typer.Option(min=1, max=255)] = 2,
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
    """Measure calls, programs and idleness in one boot, each lane in turn, and judge the result.

    The lanes are trap (the instruction), bell (the gate, executed by the caller) and ring (the
    gate with workers, where the kernel has them). A missed goal is printed and is no failure.
    """
    settings: Settings = ctx.obj
    overrides = Overrides(kernel_image, initrd, root, agent)
    how = guest.Settings(reps, ring.value, quick, tuple(measure or ()))
    for program in guest.SUITE:
        how.wants(program)
    check_memory(memory)
    profiles = guest.profiles(how)
    whole = boot or debian
    needed = steps((guest.STANDARD, *profiles) if whole else profiles, overrides, whole)
    if settings.dry_run:
        print("\n".join(dry_run(settings, needed)))
        return EXIT_OK
    ensure(settings, needed)
    hardware = Hardware(probe(say), cpus=cpus, memory=memory)
    args = tuple(kernel_arg or ())
    specs = {
        name: specification(settings, hardware, "xsc", overrides, args, name) for name in profiles
    }
    with ended_by_signals():
        run = guest.measure(specs, how, say)
        pair = systems(settings, hardware, overrides, args) if whole else {}
        if debian:
            turns = replace(how, reps=1 if quick else reps)
            run = guest.with_samples(run, beside.systems(pair, turns, say))
        if boot:
            kernels = boot_specifications(pair)
            run = guest.with_samples(run, guest.boots(kernels, 1 if quick else reps, say))
    stem = settings.paths.build / "bench" / f"core-{run.started.replace(':', '')}"
    finish(run, json or stem.with_suffix(".json"), picture or stem.with_suffix(".svg"))
    return EXIT_OK


@app.command("compare")
def bench_compare(
    first: Annotated[Path, typer.Argument(metavar="A", help="A run saved by `bench core`.")],
    second: Annotated[Path, typer.Argument(metavar="B", help="Another one.")],
) -> int:
    """Show how the figures of run B differ from those of run A."""
    runs = load(first), load(second)
    tables.print_wide(tables.change_report(*runs, changes(*runs)))
    return EXIT_OK


@app.command("toolchain")
def bench_toolchain(
    ctx: typer.Context,
    reps: Annotated[int, typer.Option(min=1, help="Samples of each.")] = 7,
) -> int:
    """Measure what compiling and linking costs with the toolchain's checks, beside plain GCC.

    Runs on this machine, not in a virtual one. A missed limit is printed and is no failure.
    """
    settings: Settings = ctx.obj
    if settings.dry_run:
        print("\n".join(dry_run(settings, ["toolchain"])))
        return EXIT_OK
    tree = ensure(settings, ["toolchain"])["toolchain"] / "tree"
    project = sorted((settings.paths.root / "toolchain/tool").glob("*.c"))
    tables.print_wide(tables.toolchain_report(toolchain.measure(tree, project, reps, say)))
    return EXIT_OK
