# SPDX-License-Identifier: MIT
"""The suite `stress-ng`: each stressor of some classes by itself, with its results verified."""

from __future__ import annotations

import re
from collections.abc import Sequence

from xsc.suites.model import Case, Ended, Shell, Suite, Verdict, last_line
from xsc.suites.rows import Outcome

CLASSES = ("os", "io", "filesystem", "interrupt", "scheduler", "network", "pipe", "vm")
SECONDS = 1
INSTANCES = 2
# Seconds with KVM: some stressors set up and clean up for much longer than they run.
LIMIT = 12.0
_LIST = "for class in " + " ".join(CLASSES) + "; do stress-ng --class $class?; done"
_HEADING = re.compile(r"^class '[a-z-]+' stressors:(.*)$", re.MULTILINE)
_SKIPPED = re.compile(r"stress-ng: \w+: +\[\d+\] (.*(?:stressor will be|skipping stressor).*)")
_FAILED = re.compile(r"stress-ng: (?:fail|error): +\[\d+\] (.*)")
# stress-ng's exit codes: no resources, not built in, numbers that are no good as a benchmark.
_EXITS = {0: Outcome.PASS, 3: Outcome.SKIP, 4: Outcome.SKIP, 7: Outcome.PASS}


def parse_list(text: str) -> list[str]:
    """Return the stressors that `--class NAME?` lists, each once."""
    names = {name for line in _HEADING.findall(text) for name in line.split()}
    return sorted(names)


def tests(shell: Shell) -> list[Case]:
    """Return the stressors that the package in the guest has in CLASSES.

    --pathological is for those that stress-ng does not start otherwise, to spare a user's system.
    """
    options = ("--timeout", str(SECONDS), "--verify", "--oomable", "--pathological")
    where = ("--temp-path", "/tmp")
    return [
        Case(name, ("stress-ng", f"--{name}", str(INSTANCES), *options, *where), LIMIT, cwd="/tmp")
        for name in parse_list(shell(_LIST))
    ]


def judge(test: Case, ended: Ended) -> Sequence[Verdict]:
    """Return what stress-ng says of its one stressor."""
    del test
    outcome = _EXITS.get(ended.code, Outcome.FAIL)
    skipped = _SKIPPED.search(ended.text)
    if outcome is Outcome.PASS and skipped is None:
        return [Verdict(outcome)]
    if outcome is Outcome.PASS:
        outcome = Outcome.SKIP
    said = skipped or _FAILED.search(ended.text)
    words = said.group(1) if said else last_line(ended.text)
    return [Verdict(outcome, f"exit {ended.code}: {words}"[:300])]


SUITE = Suite(
    name="stress-ng",
    title="stress-ng, one stressor at a time, verifying",
    tests=tests,
    judge=judge,
)
