# SPDX-License-Identifier: MIT
"""The class table of system calls: reading it and refusing what is wrong in it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from xsc.errors import StepFailed
from xsc.paths import ROOT

TABLE = "abi/syscalls.tbl"
# x86-64 in Linux 6.1. The gap keeps newer numbers equal on all architectures.
NUMBERS = (*range(335), *range(424, 451))
NO_CHECK = "-"

_NAME = re.compile(r"[a-z_][a-z0-9_]*")
_CLASSES = {"worker": True, "caller": False}
_YES_NO = {"y": True, "n": False}


@dataclass(frozen=True)
class Check:
    """A condition that a worker tries on its own copy of a request before it runs it."""

    name: str
    text: str


@dataclass(frozen=True)
class Call:
    """One system call."""

    nr: int
    name: str
    worker: bool
    """A worker may run it, if its check holds. Otherwise the calling task does."""
    check: str
    """Name of the check, or `-`."""
    identity: bool
    """It changes what a worker was given when it was made, so the worker is retired first."""
    reason: str


@dataclass(frozen=True)
class Table:
    """The whole table: calls by ascending number, checks in the order of their declaration."""

    checks: tuple[Check, ...]
    calls: tuple[Call, ...]

    def workers(self) -> tuple[Call, ...]:
        """Return the calls that a worker may run."""
        return tuple(call for call in self.calls if call.worker)


class _Parser:
    """Collects rows; an error names the line it stands in."""

    def __init__(self, source: str) -> None:
        self.source = source
        self.line = 0
        self.checks: dict[str, Check] = {}
        self.calls: list[Call] = []

    def fail(self, message: str) -> StepFailed:
        return StepFailed(
            f"{self.source}:{self.line}: {message}",
            hint="the comment at the top of the table says what a row looks like",
        )

    def choice(self, column: str, word: str, known: dict[str, bool]) -> bool:
        if word not in known:
            raise self.fail(f"{column} is {word}, not {' or '.join(known)}")
        return known[word]

    def sentence(self, text: str) -> str:
        if not text.endswith(".") or "|" in text:
            raise self.fail(f"not a sentence for a table cell: {text}")
        return text

    def add_check(self, line: str) -> None:
        fields = line.split(maxsplit=2)
        if len(fields) != 3 or not _NAME.fullmatch(fields[1]):
            raise self.fail(f"not `check name text`: {line}")
        if fields[1] in self.checks:
            raise self.fail(f"check {fields[1]} is declared twice")
        self.checks[fields[1]] = Check(fields[1], self.sentence(fields[2]))

    def add_call(self, line: str) -> None:
        fields = line.split(maxsplit=5)
        if len(fields) != 6 or not re.fullmatch(r"[0-9]+", fields[0]):
            raise self.fail(f"not `nr name class check id reason`: {line}")
        number, name, kind, check, identity, reason = fields
        call = Call(
            nr=int(number),
            name=name,
            worker=self.choice("class", kind, _CLASSES),
            check=check,
            identity=self.choice("id", identity, _YES_NO),
            reason=self.sentence(reason),
        )
        self.examine(call)
        self.calls.append(call)

    def examine(self, call: Call) -> None:
        """Refuse a call that contradicts itself or the rows before it."""
        if not _NAME.fullmatch(call.name):
            raise self.fail(f"not a name: {call.name}")
        if call.nr not in NUMBERS:
            raise self.fail(f"Linux 6.1 has no call {call.nr}")
        if self.calls and call.nr <= self.calls[-1].nr:
            raise self.fail(f"{call.nr} does not come after {self.calls[-1].nr}")
        if call.name in {known.name for known in self.calls}:
            raise self.fail(f"{call.name} has two numbers")
        if call.check != NO_CHECK and call.check not in self.checks:
            raise self.fail(f"check {call.check} is not declared")
        if call.check != NO_CHECK and not call.worker:
            raise self.fail(f"{call.name} never reaches a worker, so nothing is checked")
        if call.identity and call.worker:
            raise self.fail(f"{call.name} cannot be run by the worker that it retires")

    def finish(self) -> Table:
        if missing := sorted(set(NUMBERS) - {call.nr for call in self.calls}):
            raise self.fail(f"the table ends without {', '.join(map(str, missing))}")
        if unused := sorted(self.checks.keys() - {call.check for call in self.calls}):
            raise self.fail(f"the table ends without a call for check {', '.join(unused)}")
        return Table(tuple(self.checks.values()), tuple(self.calls))


def parse_table(text: str, source: str = TABLE) -> Table:
    """Read the table. Raises StepFailed with `source:line` for the first thing that is wrong."""
    parser = _Parser(source)
    for parser.line, raw in enumerate(text.splitlines(), start=1):
        line = raw.strip()
        if not line or line.startswith("#"):
            continue
        if line.split()[0] == "check":
            parser.add_check(line)
        else:
            parser.add_call(line)
    return parser.finish()


def load_table(root: Path = ROOT) -> Table:
    """Return the table of a checkout."""
    return parse_table((root / TABLE).read_text())
