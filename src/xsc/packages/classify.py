# SPDX-License-Identifier: MIT
"""Why a build failed, from its log: what to do next depends on it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from urllib.parse import unquote


class Cause(StrEnum):
    """Whose fault a failure is."""

    SOURCE = "source"
    """The archive does not have what its own index names."""
    DEP_WAIT = "dep-wait"
    """Something it needs cannot be installed."""
    TOOLCHAIN = "toolchain"
    """The compiler, assembler or linker refused the source."""
    TRAP = "trap"
    """A trap instruction was refused, or found in the result."""
    TEST = "test"
    """It was built, and its own tests fail."""
    PACKAGE = "package"
    """Anything else that its own build says."""
    INFRASTRUCTURE = "infrastructure"
    """The machine: no space, no memory, no network, killed, out of time."""


@dataclass(frozen=True)
class Failure:
    """Whose fault, and the line of the log that says so."""

    cause: Cause
    reason: str


ENDED = "xsc: ended with "
"""Begins the last line of a build that came to an end by itself; its exit code follows."""
_PHASE = re.compile(r"^xsc: phase (\w+)$", re.MULTILINE)
_CODE = re.compile(rf"^{ENDED}(-?\d+)$", re.MULTILINE)
_TIMEOUT = 124
_TRAP = re.compile(r"^.*\[xsc-trap\].*$", re.MULTILINE)
_MACHINE = re.compile(
    r"^.*(?:No space left on device|Cannot allocate memory|virtual memory exhausted"
    r"|internal compiler error: Killed|fatal error: Killed signal|Input/output error"
    r"|Read-only file system|Temporary failure resolving).*$",
    re.MULTILINE,
)
_NOT_FOUND = re.compile(r"^E: Failed to fetch (\S+)\s+404\b", re.MULTILINE)
_DEPENDENCY = re.compile(
    r"^.*(?:Unmet build dependencies|unmet dependencies|is not going to be installed"
    r"|is not installable|but it is not installed|Unable to correct problems).*$",
    re.MULTILINE,
)
_TEST = re.compile(
    r"^.*(?:dh_auto_test: error|make(?:\[\d+\])?: \*\*\* \[[^\]]*"
    r"(?:override_dh_auto_test\S*|\bcheck(?:-\w+)?|check-TESTS|\btests?)\] Error).*$",
    re.MULTILINE,
)
_COMPILER = re.compile(
    r"^.*(?:internal compiler error|:\d+: (?:fatal )?error: |undefined reference to|lacks the note"
    r"|\b(?:gcc|g\+\+|cc1\w*|as|ld|collect2): (?:fatal )?error: |Assembler messages"
    r"|C compiler cannot create executables|cannot find -l"
    # The compiler starts the linker itself (ADR 0031), so that nobody adds that it failed.
    r"|multiple definition of"
    r"|\bld(?:\.\w+)?: .*(?:final link failed|not recognized|cannot open|recompile with -f)).*$",
    re.MULTILINE,
)
_WORDS = 300


def classify(log: str) -> Failure:
    """Return whose fault the failure is that a build with this log ended in."""
    phases = _PHASE.findall(log)
    phase = phases[-1] if phases else "start"
    code = [int(number) for number in _CODE.findall(log)]
    if found := _first(_MACHINE, log):
        return Failure(Cause.INFRASTRUCTURE, found)
    if not code:
        return Failure(Cause.INFRASTRUCTURE, "ended from outside, in the phase " + phase)
    if code[-1] == _TIMEOUT:
        return Failure(Cause.INFRASTRUCTURE, "took longer than a package may")
    if code[-1] < 0 or code[-1] == 137:
        return Failure(Cause.INFRASTRUCTURE, f"killed in the phase {phase}")
    if found := _first(_DEPENDENCY, log):
        return Failure(Cause.DEP_WAIT, found)
    if phase != "build":
        return Failure(Cause.INFRASTRUCTURE, f"the phase {phase} failed: {_last_words(log)}")
    for pattern, cause in ((_TRAP, Cause.TRAP), (_TEST, Cause.TEST), (_COMPILER, Cause.TOOLCHAIN)):
        if found := _first(pattern, log[log.rindex("xsc: phase build") :]):
            return Failure(cause, found)
    return Failure(Cause.PACKAGE, _last_words(log))


def classify_fetch(log: str) -> Failure | None:
    """Return the failure if apt asked for a file that the archive does not have, by a step's log.

    None if the log names no such file: then the network, or something else, is at fault.
    """
    found = _NOT_FOUND.search(log)
    if found is None:
        return None
    file = unquote(found[1].rpartition("/")[2])
    cause = Cause.DEP_WAIT if file.endswith(".deb") else Cause.SOURCE
    return Failure(cause, f"the archive has no {file}, which its index names")


def _first(pattern: re.Pattern[str], text: str) -> str | None:
    found = pattern.search(text)
    return found[0].strip()[:_WORDS] if found else None


def _last_words(log: str) -> str:
    lines = [line.strip() for line in log.splitlines() if line.strip()]
    lines = [line for line in lines if not line.startswith("xsc: ")]
    return lines[-1][:_WORDS] if lines else "no output"
