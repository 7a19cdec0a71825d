# SPDX-License-Identifier: MIT
"""The list of trap instructions that may exist, and the comparison of a scan with it."""

from __future__ import annotations

import fnmatch
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from xsc.elf.traps import Trap
from xsc.errors import StepFailed


@dataclass(frozen=True)
class Allowance:
    """So many instructions of one kind in one section of one file, and why."""

    file: str
    """Shell pattern for the name of the file, or of `archive(member)`."""
    section: str
    opcode: str
    count: int
    reason: str

    def covers(self, trap: Trap) -> bool:
        """Tell whether `trap` is one of the instructions meant."""
        same = (self.section, self.opcode) == (trap.section, trap.opcode)
        return same and fnmatch.fnmatchcase(trap.file, self.file)


def parse_allowances(text: str) -> tuple[Allowance, ...]:
    """Read lines `file section opcode count reason...`; the opcode's blanks are written `_`.

    Raises StepFailed for a line of another form: an exception without a reason is none.
    """
    found = []
    for number, line in enumerate(text.splitlines(), start=1):
        fields = line.split(maxsplit=4)
        if not fields or fields[0].startswith("#"):
            continue
        if len(fields) != 5 or not fields[3].isdigit():
            raise StepFailed(
                f"trapfree.data, line {number}: not `file section opcode count reason`: {line}"
            )
        file, section, opcode, count, reason = fields
        found.append(Allowance(file, section, opcode.replace("_", " "), int(count), reason))
    return tuple(found)


def violations(
    traps: Iterable[Trap], files: Iterable[str], allowances: Sequence[Allowance]
) -> tuple[str, ...]:
    """Return one sentence for each instruction that is not allowed and each wrong count.

    `files` are the names of all that was scanned: an allowance whose file is among them must be
    met exactly, so that the list cannot outlive what it describes.
    """
    found = []
    counts: Counter[tuple[Allowance, str]] = Counter()
    for trap in traps:
        allowance = next((a for a in allowances if a.covers(trap)), None)
        if allowance is None:
            found.append(str(trap))
        else:
            counts[allowance, trap.file] += 1
    for allowance in allowances:
        names = {name for name in files if fnmatch.fnmatchcase(name, allowance.file)}
        names |= {file for known, file in counts if known == allowance}
        for name in sorted(names):
            actual = counts[allowance, name]
            if actual != allowance.count:
                found.append(
                    f"{name}: {actual} times {allowance.opcode} in {allowance.section},"
                    f" {allowance.count} expected"
                )
    return tuple(found)
