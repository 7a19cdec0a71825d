# SPDX-License-Identifier: MIT
"""Runs the tests of a suite one after the other and makes rows of what became of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from fnmatch import fnmatchcase

from xsc.errors import UsageError
from xsc.suites.guest import Guest, Run
from xsc.suites.health import trouble
from xsc.suites.lanes import Lane
from xsc.suites.model import Case, Suite, Verdict, last_line
from xsc.suites.rows import PART, Outcome, Row

# A test that fails though it passed in the lane stock is run so often again, and it has failed
# if most of these runs fail as well. Many tests sleep for some milliseconds and hope that another
# thread got somewhere meanwhile, which a busy host denies them on any kernel.
AGAIN = 3

Report = Callable[[Row], None]


def select(tests: Sequence[Case], only: Sequence[str], excluded: Sequence[str]) -> list[Case]:
    """Return the tests that match a pattern of `only` (or all) and none of `excluded`.

    Raises UsageError if nothing is left.
    """

    def matches(test: Case, patterns: Sequence[str]) -> bool:
        return any(fnmatchcase(test.name, pattern) for pattern in patterns)

    wanted = [test for test in tests if not only or matches(test, only)]
    left = [test for test in wanted if not matches(test, excluded)]
    if not left:
        raise UsageError(
            f"no test matches {' or '.join(only) or 'anything'}"
            + (", but for tests that are excluded" if wanted else ""),
            hint="--list names the tests; patterns are those of a shell",
        )
    return left


def _row_name(test: str, part: str) -> str:
    return f"{test}{PART}{part}" if part else test


def verdicts(suite: Suite, test: Case, run: Run) -> list[Verdict]:
    """Return what a run says, the whole test first."""
    if run.lost:
        # The first complaint of a kernel that died says more than its last words.
        words = trouble(run.lost)[:1] or [last_line(run.lost)]
        return [Verdict(Outcome.CRASH, words[0].strip())]
    if run.ended is None:
        found = [Verdict(Outcome.TIMEOUT, f"ended after {run.seconds:.0f} s")]
    else:
        found = list(suite.judge(test, run.ended))
    if run.trouble:
        found[0] = Verdict(Outcome.CRASH, run.trouble[0].strip())
    return found


def _rows(suite: Suite, test: Case, lane: Lane, guest: Guest, run: Run) -> dict[str, Row]:
    rows = {}
    for verdict in verdicts(suite, test, run):
        name = _row_name(test.name, verdict.part)
        rows[name] = Row(
            suite.name, name, lane.value, verdict.outcome, round(run.seconds, 2), verdict.detail,
            guest.kernel,
        )  # fmt: skip
    return rows


def _worse(rows: Mapping[str, Row], stock: Mapping[str, Row]) -> set[str]:
    """Return the names that pass in the lane stock and do not pass here."""
    return {
        name
        for name, row in rows.items()
        if row.outcome is not Outcome.PASS and name in stock and stock[name].outcome is Outcome.PASS
    }


def run_test(
    suite: Suite, test: Case, lane: Lane, guest: Guest, stock: Mapping[str, Row]
) -> list[Row]:
    """Run one test and return its rows; `stock` are those of the lane stock, to know what differs.

    A result that did not come again in most of AGAIN further runs counts as passed; the detail
    says so.
    """
    rows = _rows(suite, test, lane, guest, guest.run(test))
    doubtful = _worse(rows, stock)
    if not doubtful:
        return list(rows.values())
    failures: Counter[str] = Counter()
    better: dict[str, Row] = {}
    for _ in range(AGAIN):
        again = _rows(suite, test, lane, guest, guest.run(test))
        if again[test.name].outcome is Outcome.PASS:
            better = again
        # A test that crashed reports no parts: a part that is absent has not passed.
        failures.update(
            name
            for name in doubtful
            if name not in again or again[name].outcome is not Outcome.PASS
        )
    if test.name in doubtful and failures[test.name] * 2 <= AGAIN:
        # It passes, and so do parts that have another name, or none, where it fails.
        rows |= {name: row for name, row in better.items() if name not in rows}
    for name in doubtful:
        row = rows[name]
        note = f"failed in {1 + failures[name]} of {1 + AGAIN} runs: {row.detail}"
        if failures[name] * 2 > AGAIN:
            rows[name] = replace(row, detail=note)
        else:
            rows[name] = replace(row, outcome=Outcome.PASS, detail=f"unsteady: {note}")
    return list(rows.values())


def run_tests(
    suite: Suite, tests: Sequence[Case], lane: Lane, guest: Guest, stock: Mapping[str, Row]
) -> Iterator[list[Row]]:
    """Yield the rows of each test as it has ended."""
    for test in tests:
        yield run_test(suite, test, lane, guest, stock)
