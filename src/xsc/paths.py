# SPDX-License-Identifier: MIT
"""Every place XSC reads or writes on the host is derived here."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent


def cache_home() -> Path:
    """Return the directory shared by all checkouts of this user: store, ccache, virtualenvs."""
    base = os.environ.get("XDG_CACHE_HOME", "")
    # The specification says that a relative value is invalid and must be ignored.
    home = Path(base) if base.startswith("/") else Path.home() / ".cache"
    return home / "xsc"


def config_home() -> Path:
    """Return the directory of what this user has set up: names of build servers."""
    base = os.environ.get("XDG_CONFIG_HOME", "")
    home = Path(base) if base.startswith("/") else Path.home() / ".config"
    return home / "xsc"


def runtime_home() -> Path:
    """Return a directory for sockets, which may be lost at any time."""
    base = os.environ.get("XDG_RUNTIME_DIR", "")
    return Path(base) if base.startswith("/") and Path(base).is_dir() else Path("/tmp")


def state_home() -> Path:
    """Return the directory for what must outlive every checkout and cache: signing keys."""
    base = os.environ.get("XDG_STATE_HOME", "")
    home = Path(base) if base.startswith("/") else Path.home() / ".local" / "state"
    return home / "xsc"


@dataclass(frozen=True)
class Paths:
    """Where one invocation keeps its files. Deleting any of them loses only time."""

    root: Path
    build: Path
    cache: Path

    @property
    def store(self) -> Path:
        """Finished step outputs by key, shared by all checkouts."""
        return self.cache / "store"

    @property
    def remote(self) -> Path:
        """Logs of jobs on build servers, and outputs of which a part has arrived."""
        return self.cache / "remote"

    @property
    def arriving(self) -> Path:
        """Outputs from build servers that are not whole yet, by key."""
        return self.remote / "arriving"

    @property
    def work(self) -> Path:
        """Scratch directories that persist between attempts, one per step."""
        return self.build / "work"

    @property
    def logs(self) -> Path:
        """One log per step: the last attempt in this build directory."""
        return self.build / "logs"

    @property
    def links(self) -> Path:
        """Symbolic links `<step>` to the newest finished outputs in the store."""
        return self.build / "out"


def default_paths(build: Path | None = None) -> Paths:
    """Return the paths of this checkout, with `build` instead of `<checkout>/build` if given."""
    chosen = build.expanduser().absolute() if build is not None else ROOT / "build"
    return Paths(root=ROOT, build=chosen, cache=cache_home())
