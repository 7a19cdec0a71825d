# SPDX-License-Identifier: MIT
"""What became of each attempt to build a package: a log and a record, kept."""

from __future__ import annotations

import json
import shutil
from dataclasses import asdict, dataclass
from pathlib import Path

from xsc.packages.classify import Cause, Failure

FOLDER = "packages"


@dataclass(frozen=True)
class Times:
    """When an attempt was made, and what it took."""

    began: str
    """ISO date, UTC."""
    seconds: float
    processor_seconds: float | None = None
    """Of all processors together. None: nobody has counted."""


@dataclass(frozen=True)
class Attempt:
    """One attempt. `key` is that of the step, so that a changed package counts as untried."""

    source: str
    number: int
    key: str
    began: str
    """ISO date, UTC."""
    seconds: float
    cause: Cause | None = None
    """None: it succeeded."""
    reason: str = ""
    processor_seconds: float | None = None
    """Of all processors together. None: nobody has counted."""


class Attempts:
    """`<build>/packages/<source>/<number>.{json,log}`, the newest with the highest number."""

    def __init__(self, build: Path) -> None:
        self.root = build / FOLDER

    def last(self, source: str, key: str | None = None) -> Attempt | None:
        """Return the newest attempt, with `key` the newest on exactly that input, or None.

        One on another input may be newer: that of an older version, after this one was lost.
        """
        for number in sorted(self._numbers(source), reverse=True):
            facts = json.loads((self.root / source / f"{number:03}.json").read_text())
            cause = facts.pop("cause")
            attempt = Attempt(**facts, cause=Cause(cause) if cause else None)
            if key in (None, attempt.key):
                return attempt
        return None

    def log(self, attempt: Attempt) -> Path:
        """Return where the log of an attempt is."""
        return self.root / attempt.source / f"{attempt.number:03}.log"

    def add(
        self, source: str, key: str, times: Times, failure: Failure | None, log: Path
    ) -> Attempt:
        """Keep an attempt and a copy of its log."""
        number = max(self._numbers(source), default=0) + 1
        attempt = Attempt(
            source,
            number,
            key,
            times.began,
            times.seconds,
            failure.cause if failure else None,
            failure.reason if failure else "",
            times.processor_seconds,
        )
        record = self.root / source / f"{number:03}.json"
        record.parent.mkdir(parents=True, exist_ok=True)
        if log.exists():
            shutil.copyfile(log, self.log(attempt))
        # The record last, and whole: an attempt without one is none.
        scratch = record.with_suffix(".new")
        scratch.write_text(json.dumps(asdict(attempt), indent=1) + "\n")
        scratch.replace(record)
        return attempt

    def _numbers(self, source: str) -> list[int]:
        return [int(path.stem) for path in (self.root / source).glob("[0-9]*.json")]
