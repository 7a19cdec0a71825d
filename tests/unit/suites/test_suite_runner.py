# SPDX-License-Identifier: MIT
"""The runner with a guest that plays back results: which rows come out, what is run again."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import pytest

from xsc.errors import UsageError
from xsc.suites.guest import Guest, Run
from xsc.suites.lanes import Lane
from xsc.suites.model import Case, Ended, Suite, Verdict
from xsc.suites.rows import Outcome, Row
from xsc.suites.runner import AGAIN, run_test, select

TEST = Case("t", ("true",), 1.0)


def judge(test: Case, ended: Ended) -> Sequence[Verdict]:
    """Each letter of the output is a part; the exit code decides the whole."""
    whole = Verdict(Outcome.PASS if ended.code == 0 else Outcome.FAIL, f"exit {ended.code}")
    parts = [
        Verdict(Outcome.PASS if letter.isupper() else Outcome.FAIL, "", letter.lower())
        for letter in ended.stdout
    ]
    return [whole, *parts]


SUITE = Suite("toy", "", lambda shell: [TEST], judge)


class Player:
    """A guest whose runs are known beforehand."""

    kernel = "6.1.0"

    def __init__(self, *runs: Run) -> None:
        self.runs = list(runs)

    def run(self, test: Case) -> Run:
        return self.runs.pop(0)


def ended(code: int, out: str = "") -> Run:
    return Run(Ended(code, out, ""), 1.0, ())


def play(*runs: Run, stock: str = "") -> dict[str, tuple[str, str]]:
    """Return outcome and detail by test; `stock` names what passed there. All runs are used up."""
    player = Player(*runs)
    passed = {
        name: Row("toy", name, "stock", Outcome.PASS, 1.0, "", "k") for name in stock.split(",")
    }
    rows = run_test(SUITE, TEST, Lane.CALLER, cast(Guest, player), passed)
    assert player.runs == []
    assert rows[0].test == "t"
    return {row.test: (row.outcome.value, row.detail) for row in rows}


def test_parts_are_rows_of_their_own() -> None:
    assert play(ended(1, "Ab")) == {
        "t": ("fail", "exit 1"),
        "t: a": ("pass", ""),
        "t: b": ("fail", ""),
    }


def test_a_test_that_took_too_long() -> None:
    assert play(Run(None, 30.0, ())) == {"t": ("timeout", "ended after 30 s")}


def test_what_the_kernel_complained_of_is_a_crash_even_if_the_test_passed() -> None:
    found = play(Run(Ended(0, "A", ""), 1.0, (" WARNING: x", "Call Trace:")))
    assert found == {"t": ("crash", "WARNING: x"), "t: a": ("pass", "")}


def test_a_lost_machine_is_a_crash_whatever_was_said_before() -> None:
    assert play(Run(None, 0.0, (), "gone\nKernel panic: y\nz")) == {
        "t": ("crash", "Kernel panic: y")
    }
    assert play(Run(Ended(0, "", ""), 1.0, (), "hung"))["t"] == ("crash", "hung")


def test_a_failure_that_stock_does_not_have_is_run_again() -> None:
    runs = [ended(1)] * (1 + AGAIN)
    assert play(*runs, stock="t") == {"t": ("fail", "failed in 4 of 4 runs: exit 1")}


def test_a_failure_that_does_not_come_again_is_unsteady() -> None:
    found = play(ended(1), ended(0), ended(1), ended(0), stock="t")
    assert found == {"t": ("pass", "unsteady: failed in 2 of 4 runs: exit 1")}


def test_a_part_that_only_a_better_run_names_is_there() -> None:
    found = play(ended(1, "B"), ended(0, "AB"), ended(0, "AB"), ended(0, "AB"), stock="t,t: a,t: b")
    assert found["t"] == ("pass", "unsteady: failed in 1 of 4 runs: exit 1")
    assert (found["t: a"], found["t: b"]) == (("pass", ""), ("pass", ""))
    found = play(ended(1), ended(1), ended(0, "A"), ended(1), stock="t,t: a")
    assert found.keys() == {"t"}


def test_two_further_failures_of_three_are_a_failure() -> None:
    found = play(ended(1), ended(1), ended(0), ended(1), stock="t")
    assert found["t"] == ("fail", "failed in 3 of 4 runs: exit 1")


def test_a_part_that_is_absent_in_a_further_run_has_failed_there() -> None:
    lost = Run(None, 0.0, (), "gone")
    found = play(ended(0, "a"), lost, lost, ended(0, "A"), stock="t,t: a")
    assert found == {"t": ("pass", "exit 0"), "t: a": ("fail", "failed in 3 of 4 runs: ")}


def test_selection() -> None:
    tests = [Case(name, (), 1.0) for name in ("a:1", "a:2", "b:1")]
    assert [test.name for test in select(tests, ["a:*", "b:1"], ["*:1"])] == ["a:2"]
    assert len(select(tests, [], [])) == 3


@pytest.mark.parametrize(("only", "why"), [(["c*"], "matches c"), (["b*"], "excluded")])
def test_an_empty_selection_is_a_usage_error(only: list[str], why: str) -> None:
    tests = [Case(name, (), 1.0) for name in ("a:1", "b:1")]
    with pytest.raises(UsageError, match=why):
        select(tests, only, ["b:1"])
