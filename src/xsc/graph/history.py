# SPDX-License-Identifier: MIT
"""What the last successful builds were made of and how long steps took."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType

from xsc.graph.database import connect
from xsc.graph.key import StepKey, canonical
from xsc.graph.step import Json

SCHEMA = """
CREATE TABLE IF NOT EXISTS last (
    build TEXT, step TEXT, key TEXT, facts TEXT, PRIMARY KEY (build, step)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS duration (step TEXT PRIMARY KEY, seconds REAL) WITHOUT ROWID;
"""


class History:
    """Per build directory and step: the key and facts of the last success. Per step: its duration.

    A database that cannot be read is thrown away: it holds nothing but explanations and estimates.
    """

    def __init__(self, database: Path, build: Path) -> None:
        self._build = str(build)
        self._db = connect(database, SCHEMA, "SELECT count(*) FROM last, duration")

    def __enter__(self) -> History:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._db.close()

    def record(self, *keys: StepKey) -> None:
        """Remember that the steps of `keys` were brought up to date with them."""
        rows = [(self._build, key.step, key.key, canonical(key.facts).decode()) for key in keys]
        with self._db:
            self._db.executemany("INSERT OR REPLACE INTO last VALUES (?, ?, ?, ?)", rows)

    def last(self, step: str) -> tuple[str, Mapping[str, Json]] | None:
        """Return key and facts of the last success of `step` in this build directory."""
        row = self._db.execute(
            "SELECT key, facts FROM last WHERE build = ? AND step = ?", (self._build, step)
        ).fetchone()
        return (str(row[0]), json.loads(row[1])) if row is not None else None

    def record_duration(self, step: str, seconds: float) -> None:
        """Remember how long `step` took, for the next estimate.

        The mean with what was known: one attempt that found most of its work done must not make
        the next one promise the same.
        """
        known = self.duration(step)
        if known is not None:
            seconds = (known + seconds) / 2
        with self._db:
            self._db.execute("INSERT OR REPLACE INTO duration VALUES (?, ?)", (step, seconds))

    def duration(self, step: str) -> float | None:
        """Return how many seconds `step` took last time, or None."""
        row = self._db.execute("SELECT seconds FROM duration WHERE step = ?", (step,)).fetchone()
        return float(row[0]) if row is not None else None

    def referenced(self) -> set[str]:
        """Return the keys of all build directories that still exist; forget the others."""
        keys: set[str] = set()
        gone: set[str] = set()
        for build, key in self._db.execute("SELECT build, key FROM last").fetchall():
            (keys.add(key) if Path(build).is_dir() else gone.add(build))
        with self._db:
            self._db.executemany("DELETE FROM last WHERE build = ?", [(path,) for path in gone])
        return keys
