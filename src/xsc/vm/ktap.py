# SPDX-License-Identifier: MIT
"""Results of the kernel's selftests: their output read, and two runs compared. Pure functions."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

_LINE = re.compile(r"^(ok|not ok) +(\d+)\b *(?:- *)?(.*)$")
_DIRECTIVE = re.compile(r" *# *(SKIP|XFAIL|TODO)\b.*$", re.IGNORECASE)
_VARYING = re.compile(r"0x[0-9a-f]+|\b\d{3,}\b")
EXITS = {0: "pass", 4: "skip"}


@dataclass(frozen=True)
class Outcome:
    """How one selftest ended: its own word for the whole, and that of each of its parts."""

    whole: str
    parts: Mapping[str, str]


@dataclass(frozen=True)
class Difference:
    """One thing that ended differently. `part` is empty for a test as a whole."""

    test: str
    part: str
    stock: str
    xsc: str


@dataclass(frozen=True)
class Excuse:
    """A reviewed difference: the reason, and the source line of the trap behind it."""

    test: str
    part: str
    reason: str
    line: str


def parts(output: str) -> dict[str, str]:
    """Return the result of every numbered part: ok, not ok, skip.

    Numbers that vary between two runs (addresses, pids, times) are replaced; a part that is
    reported twice keeps the worse result.
    """
    found: dict[str, str] = {}
    for text in output.splitlines():
        match = _LINE.match(text.strip())
        if match is None:
            continue
        result, number, rest = match.groups()
        directive = _DIRECTIVE.search(rest)
        if directive is not None:
            result, rest = directive.group(1).lower(), rest[: directive.start()]
        name = f"{number} {_VARYING.sub('N', rest.split(' # ')[0]).strip()}".strip()
        if found.get(name) != "not ok":
            found[name] = result
    return found


def outcome(exit_code: int | None, output: str) -> Outcome:
    """Return what a run says; `exit_code` is None for one that took too long."""
    whole = "timeout" if exit_code is None else EXITS.get(exit_code, f"fail ({exit_code})")
    return Outcome(whole, parts(output))


def differences(stock: Mapping[str, Outcome], xsc: Mapping[str, Outcome]) -> list[Difference]:
    """Return everything that is not the same in two runs, tests missing from one included."""
    found = []
    missing = Outcome("absent", {})
    for test in sorted({*stock, *xsc}):
        a, b = stock.get(test, missing), xsc.get(test, missing)
        if a.whole != b.whole:
            found.append(Difference(test, "", a.whole, b.whole))
        for part in sorted({*a.parts, *b.parts}):
            x, y = a.parts.get(part, "absent"), b.parts.get(part, "absent")
            if x != y:
                found.append(Difference(test, part, x, y))
    return found


def unexcused(found: Iterable[Difference], excuses: Iterable[Excuse]) -> list[Difference]:
    """Return what nobody has reviewed. An excuse without a part covers its whole test."""
    allowed = {(excuse.test, excuse.part) for excuse in excuses}
    return [
        difference
        for difference in found
        if (difference.test, difference.part) not in allowed
        and (difference.test, "") not in allowed
    ]
