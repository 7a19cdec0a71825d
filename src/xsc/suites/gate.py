# SPDX-License-Identifier: MIT
"""The gate: what passes on Debian passes in every lane, but for reviewed exceptions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from xsc.suites.lanes import Lane
from xsc.suites.reviewed import Exempt, Reviewed
from xsc.suites.rows import PART, Outcome, Row

UNSTEADY = "unsteady: "


@dataclass(frozen=True)
class Decision:
    """What comparing one lane with the lane stock found.

    `bugs` pass in stock and do not pass here; `excused` are those with a reviewed exception;
    `stale` are exceptions whose test passes; `unsteady` failed once and passed later. What passed
    in stock and has no result here is `vanished` if it is a part of a test that passed, or else
    `missing`; `alone` has no result in stock.
    """

    lane: Lane
    compared: int
    bugs: tuple[Row, ...]
    excused: tuple[Row, ...]
    stale: tuple[Exempt, ...]
    unsteady: tuple[Row, ...]
    vanished: tuple[str, ...]
    missing: tuple[str, ...]
    alone: tuple[str, ...]

    @property
    def passed(self) -> bool:
        """Say whether the lane may be called as good as Debian, as far as it was compared."""
        return self.compared > 0 and not (self.bugs or self.vanished or self.stale)


def _stale(
    lane: Lane, stock: Mapping[str, Row], rows: Mapping[str, Row], reviewed: Reviewed
) -> tuple[Exempt, ...]:
    """Return the exceptions that nothing needs any more: the test passes, or fails on Debian too.

    An exception of a test that has not run in both lanes, or that is unsteady, is left alone.
    """
    return tuple(
        entry
        for entry in reviewed.exempt
        if lane in entry.lanes
        and not entry.unsteady
        and entry.test in rows
        and entry.test in stock
        and (
            rows[entry.test].outcome is Outcome.PASS
            or stock[entry.test].outcome is not Outcome.PASS
        )
    )


def _whole_passed(test: str, rows: Mapping[str, Row]) -> bool:
    """Say whether `test` is a part of a test that passed as a whole."""
    whole, separator, _ = test.partition(PART)
    return bool(separator) and whole in rows and rows[whole].outcome is Outcome.PASS


def decide(
    lane: Lane, stock: Mapping[str, Row], rows: Mapping[str, Row], reviewed: Reviewed
) -> Decision:
    """Compare the rows of a lane with those of the lane stock, both by test."""
    both = sorted(stock.keys() & rows.keys())
    worse = [
        rows[test]
        for test in both
        if stock[test].outcome is Outcome.PASS and rows[test].outcome is not Outcome.PASS
    ]
    absent = {test for test in stock.keys() - rows.keys() if stock[test].outcome is Outcome.PASS}
    vanished = {test for test in absent if _whole_passed(test, rows)}
    return Decision(
        lane=lane,
        compared=len(both),
        bugs=tuple(row for row in worse if reviewed.covers(row.test, lane) is None),
        excused=tuple(row for row in worse if reviewed.covers(row.test, lane) is not None),
        stale=_stale(lane, stock, rows, reviewed),
        unsteady=tuple(rows[test] for test in both if rows[test].detail.startswith(UNSTEADY)),
        vanished=tuple(sorted(vanished)),
        missing=tuple(sorted(absent - vanished)),
        alone=tuple(sorted(rows.keys() - stock.keys())),
    )
