# SPDX-License-Identifier: MIT
"""Two ends of a build: a checkout with a cache here, and a server that really is sshd."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from sshd_kit import FARSIDE, PATIENCE_SECONDS, SSHD, Server, Wire, make_checkout, running

from xsc.graph.history import History
from xsc.graph.plan import make_plan
from xsc.graph.store import Entry, Store
from xsc.paths import Paths


@dataclass(frozen=True)
class Client:
    """A builder on this side, and the file with what it says."""

    process: subprocess.Popen[bytes]
    said: Path

    def text(self) -> str:
        """Return what it has said so far."""
        return self.said.read_text()

    def end(self) -> tuple[int, str]:
        """Wait for its end and return exit code and text."""
        return self.process.wait(PATIENCE_SECONDS), self.text()

    def kill(self) -> None:
        """Give it no chance to say good-bye."""
        self.process.kill()
        self.process.wait()


class Site:
    """This side: a checkout of the toy graph, and clients that build it."""

    def __init__(self, folder: Path, server: Server) -> None:
        self.folder = folder
        self.server = server
        self.paths = Paths(folder / "checkout", folder / "build", folder / "cache" / "xsc")
        self.tally = folder / "tally"
        self.gate = folder / "gate"
        self.clients: list[Client] = []
        make_checkout(self.paths.root, self.tally)

    def start(
        self, *steps: str, policy: str = "wait", port: int | None = None, cache: Path | None = None
    ) -> Client:
        """Start a client."""
        words = [self.paths.root, cache or self.paths.cache, self.paths.build]
        words = [*words, self.server.address(port), self.server.config, policy, *steps]
        argv = [sys.executable, str(FARSIDE), "client", *(str(word) for word in words)]
        said = self.folder / f"said.{len(self.clients)}"
        with said.open("w") as stream:
            client = Client(subprocess.Popen(argv, stderr=stream, start_new_session=True), said)
        self.clients.append(client)
        return client

    def build(self, *steps: str, policy: str = "wait", port: int | None = None) -> tuple[int, str]:
        """Run a client to its end and return its exit code and what it said."""
        return self.start(*steps, policy=policy, port=port).end()

    def runs(self) -> list[str]:
        """Return the names of the steps that were executed, wherever."""
        return self.tally.read_text().split() if self.tally.exists() else []

    def entry(self, step: str) -> Entry | None:
        """Return the output of a step in the store of this side."""
        sys.path.insert(0, str(FARSIDE.parent))
        from farside import REGISTRY

        with History(self.paths.cache / "history.db", self.paths.build) as history:
            plan = make_plan([step], REGISTRY, self.paths, history)
        return Store(self.paths.store).get(plan.keys[step].key)

    def log(self, step: str) -> bytes:
        """Return what has arrived of the log of a job."""
        file = self.paths.remote / "jobs" / self.server.job(step).name / "log"
        return file.read_bytes() if file.exists() else b""


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    """A server that listens."""
    if not os.access(SSHD, os.X_OK):
        pytest.fail("sshd is not installed: ./xsc test installs openssh-server")
    with running(Server(tmp_path / "server")) as listening:
        yield listening


@pytest.fixture
def site(tmp_path: Path, server: Server) -> Iterator[Site]:
    """A checkout whose steps the server may make."""
    site = Site(tmp_path, server)
    yield site
    site.gate.touch()
    for client in site.clients:
        client.process.kill()
        client.process.wait()


@pytest.fixture
def wire(server: Server) -> Iterator[Wire]:
    """Another way to the server, which can be cut."""
    wire = Wire(server.port)
    server.trust(wire.port)
    yield wire
    wire.close()
