# SPDX-License-Identifier: MIT
"""This side of a remote build in tests: a checkout, a cache, and clients that can be killed."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from farside import REGISTRY
from sshd_kit import FARSIDE, PATIENCE_SECONDS, Server, make_checkout, wait_until

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
        with History(self.paths.cache / "history.db", self.paths.build) as history:
            plan = make_plan([step], REGISTRY, self.paths, history)
        return Store(self.paths.store).get(plan.keys[step].key)

    def arrived(self, step: str, name: str) -> int:
        """Return how many bytes of a file of an output are here before the output is whole."""
        key = self.server.job(step).name
        file = self.paths.arriving / key / "out" / name
        return file.stat().st_size if file.exists() else 0

    def held(self, *steps: str) -> Client:
        """Start a client and return it when its job `far` has said all and waits to be let on."""
        client = self.start(*(steps or ("far",)))
        wait_until(lambda: self.runs() and b"line 39 of 40" in self.log("far"), "the log")
        return client

    def log(self, step: str) -> bytes:
        """Return what has arrived of the log of a job."""
        file = self.paths.remote / "jobs" / self.server.job(step).name / "log"
        return file.read_bytes() if file.exists() else b""
