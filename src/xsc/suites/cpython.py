# SPDX-License-Identifier: MIT
"""The suite `cpython`: Python's own tests as Debian packages them, by module and by case."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from xml.etree import ElementTree

from xsc.suites.model import Case, Ended, Shell, Suite, Verdict, last_line
from xsc.suites.rows import Outcome

PYTHON = "python3.11"
# Not in the guest: a screen, a network, gigabytes of disk. Not of interest: the processor.
RESOURCES = "all,-gui,-network,-urlfetch,-largefile,-cpu,-audio"
# Seconds with KVM for a module. The tests end their own waits by factors of their own.
LIMIT = 60.0
LONGER = {"test_asyncio": 120.0, "test_subprocess": 120.0, "test_socket": 90.0}
REPORT = "/tmp/suite-report.xml"
MARK = "@xsc-report"
_LIST = f"mkdir -p /tmp/list && cd /tmp/list && exec {PYTHON} -m test --list-tests"
_SCRIPT = f"""\
mkdir -p /tmp/cpython && cd /tmp/cpython || exit 99
{PYTHON} -m test -u {RESOURCES} --junit-xml {REPORT} "$1" </dev/null
code=$?
printf '\\n{MARK}\\n'
cat {REPORT} 2>/dev/null
exit $code
"""
_SKIPPED = re.compile(r"^(test_\w+) skipped(?: -- (.*))?$", re.MULTILINE)
_BAD = {"failure": Outcome.FAIL, "error": Outcome.FAIL, "skipped": Outcome.SKIP}


def tests(shell: Shell) -> list[Case]:
    """Return the modules that the package in the guest has."""
    names = [line.strip() for line in shell(_LIST).splitlines()]
    return [
        Case(name, ("sh", "-c", _SCRIPT, "sh", name), LONGER.get(name, LIMIT))
        for name in names
        if name.startswith("test_")
    ]


def cases(report: str) -> Iterator[Verdict]:
    """Yield the cases of a JUnit report; none if it was not written or cut short.

    A case that is reported twice, as one that fails in its clean-up is, keeps the worse result.
    """
    try:
        tree = ElementTree.fromstring(report)
    except ElementTree.ParseError:
        return
    found: dict[str, Verdict] = {}
    for case in tree.iter("testcase"):
        name = case.get("name", "")
        verdict = Verdict(Outcome.PASS, "", name)
        for child in case:
            if child.tag in _BAD:
                words = (child.text or child.get("message") or "").strip()
                verdict = Verdict(_BAD[child.tag], last_line(words), name)
        if name not in found or found[name].outcome is not Outcome.FAIL:
            found[name] = verdict
    yield from found.values()


def judge(test: Case, ended: Ended) -> Sequence[Verdict]:
    """Return the module's result and that of each of its cases."""
    said, _, report = ended.stdout.partition(f"\n{MARK}\n")
    pieces = list(cases(report))
    failed = [piece.part for piece in pieces if piece.outcome is Outcome.FAIL]
    skipped = _SKIPPED.search(said)
    if ended.code == 0 and skipped is not None:
        whole = Verdict(Outcome.SKIP, (skipped.group(2) or "")[:200])
    elif ended.code == 0:
        whole = Verdict(Outcome.PASS)
    else:
        words = ", ".join(failed[:5]) or last_line(f"{said}\n{ended.stderr}")
        whole = Verdict(Outcome.FAIL, f"exit {ended.code}: {words}"[:300])
    return [whole, *pieces]


SUITE = Suite(
    name="cpython",
    title="Python 3.11's own tests",
    tests=tests,
    judge=judge,
)
