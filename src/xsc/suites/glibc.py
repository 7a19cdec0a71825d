# SPDX-License-Identifier: MIT
"""The suite `glibc`: tests of the C library, with whatever C library the guest has."""

from __future__ import annotations

import json
from collections.abc import Sequence

from xsc.build.glibc_tests import HOME, LIST
from xsc.suites.model import Case, Ended, Shell, Suite, Verdict, last_line
from xsc.suites.rows import Outcome

# Each program ends itself after 20 s times this factor, or a time of its own times this.
FACTOR = 3
# Seconds with KVM: what an emulated machine makes of it is above the program's own limit.
LIMIT = 8.0
LONGER: dict[str, float] = {}
_EXITS = {0: Outcome.PASS, 77: Outcome.SKIP}
_WITH_INPUT = 'input=$1; shift; exec "$@" < "$input"'


def _case(entry: dict[str, object]) -> Case:
    name, cwd, given = (str(entry[key]) for key in ("name", "cwd", "input"))
    argv, extra = entry["argv"], entry["env"]
    if not isinstance(argv, list) or not isinstance(extra, dict):
        raise TypeError(f"{LIST} is damaged: {entry!r}")
    subdir = name.split("/")[0]
    env = {
        "LC_ALL": "C",
        "TIMEOUTFACTOR": str(FACTOR),
        "LD_LIBRARY_PATH": f"{HOME}/{subdir}",
        **extra,
    }
    words = ["sh", "-c", _WITH_INPUT, "sh", given or "/dev/null", *argv]
    return Case(name, tuple(words), LONGER.get(name, LIMIT), env=env, cwd=cwd)


def tests(shell: Shell) -> list[Case]:
    """Return the tests that the step `glibc-tests` has listed."""
    return [_case(entry) for entry in json.loads(shell(f"cat {HOME}/{LIST}"))]


def judge(test: Case, ended: Ended) -> Sequence[Verdict]:
    """Return what the test says by its exit code."""
    del test
    outcome = _EXITS.get(ended.code, Outcome.FAIL)
    if outcome is Outcome.PASS:
        return [Verdict(outcome)]
    return [Verdict(outcome, f"exit {ended.code}: {last_line(ended.text)}"[:300])]


SUITE = Suite(
    name="glibc",
    title="the C library's own tests, of some directories",
    tests=tests,
    judge=judge,
    steps=("glibc-tests",),
)
