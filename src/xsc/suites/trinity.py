# SPDX-License-Identifier: MIT
"""The suite `trinity`: random calls by an ordinary user; the verdict is the kernel's health."""

from __future__ import annotations

import re
from collections.abc import Sequence

from xsc.suites.model import Case, Ended, Shell, Suite, Verdict, last_line
from xsc.suites.rows import Outcome

GROUPS = ("vfs", "vm")
SEEDS = (1, 2, 3, 4, 5, 6, 7, 8)
CALLS = 10000
CHILDREN = 2
NOBODY = "65534"
LIMIT = 30.0
# Before its first call it opens sockets and sets options of random families. Debian's 2023.01 has a
# table of 45 families, takes a number below 46, and dies of what lies behind the table.
_REMEDY = "--disable-fds=sockets"
_RAN = re.compile(r"Ran (\d+) syscalls")
_SCRIPT = f"""\
mkdir -m 0777 /tmp/trinity && cd /tmp/trinity || exit 99
exec setpriv --reuid={NOBODY} --regid={NOBODY} --clear-groups \\
	trinity -a 64 -q -q -l off {_REMEDY} -C {CHILDREN} -N {CALLS} "$@"
"""


def tests(shell: Shell) -> list[Case]:
    """Return one test per group of calls and one per seed over all calls."""
    del shell
    runs: list[tuple[str, tuple[str, ...]]] = [
        (f"group {group}", ("-s", "1", "-g", group)) for group in GROUPS
    ]
    runs += [(f"seed {seed}", ("-s", str(seed))) for seed in SEEDS]
    return [Case(name, ("sh", "-c", _SCRIPT, "sh", *words), LIMIT) for name, words in runs]


def judge(test: Case, ended: Ended) -> Sequence[Verdict]:
    """A run passes when it made its calls; what the kernel complained of is the runner's matter."""
    del test
    ran = _RAN.search(ended.text)
    if ended.code == 0 and ran is not None and int(ran[1]) >= CALLS:
        return [Verdict(Outcome.PASS)]
    return [Verdict(Outcome.FAIL, f"exit {ended.code}: {last_line(ended.text)}")]


SUITE = Suite(
    name="trinity",
    title="trinity, a bounded number of random calls",
    tests=tests,
    judge=judge,
)
