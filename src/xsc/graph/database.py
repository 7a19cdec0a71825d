# SPDX-License-Identifier: MIT
"""Small SQLite files in the cache that several xsc use at the same time."""

from __future__ import annotations

import sqlite3
from pathlib import Path

# Writers hold the lock for one statement. That takes long only where the disk does: a step that
# has just been finished is written out completely, and everybody's fsync waits for that.
LOCK_SECONDS = 60.0


def connect(database: Path, schema: str, probe: str) -> sqlite3.Connection:
    """Open `database`, make its tables if it is new, and check by the query `probe` that it works.

    A file that is no database is thrown away: callers keep nothing in it that they need.
    Raises sqlite3.OperationalError if not the file is bad but its place: no permission, no space.
    """
    database.parent.mkdir(parents=True, exist_ok=True)
    try:
        return _open(database, schema, probe)
    except sqlite3.OperationalError:
        raise
    except sqlite3.DatabaseError:
        database.unlink(missing_ok=True)
        return _open(database, schema, probe)


def _open(database: Path, schema: str, probe: str) -> sqlite3.Connection:
    db = sqlite3.connect(database, timeout=LOCK_SECONDS)
    db.executescript(schema)
    db.execute(probe).fetchone()
    return db
