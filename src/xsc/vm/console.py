# SPDX-License-Identifier: MIT
"""A machine with firmware: its serial console to type at, a verdict port, and QMP for its end."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import tempfile
from contextlib import suppress
from pathlib import Path

import pexpect
import pexpect.fdpexpect

from xsc import run as gateway
from xsc.vm.errors import LostVm
from xsc.vm.firmware import OVMF_VARS, Firmware, Medium, boot_argv
from xsc.vm.logtail import tail
from xsc.vm.qemu import Channels, Hardware

PORT = "xsc.verdict"

_ENDING_SECONDS = 5.0

# Nothing good follows any of these. They only shorten the wait; no success is read here.
_DEAD = (rb"Kernel panic", rb"xsc: cannot start the system", rb"error: no such device")


class _Transcript:
    """Everything the console said, in memory and in a file at once."""

    def __init__(self, log: Path) -> None:
        self._file = log.open("wb")
        self.data = bytearray()

    def write(self, data: bytes) -> None:
        """Take what pexpect has read."""
        self.data += data
        self._file.write(data)

    def flush(self) -> None:
        """Called by pexpect after every write."""
        self._file.flush()

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def text(self) -> str:
        """Return all of it as text."""
        return self.data.decode("utf-8", "replace")


def settings_copy(medium: Medium, scratch: Path) -> Path:
    """Return a fresh copy of the UEFI variables for one machine (none is made for a BIOS)."""
    variables = scratch / "variables.fd"
    if medium.firmware is Firmware.UEFI and OVMF_VARS.exists():
        shutil.copyfile(OVMF_VARS, variables)
    return variables


class Session:
    """A QEMU with a serial console to type at, a verdict port and QMP."""

    def __init__(self, hardware: Hardware, medium: Medium, log: Path) -> None:
        self.log = log
        self.patience = hardware.accel.patience
        self.scratch = Path(tempfile.mkdtemp(prefix="xsc-boot-"))
        variables = settings_copy(medium, self.scratch)
        pairs = [socket.socketpair() for _ in range(3)]
        (self.console, self.port, self.qmp), theirs = zip(*pairs, strict=True)
        channels = Channels(
            {PORT: theirs[1].fileno()}, theirs[2].fileno(), None, theirs[0].fileno()
        )
        try:
            self.process = self._spawn(boot_argv(hardware, medium, channels, variables), theirs)
        except BaseException:
            self._forget()
            raise
        finally:
            for sock in theirs:
                sock.close()
        # Answered after QEMU's greeting; from then on it reports how the machine ends.
        # One that has ended by now is known by the end of its console.
        with suppress(BrokenPipeError):
            self.qmp.sendall(b'{"execute":"qmp_capabilities"}\n')
        self.port.setblocking(False)
        self.answer = b""
        self.transcript = _Transcript(log)
        self.terminal = pexpect.fdpexpect.fdspawn(self.console.fileno(), timeout=None)
        self.terminal.logfile_read = self.transcript

    def _spawn(self, argv: list[str], theirs: tuple[socket.socket, ...]) -> subprocess.Popen[str]:
        with (self.scratch / "qemu.log").open("w") as log:
            print("+", gateway.quote(argv), file=log, flush=True)
            descriptors = [sock.fileno() for sock in theirs]
            return gateway.spawn(argv, stdout=log, stderr=log, keep_fds=descriptors)

    def expect(self, patterns: list[bytes], seconds: float) -> int | None:
        """Wait for one of `patterns` on the console; None after `seconds`. Raises LostVm."""
        try:
            found = self.terminal.expect([*patterns, *_DEAD], timeout=seconds)
        except pexpect.TIMEOUT:
            return None
        except pexpect.EOF as error:
            raise LostVm("the machine ended during boot") from error
        if found < len(patterns):
            return int(found)
        # What follows the line that gave it away explains it.
        self.terminal.expect([pexpect.TIMEOUT, pexpect.EOF], timeout=1.0)
        raise LostVm("the guest died during boot")

    def read_port(self) -> str:
        """Return all that came through the verdict port so far."""
        try:
            while data := self.port.recv(65536):
                self.answer += data
        except (BlockingIOError, ConnectionError):
            pass
        return self.answer.decode("utf-8", "replace")

    def shutdown_reason(self) -> str | None:
        """Return QEMU's word for why it ended, after its end."""
        reason = None
        with self.qmp.makefile("rb") as events:
            for line in events:
                record = json.loads(line)
                if record.get("event") == "SHUTDOWN":
                    reason = str(record["data"]["reason"])
        return reason

    def status(self) -> int | None:
        """Return QEMU's exit status, negative for a signal, or None while it runs."""
        # Its end of the console is closed before it has ended.
        with suppress(subprocess.TimeoutExpired):
            return self.process.wait(_ENDING_SECONDS if self.terminal.flag_eof else 0)
        return None

    def qemu_says(self) -> str:
        """Return the end of QEMU's own messages."""
        return tail(self.scratch / "qemu.log", 10)

    def _forget(self) -> None:
        for sock in (self.console, self.port, self.qmp):
            sock.close()
        shutil.rmtree(self.scratch, ignore_errors=True)

    def close(self) -> None:
        """End QEMU if it still runs."""
        gateway.end(self.process)
        self.transcript.close()
        self._forget()
