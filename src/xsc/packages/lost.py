# SPDX-License-Identifier: MIT
"""Versions of source packages that the archive's index names and the archive has not.

They are noted for the index as it is: after another one has been fetched they are looked for again.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from pathlib import Path
from urllib.parse import quote, unquote

from debian.debian_support import Version

from xsc.build import apt, apt_source

FOLDER = "lost"
_DIGITS = 16


def index_digest() -> str:
    """Return a digest that changes whenever another index of source packages was fetched."""
    states = ((path.name, path.stat()) for path in apt_source.indexes())
    rows = [(name, state.st_size, state.st_mtime_ns) for name, state in states]
    return hashlib.sha256(json.dumps(rows).encode()).hexdigest()


def note(name: str, version: str) -> None:
    """Note that the archive has not the source `name` at a version. Jobs may note it at once."""
    folder = _folder()
    folder.mkdir(parents=True, exist_ok=True)
    # An empty file is there or is not: nobody sees half of it, and two make the same one.
    (folder / f"{quote(name, safe='+')}_{quote(version, safe='+~')}").touch()


def noted(names: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """Return the lost versions of each of `names` that has any, newest first."""
    wanted = set(names)
    found: dict[str, list[str]] = {}
    for path in _folder().glob("*_*"):
        name, version = _read(path)
        if name in wanted:
            found.setdefault(name, []).append(version)
    return {
        name: tuple(sorted(versions, key=Version, reverse=True))
        for name, versions in sorted(found.items())
    }


def forget(names: Iterable[str]) -> None:
    """Have all versions of `names` looked for again."""
    wanted = set(names)
    for path in _folder().glob("*_*"):
        if _read(path)[0] in wanted:
            path.unlink(missing_ok=True)


def _read(path: Path) -> tuple[str, str]:
    # Neither names nor versions hold an underscore.
    name, _, version = path.name.partition("_")
    return unquote(name), unquote(version)


def _folder() -> Path:
    return apt.cache_dir() / FOLDER / index_digest()[:_DIGITS]
