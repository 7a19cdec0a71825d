# SPDX-License-Identifier: MIT
"""One connection to a build server: made when it is needed, and made again after it was lost.

A master ssh holds the connection. Its control socket is in a directory of this process that nobody
else can enter, and it ends with this process; calls, log readers and rsync are sessions of it.
"""

from __future__ import annotations

import hashlib
import os
import shlex
import shutil
import subprocess
import tempfile
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from xsc import run as gateway
from xsc.errors import InfraError
from xsc.paths import runtime_home
from xsc.remote import failure
from xsc.remote.address import Address

AGENT = Path(__file__).with_name("agent.sh")
DIRECTORY = "xsc-ssh-"
CONNECT_SECONDS = 10
# A server that has gone without a word is noticed after four times this.
ALIVE_SECONDS = 4
MESSAGES_IN_ENGLISH = {"LC_ALL": "C"}
PROTOCOL = 1
INSTALL = """\
base=${{XSC_SERVER_DIR:-${{XDG_CACHE_HOME:-$HOME/.cache}}/xsc-server}}
mkdir -p -m 700 "$base" && mkdir -p "$base/trees" "$base/jobs" && cd "$base" &&
cat >{name}.$$ && mv {name}.$$ {name} && exec sh "$base/{name}" hello"""


@dataclass(frozen=True)
class Greeting:
    """What a server says of itself when a connection has been made."""

    base: str
    """Its directory for jobs, absolute."""
    agent: str
    """The path of the agent there."""
    cpus: int
    free: int
    """Bytes free for jobs."""
    systemd: bool
    """Jobs are units of the user's systemd there, not just sessions."""


def facts(text: str) -> dict[str, list[str]]:
    """Read `name=value` lines; a name may come several times."""
    found: dict[str, list[str]] = {}
    for line in text.splitlines():
        name, _, value = line.partition("=")
        found.setdefault(name, []).append(value)
    return found


def private_directory() -> Path:
    """Make a directory for the control socket; delete those of processes that were killed."""
    for old in runtime_home().glob(f"{DIRECTORY}*"):
        owner = old.name.removeprefix(DIRECTORY).partition("-")[0]
        if owner.isdigit() and not Path("/proc", owner).exists():
            shutil.rmtree(old, ignore_errors=True)
    return Path(tempfile.mkdtemp(prefix=f"{DIRECTORY}{os.getpid()}-", dir=runtime_home()))


