# SPDX-License-Identifier: MIT
"""A real sshd on loopback with keys and configuration of its own, and a wire that can be cut."""

from __future__ import annotations

import contextlib
import getpass
import os
import selectors
import shutil
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

FARSIDE = Path(__file__).with_name("farside.py")
PATIENCE_SECONDS = 40.0
SSHD = "/usr/sbin/sshd"


def wait_until(condition: Callable[[], object], what: str = "it") -> None:
    """Wait for a condition, but not for ever."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < deadline, f"{what} did not happen"
        time.sleep(0.02)


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def make_key(file: Path) -> None:
    """Make a key pair without a passphrase."""
    argv = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", file.name, "-f", str(file)]
    subprocess.run(argv, check=True)


def descendants(pid: int) -> list[int]:
    """Return the processes that `pid` has started, and those that they have."""
    parents = {}
    for proc in Path("/proc").iterdir():
        if proc.name.isdigit():
            with contextlib.suppress(OSError):
                fields = (proc / "stat").read_text().rpartition(")")[2].split()
                parents[int(proc.name)] = int(fields[1])
    found = [pid]
    for parent in found:
        found += [child for child, its in parents.items() if its == parent]
    return found[1:]


class Wire:
    """A TCP relay to the server that cuts one connection after so many bytes from there.

    What was passed on before is not yet where it should go: ssh and the pipe behind it hold up to
    megabytes, and lose them with the connection. `before_cut` can wait until they have given it on.
    """

    def __init__(self, target: int) -> None:
        self.target = target
        self.cut_after: int | None = None
        self.before_cut: Callable[[], object] = lambda: None
        self.cuts = 0
        self.bytes = 0
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._accept, daemon=True)
        self._thread.start()

    def _accept(self) -> None:
        while not self._closing.is_set():
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._relay, args=(client,), daemon=True).start()

    def _relay(self, client: socket.socket) -> None:
        with client, contextlib.suppress(OSError):
            server = socket.create_connection(("127.0.0.1", self.target))
            with server, selectors.DefaultSelector() as chooser:
                chooser.register(client, selectors.EVENT_READ, server)
                chooser.register(server, selectors.EVENT_READ, client)
                passed = 0
                while True:
                    for key, _ in chooser.select():
                        source = key.fileobj
                        assert isinstance(source, socket.socket)
                        data = source.recv(16384)
                        if not data:
                            return
                        key.data.sendall(data)
                        if source is server:
                            passed += len(data)
                            self.bytes += len(data)
                    if self.cut_after is not None and passed > self.cut_after:
                        self.cut_after = None
                        self.before_cut()
                        self.cuts += 1
                        return

    def close(self) -> None:
        """Listen no more."""
        self._closing.set()
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join()


class Server:
    """The sshd, the directory of its jobs, and the configuration of ssh for those who use it."""

    def __init__(self, folder: Path, wrapper: tuple[str, ...] = ()) -> None:
        self.folder = folder
        self.wrapper = wrapper
        self.port = free_port()
        self.base = folder / "far"
        self.boot_id = folder / "boot_id"
        self.config = folder / "ssh_config"
        self.known_hosts = folder / "known_hosts"
        self.user = getpass.getuser()
        self.process: subprocess.Popen[bytes] | None = None
        folder.mkdir()
        self.boot_id.write_text("first life\n")
        make_key(folder / "client")
        shutil.copy(folder / "client.pub", folder / "authorized_keys")
        self.new_host_key()
        self.trust(self.port)
        self.config.write_text(
            f"Host *\n  IdentityFile {folder}/client\n  IdentitiesOnly yes\n  IdentityAgent none\n"
            f"  UserKnownHostsFile {self.known_hosts}\n  GlobalKnownHostsFile /dev/null\n"
        )
        if os.geteuid() == 0:
            Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)

    def new_host_key(self) -> None:
        """Be another machine from the next start on."""
        for name in ("host", "host.pub"):
            (self.folder / name).unlink(missing_ok=True)
        make_key(self.folder / "host")

    def trust(self, port: int) -> None:
        """Have the key that the server has now in known_hosts, for one port."""
        key = " ".join((self.folder / "host.pub").read_text().split()[:2])
        with self.known_hosts.open("a") as stream:
            print(f"[127.0.0.1]:{port} {key}", file=stream)

    def start(self) -> None:
        """Listen on the same port as ever."""
        (self.folder / "sshd_config").write_text(
            f"ListenAddress 127.0.0.1:{self.port}\nHostKey {self.folder}/host\nPidFile none\n"
            f"AuthorizedKeysFile {self.folder}/authorized_keys\nStrictModes no\nUsePAM no\n"
            "PasswordAuthentication no\nKbdInteractiveAuthentication no\nPermitRootLogin yes\n"
            f"SetEnv XSC_SERVER_DIR={self.base} XSC_BOOT_ID_FILE={self.boot_id}\n"
        )
        argv = [SSHD, "-D", "-f", str(self.folder / "sshd_config"), "-E", str(self.folder / "log")]
        # It must not survive a run of the tests that was killed.
        guard = ["setpriv", "--pdeathsig", "KILL", "--"]
        self.process = subprocess.Popen([*guard, *self.wrapper, *argv], start_new_session=True)
        wait_until(self.answers, "an answer of sshd")

    def answers(self) -> bool:
        """Say whether somebody listens."""
        assert self.process is not None and self.process.poll() is None, self.complaints()
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port)):
            return True
        return False

    def complaints(self) -> str:
        """Return what sshd has logged."""
        log = self.folder / "log"
        return log.read_text() if log.exists() else "sshd said nothing"

    def stop(self) -> None:
        """End the listener and every connection, as a machine that goes down does. Jobs stay."""
        if self.process is None:
            return
        doomed = [self.process.pid, *descendants(self.process.pid)]
        for pid in doomed:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, 9)
        self.process.wait()
        self.process = None

    def job(self, step: str) -> Path:
        """Return the directory of the job of a step."""
        (job,) = [
            path.parent
            for path in self.base.glob("jobs/*/step")
            if path.read_text().strip() == step
        ]
        return job

    def address(self, port: int | None = None) -> str:
        """Return what --remote is given."""
        return f"{self.user}@127.0.0.1:{port or self.port}"


def make_checkout(root: Path, tally: Path) -> None:
    """Make a checkout of the toy graph."""
    root.mkdir()
    (root / "input").write_text("some text\n")
    (root / "tally").write_text(f"{tally}\n")
    (root / "xsc").write_text(f'#!/bin/sh\nexec {sys.executable} {FARSIDE} "$@"\n')
    (root / "xsc").chmod(0o755)


@contextlib.contextmanager
def running(server: Server) -> Iterator[Server]:
    """Have a server listen; afterwards end it and what it left running."""
    server.start()
    try:
        yield server
    finally:
        server.stop()
        for job in server.base.glob("jobs/*/pid"):
            end_job(job.parent)


def end_job(job: Path) -> None:
    """Kill a job the way a machine that goes down does: everything, at once."""
    with contextlib.suppress(ProcessLookupError, FileNotFoundError, ValueError):
        os.killpg(int((job / "pid").read_text()), 9)
