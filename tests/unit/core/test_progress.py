# SPDX-License-Identifier: MIT
"""Progress as plain lines, JSON lines and bars."""

from __future__ import annotations

import io
import json

import pytest

from xsc.progress import JsonReporter, Mode, PlainReporter, Reporter, Row
from xsc.reporters import make_reporter


def tell(reporter: Reporter) -> None:
    """Report the life of two steps."""
    reporter.plan([("a", 10.0), ("b", 30.0)], 1)
    reporter.started("a", 10.0)
    reporter.update("a", 0.5, "half way")
    reporter.tick()
    reporter.finished("a", 2.0)
    reporter.started("b", 30.0)
    reporter.failed("b", "no luck\nat all")
    reporter.close()


def test_plain_lines() -> None:
    stream = io.StringIO()
    tell(PlainReporter(stream))
    assert stream.getvalue().splitlines() == [
        "xsc: 1 up to date; to build: a, b (about 40 s)",
        "a: started (about 10 s)",
        "a: 50% half way",
        "a: done in 2 s",
        "b: started (about 30 s)",
        "b: FAILED: no luck",
    ]


def test_plain_progress_repeats_only_news() -> None:
    stream = io.StringIO()
    reporter = PlainReporter(stream)
    reporter.plan([("a", 10.0)], 0)
    reporter.started("a", 10.0)
    for fraction in (0.1, 0.2, 0.3):
        reporter.update("a", fraction, "compiling")
    assert stream.getvalue().count("compiling") == 1


def test_json_lines() -> None:
    stream = io.StringIO()
    tell(JsonReporter(stream))
    events = [json.loads(line) for line in stream.getvalue().splitlines()]
    names = [event["event"] for event in events]
    assert names == ["plan", "started", "progress", "finished", "started", "failed"]
    assert events[0]["remaining"] == 40.0
    assert events[2] == {
        "event": "progress",
        "step": "a",
        "fraction": pytest.approx(0.5, abs=0.01),
        "text": "half way",
    }


def test_bars_show_steps_and_leave_a_line_each() -> None:
    stream = io.StringIO()
    tell(make_reporter(Mode.RICH, stream))
    text = stream.getvalue()
    assert "a: done in 2 s" in text
    assert "b: FAILED: no luck" in text


class Clock:
    """A clock that moves when it is told to."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 1000.0
        monkeypatch.setattr("xsc.progress.time.monotonic", lambda: self.now)


def test_the_clock_carries_on_what_a_step_said(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock(monkeypatch)
    reporter = Reporter(io.StringIO())
    reporter.plan([("a", 100.0)], 0)
    reporter.started("a", 100.0)
    clock.now += 20.0
    assert reporter.fraction("a") == pytest.approx(0.2)
    reporter.update("a", 0.5, "")
    assert reporter.fraction("a") == pytest.approx(0.5)
    clock.now += 10.0
    assert reporter.fraction("a") == pytest.approx(0.6)
    reporter.finished("a", 1.0)
    assert reporter.remaining() == 0.0


@pytest.mark.parametrize("pace", [0.25, 4.0])
def test_what_is_left_follows_the_pace_of_this_run(
    monkeypatch: pytest.MonkeyPatch, pace: float
) -> None:
    clock = Clock(monkeypatch)
    reporter = Reporter(io.StringIO())
    reporter.plan([("a", 100.0)], 0)
    reporter.started("a", 100.0)
    assert reporter.remaining() == pytest.approx(100.0)
    clock.now += 40.0 * pace
    reporter.update("a", 0.4, "compiling")
    assert reporter.remaining() == pytest.approx(60.0 * pace)
    clock.now += 10.0
    assert reporter.remaining() == pytest.approx(60.0 * pace - 10.0)


def test_saying_the_same_again_does_not_turn_the_clock_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clock = Clock(monkeypatch)
    reporter = Reporter(io.StringIO())
    reporter.started("a", 100.0)
    for _ in range(4):
        reporter.update("a", 0.1, "compiling")
        clock.now += 10.0
    assert reporter.fraction("a") == pytest.approx(0.5)


def test_an_estimate_that_was_too_short_does_not_reach_the_end(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clock = Clock(monkeypatch)
    reporter = Reporter(io.StringIO())
    reporter.started("a", 1.0)
    clock.now += 1000.0
    assert reporter.fraction("a") == pytest.approx(0.9)


def test_a_step_that_has_used_up_its_estimate_is_named_instead_of_a_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clock = Clock(monkeypatch)
    stream = io.StringIO()
    reporter = PlainReporter(stream)
    reporter.plan([("a", 100.0), ("b", 30.0)], 0)
    reporter.started("a", 100.0)
    clock.now += 80.0
    assert reporter.outlook() == "about 50 s left"
    clock.now += 1920.0
    reporter.tick()
    line = "xsc: a 90%; a takes longer than estimated (33 min 20 s so far)"
    assert stream.getvalue().splitlines()[-1] == line
    reporter.waits("a", "lab")
    assert "left" in reporter.outlook()
    reporter.resumes("a")
    reporter.finished("a", 2000.0)
    assert reporter.outlook() == "about 30 s left"


def test_a_slow_step_that_keeps_its_pace_is_not_late(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock(monkeypatch)
    reporter = Reporter(io.StringIO())
    reporter.started("a", 100.0)
    clock.now += 800.0
    reporter.update("a", 0.4, "compiling")
    clock.now += 400.0
    assert not reporter.late("a")
    clock.now += 900.0
    assert reporter.late("a")


def divided(reporter: Reporter) -> None:
    """Report two steps of which one is made elsewhere and loses its server."""
    reporter.plan([("a", 10.0), ("b", 30.0)], 0)
    reporter.started("a", 10.0)
    rows = [Row("a", "lab", ""), Row("b", "here", "waits for a")]
    reporter.table(rows)
    for _ in range(3):
        reporter.waits("a", "lab: Connection refused")
    reporter.resumes("a")
    reporter.left_out("a", "the disk of lab is full\nand more")


def test_the_table_says_what_waits_for_what() -> None:
    stream = io.StringIO()
    divided(PlainReporter(stream))
    assert stream.getvalue().splitlines()[2:] == [
        "xsc: steps to make:",
        "  a  lab   being made, 0%",
        "  b  here  waits for a",
        "xsc: steps to make:",
        "  a  lab   waits for lab: Connection refused",
        "  b  here  waits for a",
        "xsc: steps to make:",
        "  a  lab   being made, 0%",
        "  b  here  waits for a",
        "a: left out: the disk of lab is full",
    ]


def test_the_table_is_json_too() -> None:
    stream = io.StringIO()
    divided(JsonReporter(stream))
    events = [json.loads(line) for line in stream.getvalue().splitlines()]
    assert [e["event"] for e in events[2:]] == ["table", "table", "table", "left out"]
    assert events[3]["steps"][0]["stuck"] == "lab: Connection refused"
    assert events[4]["steps"][1] == {"step": "b", "where": "here", "state": "waits for a"}


def test_bars_show_the_table_only_when_something_is_stuck() -> None:
    stream = io.StringIO()
    divided(make_reporter(Mode.RICH, stream))
    assert stream.getvalue().count("waits for lab: Connection refused") >= 1
    assert "a: left out: the disk of lab is full" in stream.getvalue()
