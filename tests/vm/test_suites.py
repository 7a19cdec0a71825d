# SPDX-License-Identifier: MIT
"""The runner of foreign suites with a tiny suite of our own: every way in which a test can end."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest
from vmkit import Built, Setting, specification

from xsc.errors import InfraError
from xsc.suites import delays
from xsc.suites.guest import Guest
from xsc.suites.lanes import Lane
from xsc.suites.model import Case, Ended, Shell, Suite, Verdict
from xsc.suites.rows import Outcome, Row
from xsc.suites.runner import run_tests

pytestmark = [pytest.mark.vm, pytest.mark.timeout(400)]

SCRIPTS = {
    "fine": "true",
    "fails": "exit 3",
    # In a session of its own, with the streams of the test.
    "leaves": "setsid sleep 1000 & exit 0",
    "left nothing": "! pgrep -x sleep",
    "sleeps": "sleep 1000",
    "warns": "echo '<4>WARNING: CPU: 0 PID: 1 at a/b.c:1' > /dev/kmsg",
    "kills the kernel": "echo c > /proc/sysrq-trigger; sleep 1000",
    "after that": "true",
}


def cases(shell: Shell) -> list[Case]:
    del shell
    limit = {"sleeps": 0.5}
    return [
        Case(name, ("sh", "-c", script), limit.get(name, 20.0)) for name, script in SCRIPTS.items()
    ]


def judge(test: Case, ended: Ended) -> Sequence[Verdict]:
    del test
    return [Verdict(Outcome.PASS if ended.code == 0 else Outcome.FAIL, f"exit {ended.code}")]


SUITE = Suite("toy", "every way to end", cases, judge)


def make_guest(lane: Lane, built: Built, console: Path, *args: str) -> Guest:
    spec = specification(Setting(args=("xsc=permissive", *args), steps=()), built, console)
    return Guest(lambda: spec, lane, SUITE)


def test_every_end_of_a_test_is_told_and_the_next_test_runs(built: Built, tmp_path: Path) -> None:
    guest = make_guest(Lane.CALLER, built, tmp_path / "console.log")
    try:
        found: list[Row] = []
        for rows in run_tests(SUITE, cases(guest.shell), Lane.CALLER, guest, {}):
            found += rows
        guest.end()
    finally:
        guest.discard()
    assert {row.test: row.outcome.value for row in found} == {
        "fine": "pass",
        "fails": "fail",
        "leaves": "pass",
        "left nothing": "pass",
        "sleeps": "timeout",
        "warns": "crash",
        "kills the kernel": "crash",
        "after that": "pass",
    }
    details = {row.test: row.detail for row in found}
    assert "WARNING: CPU: 0" in details["warns"]
    assert details["kills the kernel"]
    assert {row.kernel for row in found} == {guest.kernel}
    assert guest.boots == 2


def test_a_guest_in_another_lane_is_refused(built: Built, tmp_path: Path) -> None:
    for lane in (Lane.WORKER, Lane.STOCK):
        guest = make_guest(lane, built, tmp_path / "console.log")
        try:
            with pytest.raises(InfraError, match=f"not in lane {lane}"):
                guest.shell("true")
        finally:
            guest.discard()


def test_requests_change_hands_slowly_where_they_do(built: Built, tmp_path: Path) -> None:
    guest = make_guest(Lane.WORKER, built, tmp_path / "console.log", "xsc.workers=force")
    try:
        guest.start()
        assert guest.facts is not None
        assert guest.facts.delays == delays.SLOWED
        # A program that looks for debugfs finds what it would find on Debian.
        assert "/tmp/" not in guest.shell("cat /proc/mounts")
    finally:
        guest.discard()
