# SPDX-License-Identifier: MIT
"""Results of suites for people, and where they are kept."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from xsc.suites.gate import Decision
from xsc.suites.lanes import Lane
from xsc.suites.rows import Outcome, Row, count

# More names than this say no more than their number.
_NAMES = 40


def results(folder: Path, suite: str, lane: Lane) -> Path:
    """Return the file with the rows of a suite in a lane."""
    return folder / f"{suite}.{lane}.jsonl"


def line(number: int, total: int, found: Sequence[Row]) -> str:
    """Return the line about one test, whose row is the first; the others are its parts."""
    whole = found[0]
    text = f"[{number}/{total}] {whole.outcome:<7} {whole.test}  {whole.seconds:.1f} s"
    if len(found) > 1:
        text += f"  {len(found) - 1} parts"
    return f"{text}  {whole.detail}" if whole.detail else text


def counts(found: Iterable[Row]) -> str:
    """Return how many rows there are, and of which outcome."""
    totals = count(found)
    words = [f"{totals[outcome]} {outcome}" for outcome in Outcome if totals[outcome]]
    return f"{sum(totals.values())} results: {', '.join(words) or 'nothing'}"


def _names(heading: str, names: Sequence[str]) -> list[str]:
    if not names:
        return []
    shown = [f"  {name}" for name in names[:_NAMES]]
    if len(names) > _NAMES:
        shown.append(f"  and {len(names) - _NAMES} more")
    return [f"{heading}: {len(names)}", *shown]


def _rows(found: Iterable[Row]) -> list[str]:
    return [f"{row.test}: {row.outcome}: {row.detail}" for row in found]


def decision(what: Decision) -> list[str]:
    """Return the lines that explain what the gate found."""
    lines = _names("pass in stock, not here", _rows(what.bugs))
    lines += _names("parts that vanished from tests that pass", what.vanished)
    stale = [f"{entry.test}: {entry.reason}" for entry in what.stale]
    lines += _names("exceptions that nothing needs any more", stale)
    lines += _names("reviewed exceptions", _rows(what.excused))
    lines += _names("unsteady", _rows(what.unsteady))
    if what.missing:
        lines.append(f"pass in stock, have not run here: {len(what.missing)}")
    if what.alone:
        lines.append(f"have no result in stock: {len(what.alone)}")
    word = "passed" if what.passed else "FAILED"
    return [*lines, f"gate of lane {what.lane}: {word}, {what.compared} results compared"]
