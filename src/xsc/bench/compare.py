# SPDX-License-Identifier: MIT
"""How the figures of two runs differ."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from xsc.bench import stats
from xsc.bench.goals import GOALS, Row, judge
from xsc.bench.report import Run
from xsc.bench.stats import Figure


@dataclass(frozen=True)
class Change:
    """One figure in both runs. A ratio tells more than a time: the host's speed is not in it."""

    title: str
    first: Figure
    second: Figure
    more_is_better: bool = False

    @property
    def relative(self) -> float:
        """How much greater the second is: 0.1 is ten per cent. From zero, all or nothing."""
        if self.first.median == 0:
            return 0.0 if self.second.median == 0 else float("inf")
        return self.second.median / self.first.median - 1

    @property
    def better(self) -> bool:
        """Whether the second is the better one."""
        return (self.relative > 0) == self.more_is_better


def _ratios(run: Run) -> dict[str, Figure]:
    """Return every lane's ratio to the trap by its title."""
    found = {}
    for measure in dict.fromkeys(sample.measure for sample in run.output.samples):
        for lane in ("bell", "ring"):
            value = stats.ratio(run.output.typical, measure, lane, "trap")
            if value is not None:
                found[f"{measure}: {lane} / trap"] = value
    return found


def _rows(run: Run) -> dict[str, Row]:
    return {row.goal.title: row for row in judge(run, GOALS) if row.figure is not None}


def changes(first: Run, second: Run) -> Iterator[Change]:
    """Yield what both runs measured: ratios to the trap, then the remaining goals."""
    before, after = _ratios(first), _ratios(second)
    for title, value in before.items():
        if title in after:
            yield Change(title, value, after[title])
    old, new = _rows(first), _rows(second)
    for title, row in old.items():
        match = new.get(title)
        if title in before or match is None or row.figure is None or match.figure is None:
            continue
        yield Change(title, row.figure, match.figure, row.goal.more_is_better)
