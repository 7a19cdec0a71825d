# SPDX-License-Identifier: MIT
"""One command in one virtual machine, as `xsc vm exec` does it: retry, streams, verdict."""

from __future__ import annotations

import json
import os
import select
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from xsc.errors import XscError
from xsc.vm.errors import BootTimeout, CommandTimeout, LostVm, QemuFailed
from xsc.vm.machine import Machine, MachineSpec, Result

# What a shell reports for a command that SIGPIPE ended: our own reader has gone.
EXIT_PIPE = 141

# A machine that never answered says nothing about the command; one that answered does.
_WORTH_A_RETRY = (BootTimeout, QemuFailed)


@dataclass(frozen=True)
class Command:
    """What to run in the guest. `timeout` in seconds from its start; None for no limit."""

    argv: tuple[str, ...]
    timeout: float | None = None
    env: Mapping[str, str] | None = None
    cwd: str | None = None
    stdin: int | None = None


@dataclass(frozen=True)
class Verdict:
    """The whole outcome. `verdict` is exit, signal, not-started, timeout, lost or infra.

    Only exit, signal and not-started are the command's; `exit_code` is what xsc ends with.
    """

    verdict: str
    exit_code: int
    signal: int | None = None
    message: str | None = None
    accel: str = ""
    kernel: str | None = None
    attempts: int = 1
    boot_seconds: float | None = None
    command_seconds: float | None = None
    total_seconds: float = 0.0


def host_stdin() -> int | None:
    """Return descriptor 0 if there is something to forward: it is open and no terminal."""
    try:
        return None if os.isatty(0) else os.fstat(0) and 0
    except OSError:
        return None


class _Writer:
    """Copies to a descriptor at once, whatever mode it is in."""

    def __init__(self, fd: int) -> None:
        self.fd = fd

    def __call__(self, data: bytes) -> None:
        view = memoryview(data)
        while view:
            try:
                view = view[os.write(self.fd, view) :]
            except BlockingIOError:
                select.select([], [self.fd], [])


def _verdict_of(result: Result) -> tuple[str, str | None]:
    if result.start_error is not None:
        return "not-started", result.start_error
    return ("exit" if result.signal is None else "signal"), None


def _kind(error: XscError) -> str:
    if isinstance(error, CommandTimeout):
        return "timeout"
    return "lost" if isinstance(error, LostVm) else "infra"


def attempt(spec: MachineSpec, command: Command) -> tuple[Verdict, XscError | None]:
    """Boot, run and power off once; errors are part of the verdict."""
    began = time.monotonic()
    machine = Machine(spec)
    result: Result | None = None
    error: XscError | None = None
    kind, message, code = "infra", None, 0
    try:
        with machine:
            result = machine.run(
                command.argv,
                timeout=command.timeout,
                env=command.env,
                cwd=command.cwd,
                input=command.stdin,
                on_stdout=_Writer(1),
                on_stderr=_Writer(2),
            )
        (kind, message), code = _verdict_of(result), result.code
    except XscError as caught:
        error, kind, message, code = caught, _kind(caught), caught.message, caught.exit_code
    verdict = Verdict(
        verdict=kind,
        exit_code=code,
        signal=result.signal if result is not None else None,
        message=message,
        accel=spec.hardware.accel.name,
        kernel=machine.hello.kernel if machine.hello is not None else None,
        attempts=machine.boots,
        boot_seconds=round(machine.boot_seconds, 2) if machine.hello is not None else None,
        command_seconds=round(result.seconds, 2) if result is not None else None,
        total_seconds=round(time.monotonic() - began, 2),
    )
    return verdict, error


def execute(spec: MachineSpec, command: Command, verdict_file: Path | None = None) -> int:
    """Run `command` in a machine made from `spec` and return the exit code of xsc.

    A machine that never answered is tried once more; `attempts` counts the boots. Raises the
    XscError of a machine that failed (LostVm 125, CommandTimeout 124, infrastructure 2), after the
    verdict has been written.
    """
    verdict, error = attempt(spec, command)
    if isinstance(error, _WORTH_A_RETRY):
        print(f"xsc: {error.message}\nxsc: trying once more", file=sys.stderr, flush=True)
        before = verdict.attempts
        verdict, error = attempt(spec, command)
        verdict = replace(verdict, attempts=before + verdict.attempts)
    if verdict_file is not None:
        verdict_file.write_text(json.dumps(asdict(verdict), indent=1) + "\n")
    if error is not None:
        raise error
    if verdict.message is not None:
        what = command.argv[0]
        print(f"xsc: cannot run {what!r} in the guest: {verdict.message}", file=sys.stderr)
    return verdict.exit_code


def parse_env(items: Sequence[str]) -> dict[str, str]:
    """Split NAME=VALUE words; a bare NAME takes the host's value and is left out if unset."""
    env = {}
    for item in items:
        name, separator, value = item.partition("=")
        if separator:
            env[name] = value
        elif name in os.environ:
            env[name] = os.environ[name]
    return env
