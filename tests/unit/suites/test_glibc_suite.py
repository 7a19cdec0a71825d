# SPDX-License-Identifier: MIT
"""How tests of the C library are found in a build of it, and started in the guest."""

from __future__ import annotations

import json

import pytest

from xsc.build.glibc_tests import HOME, SUBDIRS, recorded
from xsc.suites import glibc
from xsc.suites.model import Case, Ended
from xsc.suites.rows import Outcome

PLACES = {"/w/objects": HOME, "/w/glibc": f"{HOME}/src"}
PLAIN = "GCONV_PATH=/w/objects/iconvdata\nLOCPATH=/w/objects/localedata\n"
ENTRY = {
    "name": "nptl/tst-a",
    "cwd": f"{HOME}/src/nptl",
    "argv": [f"{HOME}/nptl/tst-a", "x y"],
    "env": {"LD_PRELOAD": f"{HOME}/nptl/tst-mod.so"},
    "input": "",
}


def test_a_recorded_start_is_moved_to_the_guest() -> None:
    words = (
        PLAIN + "LD_PRELOAD=/w/objects/nptl/m.so\n/w/objects/nptl/tst-a\n--x=1\n/w/glibc/nptl/d\n"
    )
    assert recorded(words, PLACES) == {
        "argv": [f"{HOME}/nptl/tst-a", "--x=1", f"{HOME}/src/nptl/d"],
        "env": {"LD_PRELOAD": f"{HOME}/nptl/m.so"},
    }


@pytest.mark.parametrize(
    "words",
    [
        "",
        PLAIN,
        f"{PLAIN}/bin/sh\nglobtest.sh\n",
    ],
)
def test_what_starts_no_program_of_the_tests_is_left_out(words: str) -> None:
    assert recorded(words, PLACES) is None


def test_tests_are_started_in_their_directory_with_their_environment() -> None:
    (test,) = glibc.tests(lambda script: json.dumps([ENTRY]))
    assert (test.name, test.cwd) == ("nptl/tst-a", f"{HOME}/src/nptl")
    assert test.argv[4:] == ("/dev/null", f"{HOME}/nptl/tst-a", "x y")
    assert test.env["LD_PRELOAD"] == f"{HOME}/nptl/tst-mod.so"
    assert test.env["LD_LIBRARY_PATH"] == f"{HOME}/nptl"
    assert int(test.env["TIMEOUTFACTOR"]) == glibc.FACTOR


def test_a_test_reads_the_input_it_comes_with() -> None:
    (test,) = glibc.tests(lambda script: json.dumps([{**ENTRY, "input": f"{HOME}/src/nptl/i"}]))
    assert test.argv[4] == f"{HOME}/src/nptl/i"


def test_only_tests_that_exist_have_a_limit_of_their_own() -> None:
    assert {name.split("/")[0] for name in glibc.LONGER} <= set(SUBDIRS)


def test_exit_codes() -> None:
    test = Case("t", ("true",), 1.0)
    found = [glibc.judge(test, Ended(code, "x\n", ""))[0] for code in (0, 77, 1, 139)]
    assert [verdict.outcome for verdict in found] == [
        Outcome.PASS,
        Outcome.SKIP,
        Outcome.FAIL,
        Outcome.FAIL,
    ]
    assert found[2].detail == "exit 1: x"
