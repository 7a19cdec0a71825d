# SPDX-License-Identifier: MIT
"""The gate: what it lets pass, what it stops, and which exceptions it finds stale."""

from __future__ import annotations

from xsc.suites.gate import decide
from xsc.suites.lanes import Lane
from xsc.suites.reviewed import Exempt, Reviewed
from xsc.suites.rows import Outcome, Row
from xsc.suites.summary import counts, decision

P, F, S, C = Outcome.PASS, Outcome.FAIL, Outcome.SKIP, Outcome.CRASH


def rows(lane: Lane, **outcomes: Outcome) -> dict[str, Row]:
    return {
        name.replace("__", ": "): Row(
            "toy", name.replace("__", ": "), lane.value, outcome, 1.0, "", "k"
        )
        for name, outcome in outcomes.items()
    }


def exempt(test: str, *lanes: Lane) -> Reviewed:
    return Reviewed(exempt=(Exempt(test, frozenset(lanes), "because"),))


STOCK = rows(Lane.STOCK, a=P, b=P, c=F, d=S)


def test_equal_lanes_pass() -> None:
    found = decide(Lane.CALLER, STOCK, rows(Lane.CALLER, a=P, b=P, c=F, d=S), Reviewed())
    assert found.passed
    assert found.compared == 4


def test_each_outcome_but_a_pass_is_a_bug() -> None:
    for outcome in (F, S, C, Outcome.TIMEOUT):
        found = decide(Lane.CALLER, STOCK, rows(Lane.CALLER, a=outcome, b=P), Reviewed())
        assert [row.test for row in found.bugs] == ["a"]
        assert not found.passed


def test_what_fails_on_debian_may_do_anything() -> None:
    assert decide(Lane.CALLER, STOCK, rows(Lane.CALLER, c=C, d=F), Reviewed()).passed
    assert decide(Lane.CALLER, STOCK, rows(Lane.CALLER, c=P, d=P), Reviewed()).passed


def test_an_exception_excuses_its_test_in_its_lane_only() -> None:
    reviewed = exempt("a", Lane.WORKER)
    found = decide(Lane.WORKER, STOCK, rows(Lane.WORKER, a=F, b=P), reviewed)
    assert found.passed
    assert [row.test for row in found.excused] == ["a"]
    assert not decide(Lane.CALLER, STOCK, rows(Lane.CALLER, a=F, b=P), reviewed).passed
    assert not decide(Lane.WORKER, STOCK, rows(Lane.WORKER, a=P, b=F), reviewed).passed


def test_an_exception_that_nothing_needs_is_stale() -> None:
    passes = rows(Lane.WORKER, a=P, b=P, c=F)
    assert [e.test for e in decide(Lane.WORKER, STOCK, passes, exempt("a", Lane.WORKER)).stale] == [
        "a"
    ]
    assert not decide(Lane.WORKER, STOCK, passes, exempt("a", Lane.WORKER)).passed
    # It fails on Debian too.
    assert decide(Lane.WORKER, STOCK, passes, exempt("c", Lane.WORKER)).stale
    # It is another lane's, or has not run.
    assert decide(Lane.WORKER, STOCK, passes, exempt("a", Lane.RANDOM)).passed
    assert decide(Lane.WORKER, STOCK, passes, exempt("z", Lane.WORKER)).passed


def test_an_exception_for_timing_is_never_stale() -> None:
    reviewed = Reviewed(exempt=(Exempt("a", frozenset([Lane.WORKER]), "because", unsteady=True),))
    assert decide(Lane.WORKER, STOCK, rows(Lane.WORKER, a=P), reviewed).passed
    assert decide(Lane.WORKER, STOCK, rows(Lane.WORKER, a=F), reviewed).passed


def test_nothing_compared_is_no_pass() -> None:
    found = decide(Lane.CALLER, STOCK, rows(Lane.CALLER, z=P), Reviewed())
    assert not found.passed
    assert found.alone == ("z",)


def test_tests_that_have_not_run_are_counted() -> None:
    found = decide(Lane.CALLER, STOCK, rows(Lane.CALLER, a=P), Reviewed())
    assert found.passed
    assert found.missing == ("b",)


def test_a_part_that_vanished_from_a_test_that_passes_is_a_bug() -> None:
    stock = rows(Lane.STOCK, a=P, a__1=P, a__2=F, b=P, b__1=P)
    found = decide(Lane.CALLER, stock, rows(Lane.CALLER, a=P, b=P, b__1=P), Reviewed())
    assert found.vanished == ("a: 1",)
    assert not found.passed
    # A test that failed is a bug itself; its parts are only missing.
    found = decide(Lane.CALLER, stock, rows(Lane.CALLER, a=F, b=P, b__1=P), Reviewed())
    assert (found.vanished, found.missing) == ((), ("a: 1",))


def test_the_summary_names_what_is_wrong() -> None:
    found = decide(Lane.CALLER, STOCK, rows(Lane.CALLER, a=F, b=P), exempt("b", Lane.CALLER))
    text = "\n".join(decision(found))
    assert "pass in stock, not here: 1\n  a: fail" in text
    assert "exceptions that nothing needs any more: 1\n  b: because" in text
    assert "gate of lane caller: FAILED, 2 results compared" in text
    assert counts(STOCK.values()) == "4 results: 2 pass, 1 fail, 1 skip"
