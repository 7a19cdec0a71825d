# SPDX-License-Identifier: MIT
"""The suite `strace`: strace's own tests, that is, what ptrace shows of each call."""

from __future__ import annotations

from collections.abc import Sequence

from xsc.build.strace_tests import LIST
from xsc.suites.model import Case, Ended, Shell, Suite, Verdict, last_line
from xsc.suites.rows import Outcome

HOME = "/opt/strace-tests"
LIMIT = 20.0
# As its Makefile sets them for a compiler of this architecture.
_ENVIRONMENT = {
    "STRACE_ARCH": "x86_64",
    "STRACE_NATIVE_ARCH": "x86_64",
    "SIZEOF_KERNEL_LONG_T": "8",
    "SIZEOF_LONG": "8",
    "srcdir": ".",
}
_EXITS = {0: Outcome.PASS, 77: Outcome.SKIP}


def tests(shell: Shell) -> list[Case]:
    """Return the tests that strace's Makefile names."""
    names = shell(f"cat {HOME}/{LIST}").split()
    return [
        Case(
            name.removesuffix(".test").removesuffix(".gen"),
            ("sh", f"./{name}"),
            LIMIT,
            env=_ENVIRONMENT,
            cwd=f"{HOME}/tests",
        )
        for name in names
    ]


def judge(test: Case, ended: Ended) -> Sequence[Verdict]:
    """Return what the test says by its exit code; 99 is for a set-up that failed."""
    del test
    outcome = _EXITS.get(ended.code, Outcome.FAIL)
    if outcome is Outcome.PASS:
        return [Verdict(outcome)]
    return [Verdict(outcome, f"exit {ended.code}: {last_line(ended.stderr or ended.stdout)}")]


SUITE = Suite(
    name="strace",
    title="strace's own tests",
    tests=tests,
    judge=judge,
    steps=("strace-tests",),
)
