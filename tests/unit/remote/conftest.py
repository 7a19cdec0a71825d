# SPDX-License-Identifier: MIT
"""Two ends of a build: a checkout with a cache here, and a server that really is sshd."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from sites import Site
from sshd_kit import SSHD, Server, Wire, running


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
