# SPDX-License-Identifier: MIT
"""Delete what no build needs any more."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from xsc.errors import InfraError
from xsc.graph.history import History
from xsc.graph.key import KEY_LENGTH
from xsc.graph.store import Store, remove_tree
from xsc.lock import FileLock


@dataclass(frozen=True)
class Removal:
    """One thing to delete, and how much disk space it takes."""

    path: Path
    size: int


def disk_usage(path: Path) -> int:
    """Return the bytes a tree occupies on disk; hard links are counted once."""
    seen: set[tuple[int, int]] = set()
    total = path.lstat().st_blocks * 512
    for folder, folders, files in os.walk(path):
        for name in folders + files:
            info = os.lstat(os.path.join(folder, name))
            if (info.st_dev, info.st_ino) not in seen:
                seen.add((info.st_dev, info.st_ino))
                total += info.st_blocks * 512
    return total


def measure(paths: Iterable[Path]) -> list[Removal]:
    """Return those of `paths` that exist, with their sizes."""
    return [Removal(path, disk_usage(path)) for path in paths if path.exists() or path.is_symlink()]


def unreferenced(store: Store, history: History) -> list[Path]:
    """Return the store entries that no existing build directory was last built from."""
    keep = history.referenced()
    if not store.root.is_dir():
        return []
    return sorted(
        entry
        for entry in store.root.iterdir()
        if len(entry.name) == KEY_LENGTH and entry.name not in keep
    )


class Exclusive:
    """Keeps every build out of a store while entries are deleted."""

    def __init__(self, store: Store) -> None:
        self._lock = FileLock(store.locks / "store.lock")
        if not self._lock.try_exclusive():
            self._lock.close()
            raise InfraError(
                "another xsc is using the store", hint="wait until it has ended, then try again"
            )

    def __enter__(self) -> None:
        return None

    def __exit__(self, *_: object) -> None:
        self._lock.close()


def remove(removals: Iterable[Removal]) -> int:
    """Delete and return the bytes freed."""
    freed = 0
    for removal in removals:
        remove_tree(removal.path)
        freed += removal.size
    return freed
