# SPDX-License-Identifier: MIT
"""The suite `kselftests`: the kernel's own selftests, whole programs and their numbered parts."""

from __future__ import annotations

from collections.abc import Sequence

from xsc.build.kselftests import PROGRAMS
from xsc.suites.model import Case, Ended, Shell, Suite, Verdict, last_line
from xsc.suites.rows import Outcome
from xsc.vm.ktap import parts

# Seconds with KVM; seccomp_bpf is a hundred tests.
LIMIT = 8.0
LONGER = {
    "seccomp:seccomp_bpf": 30.0,
    "timers:posix_timers": 12.0,
    "x86:syscall_numbering_64": 30.0,
}
_EXITS = {0: Outcome.PASS, 4: Outcome.SKIP}
_PARTS = {"ok": Outcome.PASS, "not ok": Outcome.FAIL}
# pidfd_test forks until it gets a certain pid again; with few pids that is soon.
_SET_UP = "echo 3000 > /proc/sys/kernel/pid_max"


def tests(shell: Shell) -> list[Case]:
    """Return every program of every selftest directory, with its arguments."""
    del shell
    found = []
    for folder, commands in sorted(PROGRAMS.items()):
        for command in commands:
            name = f"{folder}:{command}"
            argv = ("sh", "-c", f"exec ./{command}")
            limit = LONGER.get(name, LIMIT)
            found.append(Case(name, argv, limit, cwd=f"/opt/kselftests/{folder}"))
    return found


def judge(test: Case, ended: Ended) -> Sequence[Verdict]:
    """Return the program's own word, then that of each of its TAP lines."""
    del test
    whole = _EXITS.get(ended.code, Outcome.FAIL)
    detail = "" if whole is Outcome.PASS else f"exit {ended.code}: {last_line(ended.text)}"
    # A part that is neither ok nor not ok has a directive: skipped, or expected to fail.
    pieces = [
        Verdict(_PARTS.get(word, Outcome.SKIP), "" if word == "ok" else word, name)
        for name, word in parts(ended.text).items()
    ]
    return [Verdict(whole, detail), *pieces]


SUITE = Suite(
    name="kselftests",
    title="the kernel's selftests of 6.1",
    tests=tests,
    judge=judge,
    steps=("kselftests",),
    set_up=_SET_UP,
)