class Link:
    """A connection to one server. Threads may use it at the same time."""

    def __init__(self, address: Address, *, accept_new_key: bool = False) -> None:
        self.address = address
        self._checking = "accept-new" if accept_new_key else "yes"
        self._directory: Path | None = None
        self._master: subprocess.Popen[str] | None = None
        self._greeting: Greeting | None = None
        self._lock = threading.Lock()

    def __enter__(self) -> Link:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the connection. Jobs go on."""
        with self._lock:
            self._drop()
            if self._directory is not None:
                shutil.rmtree(self._directory, ignore_errors=True)
                self._directory = None

    def _drop(self) -> None:
        if self._master is not None:
            gateway.end(self._master)
            self._master = None
        self._greeting = None

    def connect(self) -> Greeting:
        """Return what the server says of itself, after connecting if there is no connection.

        Raises LinkLost if the server does not answer, another InfraError if asking again is no use.
        """
        with self._lock:
            if self._master is not None and self._master.poll() is not None:
                self._drop()
            if self._greeting is None:
                if self._directory is None:
                    self._directory = private_directory()
                self._start_master(self._directory)
                try:
                    self._greeting = self._greet()
                except BaseException:
                    self._drop()
                    raise
            return self._greeting

    def _start_master(self, directory: Path) -> None:
        socket, complaints = directory / "socket", directory / "stderr"
        socket.unlink(missing_ok=True)
        with complaints.open("w") as stderr:
            argv = [*self._ssh("yes"), "-N", "--", self.address.destination]
            self._master = gateway.spawn(argv, stderr=stderr, env=MESSAGES_IN_ENGLISH)
        # ssh ends by itself when it cannot connect; the deadline is for proxies that hang.
        deadline = time.monotonic() + 3 * CONNECT_SECONDS
        while not socket.exists():
            ended = self._master.poll() is not None
            if ended or time.monotonic() > deadline:
                self._drop()
                raise failure.from_ssh(self.address, complaints.read_text(errors="replace"))
            time.sleep(0.01)

    def _ssh(self, master: str) -> list[str]:
        """Return ssh with its options, for the master (`yes`) or for a session of it (`no`)."""
        assert self._directory is not None
        options = {
            "BatchMode": "yes",
            "StrictHostKeyChecking": self._checking,
            "ControlMaster": master,
            "ControlPath": str(self._directory / "socket"),
            "ControlPersist": "no",
            "ConnectTimeout": str(CONNECT_SECONDS),
            "ServerAliveInterval": str(ALIVE_SECONDS),
            "ServerAliveCountMax": "3",
            "ClearAllForwardings": "yes",
            "ForwardAgent": "no",
            "ForwardX11": "no",
            "PermitLocalCommand": "no",
            "RemoteCommand": "none",
            "RequestTTY": "no",
            "LogLevel": "ERROR",
        }
        argv = ["ssh"]
        if self.address.config is not None:
            argv += ["-F", str(self.address.config)]
        if self.address.port is not None:
            argv += ["-p", str(self.address.port)]
        return argv + [
            word for name, value in options.items() for word in ("-o", f"{name}={value}")
        ]

    def _greet(self) -> Greeting:
        """Put the agent on the server, under a name made of its content, and say hello."""
        script = AGENT.read_text()
        name = f"agent-{hashlib.sha256(script.encode()).hexdigest()[:16]}.sh"
        text = self._session(shlex.join(["sh", "-c", INSTALL.format(name=name)]), "hello", script)
        label = self.address.label
        if not text.startswith("base="):
            raise InfraError(
                f"the shell of {label} prints something before it runs a command: "
                f"{text.splitlines()[:1]}",
                hint="make its start-up files silent where there is no terminal; rsync needs that",
            )
        said = facts(text)
        if "missing" in said:
            raise InfraError(
                f"{label} has no {', '.join(said['missing'])}",
                hint="on the server: apt-get install rsync util-linux coreutils",
            )
        return Greeting(
            base=said["base"][0],
            agent=f"{said['base'][0]}/{name}",
            cpus=int(said["cpus"][0]),
            free=int(said["free"][0]),
            systemd=said["systemd"] == ["yes"],
        )

    def _session(self, command: str, verb: str, input: str | None) -> str:
        argv = [*self._ssh("no"), "--", self.address.destination, command]
        done = gateway.run(argv, input=input, check=False, env=MESSAGES_IN_ENGLISH)
        if done.returncode == 0:
            return done.stdout
        if done.returncode == failure.SSH_FAILED:
            raise failure.from_ssh(self.address, done.stderr)
        label = self.address.label
        if failure.NO_SPACE in done.stderr:
            raise failure.from_rsync(self.address, done.returncode, done.stderr, label)
        raise InfraError(
            f"{label} cannot do {verb!r}: {failure.reason(done.stderr)}",
            hint="if its directory there was damaged, delete it: a job that is lost starts again",
        )

    def call(self, verb: str, *words: str, input: str | None = None) -> str:
        """Have the agent do something and return what it prints.

        Raises LinkLost if the link is down or breaks, another InfraError if the agent fails.
        """
        command = shlex.join(["sh", self.connect().agent, verb, *words])
        return self._session(command, verb, input)

    def follow(self, key: str, offset: int, sink: IO[bytes], complaints: IO[str]) -> Follower:
        """Have the log of a job from byte `offset` on written to `sink`, until the job ends.

        The bytes go to the file without passing through this process: what has arrived is there
        even if this process is killed, so that the size of the file says where to go on.
        """
        command = shlex.join(["sh", self.connect().agent, "follow", key, str(offset)])
        argv = [*self._ssh("no"), "--", self.address.destination, command]
        return Follower(
            gateway.spawn(argv, stdout=sink.fileno(), stderr=complaints, env=MESSAGES_IN_ENGLISH)
        )

    def rsync(self, words: Sequence[str | Path], full: str, input: str | None = None) -> None:
        """Run rsync over this connection; `full` names the machine whose disk it writes to.

        Raises LinkLost if the link breaks: what has arrived stays, and the next call goes on.
        """
        self.connect()
        shell = " ".join(_quoted(word) for word in self._ssh("no"))
        argv = ["rsync", "--protect-args", "--timeout=60", "-e", shell, *words]
        done = gateway.run(argv, input=input, check=False, env=MESSAGES_IN_ENGLISH)
        if done.returncode != 0:
            raise failure.from_rsync(self.address, done.returncode, done.stderr, full)

    def remote_path(self, path: str) -> str:
        """Return a path below the server's directory as rsync names it."""
        return f"{self.address.rsync_host}:{self.connect().base}/{path}"


class Follower:
    """A log reader that runs."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def ended(self) -> bool:
        """Say whether there is nothing more to come."""
        return self._process.poll() is not None

    def end(self) -> bool:
        """End it if it runs; say whether it had come to the end of the log."""
        return gateway.end(self._process) == 0


def _quoted(word: str) -> str:
    """Quote a word the way rsync takes its remote shell apart."""
    return '"' + word.replace('"', '""') + '"' if any(c in word for c in " \t'\"") else word
