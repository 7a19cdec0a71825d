# SPDX-License-Identifier: MIT
"""The directory of a farm, and the file in it that says how the farm is set up.

The client and Buildbot's configuration both read that file, so this module needs the standard
library only. Passwords are in it: nobody but its owner may read it.
"""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

USER = "xsc"
FILE = "farm.json"
# As requirements-farm.in has them. What is taken without a name is another one.
DRIVERS = {"postgresql": "postgresql+psycopg2"}


@dataclass(frozen=True)
class Setup:
    """How a farm is set up."""

    port: int = 8010
    """Of the status page, on loopback."""
    worker_port: int = 9989
    listen: str = "127.0.0.1"
    """The address where workers dial in."""
    database: str = "sqlite:///state.sqlite"
    password: str = field(default_factory=lambda: secrets.token_urlsafe(24))
    """Whoever hands over jobs needs it; looking at the page needs none."""
    workers: Mapping[str, str] = field(default_factory=dict)
    """Passwords of workers by their names."""

    @property
    def database_url(self) -> str:
        """The database as Buildbot is told: with the driver that is in its environment."""
        kind, mark, place = self.database.partition("://")
        return f"{DRIVERS.get(kind, kind)}{mark}{place}"

    @property
    def url(self) -> str:
        """The status page."""
        return f"http://127.0.0.1:{self.port}/"


def with_workers(known: Mapping[str, str], names: Iterable[str]) -> dict[str, str]:
    """Return workers of these names; those that were known keep their passwords."""
    return {name: known.get(name) or secrets.token_urlsafe(24) for name in names}


def load(folder: Path) -> Setup | None:
    """Return the setup of a farm, or None if there is no farm."""
    try:
        return Setup(**json.loads((folder / FILE).read_text()))
    except FileNotFoundError:
        return None


def save(folder: Path, setup: Setup) -> None:
    """Write the setup, readable for its owner only, by one rename."""
    fresh = folder / f".{FILE}.{os.getpid()}"
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as stream:
        json.dump(asdict(setup), stream, indent=1)
    fresh.rename(folder / FILE)
