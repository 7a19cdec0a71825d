# SPDX-License-Identifier: MIT
"""One running QEMU and its sockets, moved on by pump(): agent ports, QMP, process end."""

from __future__ import annotations

import json
import os
import selectors
import socket
import subprocess
from collections import deque
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from xsc import run as gateway
from xsc.vm import protocol
from xsc.vm.qemu import PORTS, Channels

Sink = Callable[[bytes], None]
Start = Callable[[Channels], "subprocess.Popen[str]"]

CONTROL, STDIN, STDOUT, STDERR = PORTS
_CHUNK = 1 << 18


def _drop(data: bytes) -> None:
    del data


class _Outbox:
    """Bytes on their way into a socket that does not block."""

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self.pending = bytearray()

    def flush(self) -> None:
        try:
            while self.pending:
                sent = self.sock.send(memoryview(self.pending)[:_CHUNK])
                del self.pending[:sent]
        except BlockingIOError:
            pass
        except OSError:
            # QEMU has gone: pump() will see its end, there is nobody left to send to.
            self.pending.clear()


class Link:
    """A QEMU process with connected sockets. Not thread-safe; close() ends the process."""

    def __init__(self, start: Start, console_log: Path) -> None:
        """Start QEMU by `start`, which gets the descriptors to pass on.

        Raises InfraError if QEMU is missing.
        """
        self.messages: deque[protocol.Message] = deque()
        self.sinks: dict[str, Sink] = {STDOUT: _drop, STDERR: _drop}
        self.received = {STDOUT: 0, STDERR: 0}
        self.shutdown_reason: str | None = None
        self.status: int | None = None
        self.answers: dict[int, Mapping[str, Any]] = {}
        """What QMP answered to execute(), by its number."""
        self._executed = 0
        # QMP takes commands only after it has greeted and been told that we know what it can do.
        self._greeted = False
        self._held = bytearray()
        self._lines = protocol.LineSplitter()
        self._qmp_lines = protocol.LineSplitter()
        self._stdin_fd: int | None = None
        self._stdin_run = 0
        # poll, not epoll: standard input may be a regular file, which epoll refuses.
        self._selector = selectors.PollSelector()
        self._sockets: dict[str, socket.socket] = {}
        theirs: dict[str, socket.socket] = {}
        for name in (*PORTS, "qmp"):
            self._sockets[name], theirs[name] = socket.socketpair()
            self._sockets[name].setblocking(False)
        self._outboxes = {n: _Outbox(self._sockets[n]) for n in (CONTROL, STDIN, "qmp")}
        try:
            ports = {name: theirs[name].fileno() for name in PORTS}
            self.process = start(Channels(ports, theirs["qmp"].fileno(), console_log))
        except BaseException:
            self._close_sockets()
            raise
        finally:
            for sock in theirs.values():
                sock.close()
        self._pidfd = os.pidfd_open(self.process.pid)
        self._selector.register(self._pidfd, selectors.EVENT_READ, "process")
        for name in (CONTROL, STDOUT, STDERR, "qmp"):
            self._selector.register(self._sockets[name], selectors.EVENT_READ, name)

    def send(self, data: bytes) -> None:
        """Send control messages to the agent."""
        self._outboxes[CONTROL].pending += data
        self._outboxes[CONTROL].flush()

    def feed(self, frames: bytes) -> None:
        """Send stdin frames to the agent, as fast as it takes them."""
        self._outboxes[STDIN].pending += frames

    def execute(self, command: str, **arguments: str) -> int:
        """Send a command to QMP; return the number under which its answer will be in `answers`."""
        self._executed += 1
        record = {"execute": command, "arguments": arguments, "id": self._executed}
        box = self._outboxes["qmp"]
        (box.pending if self._greeted else self._held).extend(json.dumps(record).encode() + b"\n")
        box.flush()
        return self._executed

    def forward(self, fd: int, run: int) -> None:
        """Make `fd` the standard input of `run` until it ends or unforward() is called."""
        self._stdin_fd, self._stdin_run = fd, run

    def unforward(self) -> None:
        """Stop reading the descriptor given to forward()."""
        self._watch_stdin(False)
        self._stdin_fd = None

    def pump(self, seconds: float) -> None:
        """Wait for something to happen, at most `seconds`, and take it in.

        Raises ProtocolError if the guest talks nonsense.
        """
        self._watch_writes()
        for key, events in self._selector.select(max(0.0, seconds)):
            if key.data == "process":
                self._process_ended()
            elif key.data == "input":
                self._read_input()
            elif events & selectors.EVENT_READ and self._watched(key.data):
                # Not watched any more: the end of the process, seen in this round, emptied it.
                self._read_socket(key.data)
            if events & selectors.EVENT_WRITE:
                self._outboxes[key.data].flush()

    def _watch_writes(self) -> None:
        for name, box in self._outboxes.items():
            wanted = selectors.EVENT_READ if name in (CONTROL, "qmp") else 0
            wanted |= selectors.EVENT_WRITE if box.pending else 0
            known = box.sock in self._selector.get_map()
            if box.sock.fileno() < 0 or (name != STDIN and not known):
                continue
            if wanted and known:
                self._selector.modify(box.sock, wanted, name)
            elif wanted:
                self._selector.register(box.sock, wanted, name)
            elif known:
                self._selector.unregister(box.sock)
        self._watch_stdin(self._stdin_fd is not None and not self._outboxes[STDIN].pending)

    def _watch_stdin(self, wanted: bool) -> None:
        fd = self._stdin_fd
        if fd is None:
            return
        known = fd in self._selector.get_map()
        if wanted and not known:
            self._selector.register(fd, selectors.EVENT_READ, "input")
        elif known and not wanted:
            self._selector.unregister(fd)

    def _read_input(self) -> None:
        if self._stdin_fd is None:
            return
        try:
            data = os.read(self._stdin_fd, protocol.MAX_FRAME)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        self.feed(protocol.frames(self._stdin_run, data))
        if not data:
            self.unforward()

    def _read_socket(self, name: str) -> None:
        sock = self._sockets[name]
        try:
            data = sock.recv(_CHUNK)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self._selector.unregister(sock)
        elif name == CONTROL:
            self.messages.extend(map(protocol.parse, self._lines.feed(data)))
        elif name == "qmp":
            for line in self._qmp_lines.feed(data):
                self._take_qmp(line)
        else:
            self.received[name] += len(data)
            self.sinks[name](data)

    def _take_qmp(self, line: bytes) -> None:
        record = json.loads(line)
        if "QMP" in record:
            self._greeted = True
            self._outboxes["qmp"].pending += b'{"execute":"qmp_capabilities"}\n' + self._held
            self._outboxes["qmp"].flush()
            self._held.clear()
        elif "id" in record:
            self.answers[record["id"]] = record
        elif record.get("event") == "SHUTDOWN":
            self.shutdown_reason = str(record["data"]["reason"])

    def _watched(self, name: str) -> bool:
        return self._sockets[name] in self._selector.get_map()

    def _process_ended(self) -> None:
        self._selector.unregister(self._pidfd)
        self.status = gateway.end(self.process)
        for box in self._outboxes.values():
            box.pending.clear()
        if self._watched(STDIN):
            self._selector.unregister(self._sockets[STDIN])
        # What QEMU sent before it ended is still in the sockets and must not be lost.
        for name in (CONTROL, STDOUT, STDERR, "qmp"):
            while self._watched(name):
                self._read_socket(name)

    @property
    def running(self) -> bool:
        """False once QEMU has ended and all it sent has been taken in."""
        return self.status is None

    def _close_sockets(self) -> None:
        for sock in self._sockets.values():
            sock.close()
        self._selector.close()

    def close(self) -> None:
        """End QEMU if it still runs. May be called again."""
        if self.status is None:
            self.status = gateway.end(self.process)
        if self._pidfd >= 0:
            os.close(self._pidfd)
            self._pidfd = -1
            self._close_sockets()
