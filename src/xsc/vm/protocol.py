# SPDX-License-Identifier: MIT
"""The conversation with the guest agent: JSON lines, stdin frames and what exit codes mean.

Everything here is a pure function of bytes; guest/agent/main.c describes the messages.
"""

from __future__ import annotations

import json
import os
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

VERSION = 1

# Control messages are short; a guest that sends more than this without a newline is broken.
MAX_LINE = 1 << 20

# Frames stay small, so that a command that does not read its input blocks little memory.
MAX_FRAME = 1 << 16


class ProtocolError(Exception):
    """The guest said something no agent says."""


@dataclass(frozen=True)
class Hello:
    """The agent is there."""

    protocol: int
    pid: int
    kernel: str


@dataclass(frozen=True)
class Mounted:
    """The answer to mount(); `error` is an errno value or 0."""

    tag: str
    error: int


@dataclass(frozen=True)
class Started:
    """The command of `run` is running as process `pid` of the guest."""

    run: int
    pid: int


@dataclass(frozen=True)
class Failed:
    """The command of `run` could not be started; `error` is an errno value."""

    run: int
    error: int


@dataclass(frozen=True)
class Exit:
    """The command has ended. `code` is an exit code or, if `signaled`, a signal number."""

    run: int
    signaled: bool
    code: int
    stdout: int
    stderr: int

    @property
    def exit_code(self) -> int:
        """The exit code a shell would report."""
        return 128 + self.code if self.signaled else self.code


@dataclass(frozen=True)
class Bye:
    """The guest is about to power off because it was asked to."""


@dataclass(frozen=True)
class Complaint:
    """The agent did not understand us."""

    text: str


Message = Hello | Mounted | Started | Failed | Exit | Bye | Complaint


class LineSplitter:
    """Joins torn pieces into lines."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, data: bytes) -> list[bytes]:
        """Return the lines that `data` completes, without their newlines.

        Raises ProtocolError if a line exceeds MAX_LINE bytes.
        """
        *lines, self._rest = (self._rest + data).split(b"\n")
        if max(map(len, [self._rest, *lines])) > MAX_LINE:
            raise ProtocolError(f"a line of more than {MAX_LINE} bytes")
        return lines


def _field(record: Mapping[str, Any], name: str, kind: type) -> Any:
    value = record.get(name)
    # In Python a bool is an int; on the wire it is not.
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        raise ProtocolError(f"{name!r} is missing or no {kind.__name__} in {dict(record)}")
    return value


def _parse_exit(record: Mapping[str, Any]) -> Exit:
    status = _field(record, "status", str)
    if status not in ("exited", "signaled"):
        raise ProtocolError(f"unknown status {status!r}")
    numbers = [_field(record, name, int) for name in ("run", "code", "stdout", "stderr")]
    run, code, stdout, stderr = numbers
    return Exit(run, status == "signaled", code, stdout, stderr)


def parse(line: bytes) -> Message:
    """Return the message in one line. Raises ProtocolError for anything else."""
    try:
        record = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise ProtocolError(f"no JSON: {line[:200]!r}") from error
    if not isinstance(record, dict):
        raise ProtocolError(f"no object: {line[:200]!r}")
    match record.get("type"):
        case "hello":
            protocol, pid = _field(record, "protocol", int), _field(record, "pid", int)
            return Hello(protocol, pid, _field(record, "kernel", str))
        case "mounted":
            return Mounted(_field(record, "tag", str), _field(record, "error", int))
        case "started":
            return Started(_field(record, "run", int), _field(record, "pid", int))
        case "failed":
            return Failed(_field(record, "run", int), _field(record, "error", int))
        case "exit":
            return _parse_exit(record)
        case "bye":
            return Bye()
        case "error":
            return Complaint(_field(record, "text", str))
        case other:
            raise ProtocolError(f"unknown message type {other!r}")


def _line(record: Mapping[str, object]) -> bytes:
    # Bytes of an argument that are not UTF-8 are lone surrogates here and travel as \udcXX.
    return json.dumps(record, ensure_ascii=True, separators=(",", ":")).encode() + b"\n"


def mount(tag: str, path: str) -> bytes:
    """Ask the agent to mount a share."""
    return _line({"type": "mount", "tag": tag, "path": path})


def start(
    run: int,
    argv: Sequence[str],
    *,
    env: Mapping[str, str] | None = None,
    cwd: str | None = None,
    stdin: bool = False,
) -> bytes:
    """Ask the agent to start a command; without `stdin` it reads /dev/null."""
    record: dict[str, object] = {"type": "start", "run": run, "argv": list(argv), "stdin": stdin}
    if env:
        record["env"] = dict(env)
    if cwd is not None:
        record["cwd"] = cwd
    return _line(record)


def kill(run: int, signal: int) -> bytes:
    """Ask the agent to signal the command's process group."""
    return _line({"type": "kill", "run": run, "signal": signal})


def power_off() -> bytes:
    """Ask for a clean end of the virtual machine."""
    return _line({"type": "poweroff"})


def frames(run: int, data: bytes) -> bytes:
    """Wrap standard input of a run for the stdin port; empty `data` is its end."""
    if not data:
        return struct.pack("<II", run, 0)
    pieces = (data[at : at + MAX_FRAME] for at in range(0, len(data), MAX_FRAME))
    return b"".join(struct.pack("<II", run, len(piece)) + piece for piece in pieces)


def start_failure(error: int) -> tuple[int, str]:
    """Return the exit code a shell gives for a command that cannot be started, and the reason."""
    not_found = error in (2, 20)  # ENOENT, ENOTDIR
    return (127 if not_found else 126), os.strerror(error)
