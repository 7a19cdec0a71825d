# SPDX-License-Identifier: MIT
"""Medians and spreads, of samples of one lane and of two lanes that took turns."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import median

from xsc.bench.samples import Counter, Sample, Share


@dataclass(frozen=True)
class Figure:
    """A median with the least and the greatest value, of `count` values."""

    median: float
    low: float
    high: float
    count: int

    def overlaps(self, other: Figure) -> bool:
        """Say whether the two ranges have a value in common."""
        return self.low <= other.high and other.low <= self.high


def figure(values: Iterable[float]) -> Figure | None:
    """Return the figure of some values, None of no values."""
    found = sorted(values)
    if not found:
        return None
    return Figure(median(found), found[0], found[-1], len(found))


def costs(samples: Sequence[Sample], measure: str, lane: str) -> dict[int, float]:
    """Return nanoseconds per operation by repetition."""
    return {s.rep: s.cost for s in samples if (s.measure, s.lane) == (measure, lane)}


def cost(samples: Sequence[Sample], measure: str, lane: str) -> Figure | None:
    """Return the nanoseconds per operation of a lane."""
    return figure(costs(samples, measure, lane).values())


def ratio(samples: Sequence[Sample], measure: str, over: str, under: str) -> Figure | None:
    """Return the cost in lane `over` divided by that in `under`.

    Only samples of the same repetition are compared, which were taken one right after the other:
    whatever slowed the machine down for a while is in both and cancels out.
    """
    above, below = costs(samples, measure, over), costs(samples, measure, under)
    return figure(above[rep] / below[rep] for rep in above.keys() & below.keys())


def per_call(
    samples: Sequence[Sample], counters: Sequence[Counter], measure: str, lane: str
) -> dict[str, float]:
    """Return how far each counter moved per operation, over all repetitions of a lane."""
    done = sum(s.count for s in samples if (s.measure, s.lane) == (measure, lane))
    moved: dict[str, int] = {}
    for counter in counters:
        if (counter.measure, counter.lane) == (measure, lane):
            moved[counter.name] = moved.get(counter.name, 0) + counter.delta
    return {name: delta / done for name, delta in moved.items()} if done else {}


def share(shares: Sequence[Share], measure: str, lane: str) -> Figure | None:
    """Return the quotient over all repetitions of a lane."""
    return figure(s.value for s in shares if (s.measure, s.lane) == (measure, lane))
