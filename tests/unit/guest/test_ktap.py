# SPDX-License-Identifier: MIT
"""Reading and comparing selftest results, on samples of each style the kernel's tests use."""

from __future__ import annotations

import tomllib
from pathlib import Path

from xsc.build.kselftests import PROGRAMS
from xsc.vm.ktap import Difference, Excuse, Outcome, differences, outcome, parts, unexcused

DATA = Path(__file__).resolve().parents[2] / "data"

HARNESS = """\
TAP version 13
1..3
# Starting 3 tests from 1 test cases.
#  RUN           global.kcmp ...
# seccomp_bpf.c:300:kcmp:Expected 0 (0) == ret (22)
ok 1 global.kcmp
not ok 2 global.mode_strict
ok 3 # SKIP Kernel does not support it
# Totals: pass:1 fail:1
"""
PLAIN = """\
TAP version 13
ok 1 - clone3() with flag 0x11 got 4711
ok 2 clone3() # SKIP needs root
[OK]\tsomething else
"""


def test_parts_of_the_harness() -> None:
    assert parts(HARNESS) == {"1 global.kcmp": "ok", "2 global.mode_strict": "not ok", "3": "skip"}


def test_varying_numbers_do_not_make_names_differ() -> None:
    assert parts(PLAIN) == {"1 clone3() with flag N got N": "ok", "2 clone3()": "skip"}
    assert parts(PLAIN) == parts(PLAIN.replace("4711", "81234").replace("0x11", "0x7f"))


def test_output_without_parts() -> None:
    assert parts("") == {}
    assert parts("all tests passed\nok\nnot ok\n") == {}


def test_a_failure_is_not_hidden_by_a_later_success() -> None:
    assert parts("not ok 1 a\nok 1 a\n") == {"1 a": "not ok"}


def test_wholes() -> None:
    assert [outcome(code, "").whole for code in (0, 4, 1, 139, None)] == [
        "pass",
        "skip",
        "fail (1)",
        "fail (139)",
        "timeout",
    ]


def test_equal_runs_do_not_differ() -> None:
    run = {"a:b": outcome(1, HARNESS)}
    assert differences(run, run) == []


def test_differences_name_test_and_part() -> None:
    stock = {"a:b": outcome(0, "ok 1 x\nok 2 y\n"), "a:c": Outcome("pass", {})}
    xsc = {"a:b": outcome(1, "ok 1 x\nnot ok 2 y\n")}
    found = differences(stock, xsc)
    assert found == [
        Difference("a:b", "", "pass", "fail (1)"),
        Difference("a:b", "2 y", "ok", "not ok"),
        Difference("a:c", "", "pass", "absent"),
    ]
    excuse = Excuse("a:b", "2 y", "raw trap", "x.c:1")
    assert unexcused(found, [excuse]) == [found[0], found[2]]
    assert unexcused(found, [excuse, Excuse("a:b", "", "raw trap", "x.c:1")]) == [found[2]]


def test_the_reviewed_list_gives_reasons_and_lines() -> None:
    listed = tomllib.loads((DATA / "kselftest-exceptions.toml").read_text())
    for entry in listed.get("excluded", []):
        assert entry.keys() == {"test", "reason"}
        suite, _, name = entry["test"].partition(":")
        assert suite in PROGRAMS
        assert name not in PROGRAMS[suite]
    for entry in listed.get("difference", []):
        assert entry.keys() == {"test", "part", "reason", "line"}
        assert entry["test"].partition(":")[0] in PROGRAMS
        assert ".c:" in entry["line"]
