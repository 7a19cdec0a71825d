# SPDX-License-Identifier: MIT
"""Statistics, goals and comparison: arithmetic on numbers that are known."""

from __future__ import annotations

import pytest
from benchkit import counter, make_run, samples

from xsc.bench import stats
from xsc.bench.compare import changes
from xsc.bench.goals import GOALS, Goal, Kind, Row, Verdict, judge
from xsc.bench.report import Run
from xsc.bench.samples import Sample, Share


def row(run: Run, title: str) -> Row:
    """Return the row of one goal."""
    (found,) = (row for row in judge(run) if row.goal.title == title)
    return found


def test_median_and_range() -> None:
    assert stats.figure([3, 1, 2]) == stats.Figure(2, 1, 3, 3)
    assert stats.figure([4, 1, 2, 3]) == stats.Figure(2.5, 1, 4, 4)
    assert stats.figure([]) is None


def test_a_ratio_compares_samples_of_the_same_repetition() -> None:
    """A machine that got twice as slow in between leaves the ratio alone."""
    found = stats.ratio(
        samples("x", {"trap": [100, 200, 400], "bell": [300, 600, 1200]}), "x", "bell", "trap"
    )
    assert found == stats.Figure(3.0, 3.0, 3.0, 3)


def test_a_repetition_that_one_lane_lacks_is_left_out() -> None:
    found = stats.ratio(samples("x", {"trap": [100], "bell": [200, 900]}), "x", "bell", "trap")
    assert found == stats.Figure(2.0, 2.0, 2.0, 1)
    assert stats.ratio(samples("x", {"bell": [200]}), "x", "bell", "trap") is None


def test_counters_per_operation() -> None:
    taken = samples("getppid", {"ring": [100, 100]})
    moved = [counter("ring", "parked", 4), counter("ring", "parked", 6, rep=1)]
    moved += [counter("bell", "parked", 99)]
    assert stats.per_call(taken, moved, "getppid", "ring") == {"parked": 0.5}
    assert stats.per_call((), moved, "getppid", "ring") == {}


@pytest.mark.parametrize(
    ("goal", "verdicts"),
    [
        (
            Goal("less", "x", "bell", "trap", 4.0, 2.0),
            {2.0: Verdict.AIM, 2.1: Verdict.OK, 4.0: Verdict.OK, 4.1: Verdict.MISSED},
        ),
        (
            Goal("more", "x", "ring", "trap", 0.7, 0.95, Kind.SPEED, True),
            {0.95: Verdict.AIM, 0.9: Verdict.OK, 0.7: Verdict.OK, 0.69: Verdict.MISSED},
        ),
    ],
)
def test_verdicts(goal: Goal, verdicts: dict[float, Verdict]) -> None:
    assert {value: goal.verdict(value) for value in verdicts} == verdicts


def test_every_aim_is_at_least_as_hard_as_its_must() -> None:
    for goal in GOALS:
        assert goal.verdict(goal.aim) is Verdict.AIM, goal.title
        assert goal.verdict(goal.must) in (Verdict.OK, Verdict.AIM), goal.title


def test_titles_are_unique() -> None:
    assert len({goal.title for goal in GOALS}) == len(GOALS)


def test_the_default_lane_is_the_worker_where_there_is_one() -> None:
    taken = samples("find", {"trap": [100], "bell": [300], "ring": [90]})
    found = row(make_run(taken), "find /usr: default / trap")
    assert found.figure is not None and found.figure.median == 0.9
    assert found.verdict is Verdict.AIM
    caller = row(make_run(taken, lanes=("trap", "bell")), "find /usr: default / trap")
    assert caller.figure is not None and caller.figure.median == 3.0
    assert caller.verdict is Verdict.MISSED


def test_a_speed_is_the_reciprocal_of_a_cost() -> None:
    found = row(make_run(samples("mix", {"trap": [100], "ring": [200]})), GOALS[7].title)
    assert found.goal.measure == "mix"
    assert found.figure is not None and found.figure.median == 0.5
    assert found.verdict is Verdict.MISSED


def test_the_share_of_a_worker_comes_from_the_counters() -> None:
    moved = [counter("ring", "calls", 1000), counter("ring", "worker", 950)]
    moved += [counter("bell", "calls", 1000), counter("ring", "calls", 7, measure="pipe")]
    found = row(make_run(counters=tuple(moved)), "calls served by a worker")
    assert found.figure == stats.Figure(0.95, 0.95, 0.95, 1)
    assert found.verdict is Verdict.OK


def test_a_lane_in_which_no_worker_served_counts_as_nothing_served() -> None:
    found = row(make_run(counters=(counter("ring", "calls", 10),)), "calls served by a worker")
    assert found.verdict is Verdict.MISSED


def test_idle_cost_is_judged() -> None:
    def idle(part: int) -> Verdict:
        share = Share(measure="idle", lane="ring", rep=0, part=part, whole=1000000)
        return row(make_run(shares=(share,)), "sleeping processes, CPU used").verdict

    assert [idle(0), idle(1000), idle(1001)] == [Verdict.AIM, Verdict.OK, Verdict.MISSED]


@pytest.mark.parametrize(
    ("title", "why"),
    [
        ("getpid: ring / trap", "this kernel has no workers"),
        ("git status: default / trap", "git is not in the image"),
        ("boot to multi-user: XSC / stock", "only with --boot"),
        ("sqlite insert: default / trap", "not asked for"),
        ("sqlite insert: XSC / Debian", "only with --debian"),
        ("mix, rounds/s: XSC / Debian", "only with --debian"),
    ],
)
def test_what_was_not_measured_says_why(title: str, why: str) -> None:
    run = make_run(lanes=("trap", "bell"), absent={"git-status": "git is not in the image"})
    found = row(run, title)
    assert (found.verdict, found.why) == (Verdict.NONE, why)


def test_without_a_gate_nothing_is_judged() -> None:
    rows = judge(make_run(samples("getpid", {"trap": [1]}), lanes=("trap",)))
    assert {row.verdict for row in rows} == {Verdict.NONE}


def test_boots_are_compared_with_the_stock_kernel() -> None:
    taken = tuple(
        Sample(measure="boot", lane=lane, rep=0, count=1, ns=ns)
        for lane, ns in (("xsc", 104), ("stock", 100))
    )
    assert row(make_run(taken), "boot to multi-user: XSC / stock").verdict is Verdict.OK


def test_changes_have_a_direction() -> None:
    """A cost that grew is worse, a speed that grew is better, and a figure in one run is none."""
    first = make_run(
        samples("mix", {"trap": [100], "ring": [200]}), samples("stat", {"trap": [1], "bell": [2]})
    )
    second = make_run(samples("mix", {"trap": [100], "ring": [125]}))
    found = {change.title: change for change in changes(first, second)}
    assert set(found) == {"mix: ring / trap", GOALS[7].title}
    cost, speed = found["mix: ring / trap"], found[GOALS[7].title]
    assert cost.relative == pytest.approx(-0.375) and cost.better
    assert speed.relative == pytest.approx(0.6) and speed.better


def test_a_change_from_zero_is_not_a_division_by_it() -> None:
    def idle(part: int) -> Run:
        return make_run(shares=(Share(measure="idle", lane="ring", rep=0, part=part, whole=10),))

    (same,) = changes(idle(0), idle(0))
    (worse,) = changes(idle(0), idle(1))
    assert same.relative == 0
    assert worse.relative == float("inf") and not worse.better
