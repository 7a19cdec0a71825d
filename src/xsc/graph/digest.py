# SPDX-License-Identifier: MIT
"""Digests of input files, remembered between runs so that a no-op build reads no file twice."""

from __future__ import annotations

import hashlib
import os
import time
from pathlib import Path
from types import TracebackType

from xsc.graph.database import connect

# A file changed again within the clock granularity of the file system keeps its mtime, so a digest
# of a file this young (in nanoseconds) is used but not remembered.
RACY_NS = 2_000_000_000
IGNORED_DIRS = frozenset({"__pycache__", ".git"})
SCHEMA = """CREATE TABLE IF NOT EXISTS digest (
    path TEXT PRIMARY KEY, size INTEGER, mtime_ns INTEGER, inode INTEGER, sha256 TEXT
) WITHOUT ROWID"""


def hash_file(path: Path) -> str:
    """Return the SHA-256 of a file's bytes."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


class DigestCache:
    """SHA-256 by (path, size, mtime, inode) in SQLite, whose journal makes torn writes impossible.

    A database that cannot be read is thrown away: it only saves time.
    """

    def __init__(self, database: Path) -> None:
        self._db = connect(database, SCHEMA, "SELECT count(*) FROM digest")
        self._fresh: dict[str, tuple[int, int, int, str]] = {}

    def __enter__(self) -> DigestCache:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        # Not before: whoever computes keys asks other programs in between, and another xsc would
        # wait for the lock meanwhile.
        rows = [(path, *facts) for path, facts in self._fresh.items()]
        with self._db:
            self._db.executemany("INSERT OR REPLACE INTO digest VALUES (?, ?, ?, ?, ?)", rows)
        self._db.close()

    def file(self, path: Path) -> str:
        """Return the SHA-256 of `path`, from the cache if the file has not been touched since."""
        info = path.stat()
        stamp = (info.st_size, info.st_mtime_ns, info.st_ino)
        row = (
            self._fresh.get(str(path))
            or self._db.execute(
                "SELECT size, mtime_ns, inode, sha256 FROM digest WHERE path = ?", (str(path),)
            ).fetchone()
        )
        if row is not None and tuple(row[:3]) == stamp:
            return str(row[3])
        digest = hash_file(path)
        if time.time_ns() - info.st_mtime_ns > RACY_NS:
            self._fresh[str(path)] = (*stamp, digest)
        return digest

    def entry(self, path: Path) -> str:
        """Return what a key says about one file: kind, executable bit and content.

        Other permission bits follow the umask of whoever cloned the repository and are left out.
        """
        if path.is_symlink():
            return f"link:{os.readlink(path)}"
        kind = "exec" if os.access(path, os.X_OK) else "file"
        return f"{kind}:{self.file(path)}"

    def tree(self, path: Path, name: str) -> dict[str, str]:
        """Return the entries of a file, or of every file below a directory, under `name`."""
        if path.is_symlink() or not path.is_dir():
            return {name: self.entry(path)}
        found: dict[str, str] = {}
        for folder, folders, files in os.walk(path):
            folders[:] = sorted(set(folders) - IGNORED_DIRS)
            links = [sub for sub in folders if os.path.islink(os.path.join(folder, sub))]
            prefix = os.path.relpath(folder, path)
            for file in sorted(files + links):
                if file.endswith(".pyc"):
                    continue
                inner = file if prefix == "." else f"{prefix}/{file}"
                found[f"{name}/{inner}"] = self.entry(Path(folder) / file)
        return found
