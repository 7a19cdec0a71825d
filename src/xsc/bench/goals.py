# SPDX-License-Identifier: MIT
"""What the figures have to be, what they ought to be, and what they are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from xsc.bench import beside, stats
from xsc.bench.report import Run
from xsc.bench.samples import Share
from xsc.bench.stats import Figure

DEFAULT = "default"
"""In place of a lane: the policy a user gets, `ring` where there are workers, else `bell`."""


class Kind(StrEnum):
    """What a figure is: a quotient of costs, one of speeds, or a share of a whole."""

    COST = "cost"
    SPEED = "speed"
    SHARE = "share"


class Verdict(StrEnum):
    """How a figure compares with its goal."""

    AIM = "aim"
    OK = "ok"
    MISSED = "missed"
    NONE = "not measured"


@dataclass(frozen=True)
class Goal:
    """One row: cost of lane `over` by that of `under`, or a share in lane `over`.

    `must` is the limit, `aim` what we want. Speeds and served shares are better when greater.
    """

    title: str
    measure: str
    over: str
    under: str
    must: float
    aim: float
    kind: Kind = Kind.COST
    more_is_better: bool = False

    def verdict(self, value: float) -> Verdict:
        """Judge a figure."""
        sign = -1 if self.more_is_better else 1
        if sign * value <= sign * self.aim:
            return Verdict.AIM
        return Verdict.OK if sign * value <= sign * self.must else Verdict.MISSED


def _calls() -> tuple[Goal, ...]:
    limits = {
        "getpid": (1.1, 0.8),
        "pread-200": (1.0, 0.85),
        "pread-4k": (1.0, 0.85),
        "stat": (1.1, 0.9),
        "open-close": (1.1, 0.9),
        "write-null": (1.1, 0.9),
    }
    return tuple(
        Goal(f"{name}: ring / trap", name, "ring", "trap", *limit) for name, limit in limits.items()
    )


def _programs() -> tuple[Goal, ...]:
    titles = {
        "find": "find /usr",
        "tar": "tar of a tree",
        "git-status": "git status",
        "sqlite": "sqlite insert",
        "compile": "compile a small project",
    }
    # The aim is to be faster, if only by a little.
    by_lane = (
        Goal(f"{title}: default / trap", name, DEFAULT, "trap", 1.1, 0.999)
        for name, title in titles.items()
    )
    by_system = (
        Goal(f"{titles[name]}: XSC / Debian", name, "xsc", "stock", 1.1, 0.999)
        for name in beside.MEASURES
        if name in titles
    )
    return (*by_lane, *by_system)


GOALS = (
    *_calls(),
    Goal("getppid: bell / trap", "getppid", "bell", "trap", 4.0, 2.0),
    Goal("mix, rounds/s: default / trap", "mix", DEFAULT, "trap", 0.7, 0.95, Kind.SPEED, True),
    Goal("mix, rounds/s: XSC / Debian", "mix", "xsc", "stock", 0.7, 0.95, Kind.SPEED, True),
    Goal("boot to multi-user: XSC / stock", "boot", "xsc", "stock", 1.05, 1.0),
    *_programs(),
    Goal("CPU-bound neighbour: default / trap", "neighbour", DEFAULT, "trap", 1.03, 1.0),
    Goal("sleeping processes, CPU used", "idle", DEFAULT, "", 0.001, 0.0, Kind.SHARE),
    Goal("calls served by a worker", "getppid", "ring", "", 0.9, 0.99, Kind.SHARE, True),
)


@dataclass(frozen=True)
class Row:
    """A goal with what was measured. Without a figure `why` says what it lacks."""

    goal: Goal
    figure: Figure | None
    verdict: Verdict
    why: str = ""


def default_lane(run: Run) -> str:
    """Return the lane that the system's own policy leads to."""
    return "ring" if "ring" in run.output.lanes else "bell"


def served(run: Run, measure: str) -> tuple[Share, ...]:
    """Return the share of the requests in lane `ring` that a worker executed."""
    moved: dict[int, dict[str, int]] = {}
    for counter in run.output.counters:
        if (counter.measure, counter.lane) == (measure, "ring"):
            moved.setdefault(counter.rep, {})[counter.name] = counter.delta
    return tuple(
        Share(
            measure=measure,
            lane="ring",
            rep=rep,
            part=min(names.get("worker", 0), names["calls"]),
            whole=names["calls"],
        )
        for rep, names in sorted(moved.items())
        if names.get("calls", 0) > 0
    )


def _figure(run: Run, goal: Goal, lane: str) -> Figure | None:
    if goal.kind is Kind.SHARE:
        shares: Sequence[Share] = run.output.shares
        if goal.more_is_better:
            shares = served(run, goal.measure)
        return stats.share(shares, goal.measure, lane)
    # What costs half as much goes twice as fast.
    over, under = (goal.under, lane) if goal.kind is Kind.SPEED else (lane, goal.under)
    return stats.ratio(run.output.typical, goal.measure, over, under)


def _reason(run: Run, goal: Goal) -> str:
    if goal.measure in run.output.absent:
        return run.output.absent[goal.measure]
    if goal.over == "ring" and "ring" not in run.output.lanes:
        return "this kernel has no workers"
    if goal.over in ("bell", DEFAULT) and "bell" not in run.output.lanes:
        return "there is no gate"
    if goal.measure == "boot":
        return "only with --boot"
    return "only with --debian" if goal.under == "stock" else "not asked for"


def judge(run: Run, goals: Sequence[Goal] = GOALS) -> list[Row]:
    """Return a row for each goal, measured or not."""
    rows = []
    for goal in goals:
        lane = default_lane(run) if goal.over == DEFAULT else goal.over
        found = _figure(run, goal, lane)
        if found is None:
            rows.append(Row(goal, None, Verdict.NONE, _reason(run, goal)))
        else:
            rows.append(Row(goal, found, goal.verdict(found.median)))
    return rows
