# SPDX-License-Identifier: MIT
"""One row per test: what a run of a suite leaves behind, as lines of JSON."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path

from xsc.errors import XscError

# Between the names of a test and of a part of it.
PART = ": "


class Outcome(StrEnum):
    """How a test ended. A crash is the kernel's: it died, hung or complained."""

    PASS = "pass"
    FAIL = "fail"
    SKIP = "skip"
    TIMEOUT = "timeout"
    CRASH = "crash"


@dataclass(frozen=True)
class Row:
    """The result of one test in one lane. `kernel` is the release that ran, `seconds` real time."""

    suite: str
    test: str
    lane: str
    outcome: Outcome
    seconds: float
    detail: str
    kernel: str

    def line(self) -> str:
        """Return the row as one line of JSON."""
        return json.dumps(asdict(self), ensure_ascii=False) + "\n"


def parse(line: str) -> Row:
    """Return the row in a line of JSON. Raises ValueError for anything else."""
    record = json.loads(line)
    if not isinstance(record, dict) or record.keys() != Row.__dataclass_fields__.keys():
        raise ValueError(f"no row: {line[:100]!r}")
    return Row(**{**record, "outcome": Outcome(record["outcome"])})


def read(path: Path) -> dict[str, Row]:
    """Return the rows of a file by test; none if there is no file.

    Raises XscError if a line is none.
    """
    if not path.exists():
        return {}
    rows = {}
    for number, line in enumerate(path.read_text(encoding="utf-8").split("\n")[:-1], 1):
        try:
            row = parse(line)
        except (ValueError, TypeError) as error:
            raise XscError(
                f"{path}: line {number} is no result: {error}", hint="delete the file, run again"
            ) from error
        rows[row.test] = row
    return rows


def write(path: Path, rows: Iterable[Row]) -> None:
    """Write rows to a file, which appears whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    scratch = path.with_suffix(".new")
    scratch.write_text("".join(row.line() for row in rows), encoding="utf-8")
    scratch.replace(path)


def without(rows: Mapping[str, Row], test: str) -> dict[str, Row]:
    """Return the rows but for those of a test and its parts."""
    return {
        name: row for name, row in rows.items() if name != test and not name.startswith(test + PART)
    }


def count(rows: Iterable[Row]) -> Mapping[Outcome, int]:
    """Return how many rows have each outcome."""
    totals = dict.fromkeys(Outcome, 0)
    for row in rows:
        totals[row.outcome] += 1
    return totals
