# SPDX-License-Identifier: MIT
"""`xsc vm exec`."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Annotated

import typer

from xsc.config import Settings
from xsc.errors import EXIT_OK, UsageError
from xsc.session import dry_run, ensure
from xsc.vm import artifacts, shares
from xsc.vm.accel import probe
from xsc.vm.execute import EXIT_PIPE, Command, execute, host_stdin, parse_env
from xsc.vm.machine import INIT_ARGS, MachineSpec
from xsc.vm.qemu import Hardware
from xsc.vm.terminal import ended_by_signals

EXEC_HELP = """Boot the built system in a throw-away virtual machine and run CMD there as root.

The exit code is CMD's (128+n if signal n ended it, 127 and 126 if it cannot be started), or 124 if
it exceeded --timeout, 125 if the guest crashed or vanished, 2 if the machine could not be started,
64 for a wrong command line. Those four come with a message, and --json-verdict tells them apart.
Standard input is forwarded unless it is a terminal; then CMD reads /dev/null."""

_MEMORY = re.compile(r"[1-9][0-9]*[MG]?")


def say(text: str) -> None:
    """Tell the user something that is not the command's output."""
    print(f"xsc: {text}", file=sys.stderr, flush=True)


def check_memory(text: str) -> str:
    """Return a memory size in QEMU's notation. Raises UsageError if it is none."""
    if not _MEMORY.fullmatch(text):
        raise UsageError(f"--memory {text!r} is no size", hint="write it as 512M or 2G")
    return text


def vm_exec(
    ctx: typer.Context,
    cmd: Annotated[list[str], typer.Argument(metavar="CMD...", help="After `--`.")],
    kernel_arg: Annotated[
        list[str] | None, typer.Option(help="Word for the kernel command line, such as xsc=off.")
    ] = None,
    cpus: Annotated[int, typer.Option(min=1, max=255)] = 2,
    memory: Annotated[str, typer.Option(help="Such as 512M or 2G.")] = "1G",
    share: Annotated[
        list[str] | None,
        typer.Option(metavar="HOST:GUEST", help="Host directory, read-write, at a guest path."),
    ] = None,
    kernel: Annotated[str, typer.Option(help="xsc or stock (Debian's own).")] = "xsc",
    timeout: Annotated[
        float, typer.Option(min=0, metavar="S", help="Seconds CMD may take; 0: no limit.")
    ] = 3600.0,
    boot_timeout: Annotated[
        float | None, typer.Option(min=1, metavar="S", help="Seconds until the agent answers.")
    ] = None,
    init: Annotated[
        str, typer.Option(help="direct: the agent is PID 1. systemd: after multi-user.target.")
    ] = "direct",
    profile: Annotated[str, typer.Option(help="Root file system: standard or minimal.")] = (
        "standard"
    ),
    env: Annotated[
        list[str] | None, typer.Option(metavar="NAME[=VALUE]", help="Environment of CMD.")
    ] = None,
    cwd: Annotated[str | None, typer.Option(help="Directory CMD starts in.")] = None,
    no_stdin: Annotated[bool, typer.Option("--no-stdin", "-n", help="Read /dev/null.")] = False,
    network: Annotated[bool, typer.Option("--network", help="Add a network card (NAT).")] = False,
    panic_on_warn: Annotated[
        bool, typer.Option("--panic-on-warn", help="A kernel warning ends the machine.")
    ] = False,
    cpu: Annotated[str | None, typer.Option(metavar="MODEL", help="QEMU CPU model.")] = None,
    machine: Annotated[str, typer.Option(help="QEMU machine type.")] = "q35",
    qemu_arg: Annotated[
        list[str] | None, typer.Option(help="Word for QEMU, such as -s for its gdb server.")
    ] = None,
    console: Annotated[
        Path | None, typer.Option(help="Keep the console log (else only if it is lost).")
    ] = None,
    json_verdict: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write the outcome as JSON.")
    ] = None,
    kernel_image: Annotated[
        Path | None, typer.Option(help="Kernel to boot, straight from a build tree.")
    ] = None,
    initrd: Annotated[Path | None, typer.Option(help="Initramfs to use.")] = None,
    root: Annotated[Path | None, typer.Option(help="Squashfs to use as root.")] = None,
    agent: Annotated[Path | None, typer.Option(help="Guest agent to use.")] = None,
) -> int:
    """Collect the options; the work is in xsc.vm.execute."""
    settings: Settings = ctx.obj
    if init not in INIT_ARGS:
        raise UsageError(f"there is no --init {init!r}", hint=f"one of: {', '.join(INIT_ARGS)}")
    check_memory(memory)
    shared = shares.parse_all(share or ())
    overrides = artifacts.Overrides(kernel_image, initrd, root, agent)
    if settings.dry_run:
        print("\n".join(dry_run(settings, artifacts.steps(kernel, profile, overrides))))
        return EXIT_OK
    files = artifacts.resolve(kernel, profile, overrides, lambda steps: ensure(settings, steps))
    args = [*(kernel_arg or ()), *(["panic_on_warn=1"] if panic_on_warn else [])]
    spec = MachineSpec(
        Hardware(probe(say), machine, cpu, cpus, memory, network, tuple(qemu_arg or ())),
        files.kernel,
        files.initrd,
        files.root,
        files.agent,
        tuple(args),
        init,
        shared,
        boot_timeout,
        console.absolute() if console is not None else None,
        settings.paths.logs,
    )
    stdin = None if no_stdin else host_stdin()
    command = Command(tuple(cmd), timeout or None, parse_env(env or ()), cwd, stdin)
    with ended_by_signals():
        try:
            return execute(spec, command, json_verdict)
        except BrokenPipeError:
            return EXIT_PIPE
