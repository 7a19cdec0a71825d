# SPDX-License-Identifier: MIT
"""QEMU's log of the translation blocks that run (`log exec,nochain`): where they are, what repeats.

A block is a piece of code that is entered at its first instruction and ends with a jump, at the end
of a page, or by an exception. Everything here is a pure function of text and numbers.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

USER_END = 1 << 47

_RAN = re.compile(r"Trace (\d+): (\S+) \[[0-9a-f]+/([0-9a-f]+)/")
# Somebody wanted the processor before the block began; it is announced again when it really runs.
_DID_NOT_RUN = re.compile(r"Stopped execution of TB chain before (\S+) \[")
_SYMBOL = re.compile(r"([0-9a-f]+) [tTwW] (\S+)")


def in_user_space(address: int) -> bool:
    """Say whether an address is one of a program."""
    return address < USER_END


def addresses(lines: Iterable[str], cpu: int) -> list[int]:
    """Return the addresses of the blocks that one processor ran, in order.

    A last line that is torn is left out.
    """
    ran: list[tuple[str, int]] = []
    for line in lines:
        if match := _RAN.match(line):
            if int(match[1]) == cpu:
                ran.append((match[2], int(match[3], 16)))
        elif ran and (match := _DID_NOT_RUN.match(line)) and match[1] == ran[-1][0]:
            ran.pop()
    return [address for _, address in ran]


def periods(trail: Sequence[int]) -> list[tuple[int, ...]]:
    """Cut a trail wherever the kernel returns to the program; what is incomplete is left out."""
    returns = [
        index
        for index in range(1, len(trail))
        if in_user_space(trail[index]) and not in_user_space(trail[index - 1])
    ]
    return [tuple(trail[a:b]) for a, b in zip(returns, returns[1:], strict=False)]


@dataclass(frozen=True)
class Usual:
    """The period that occurs most often, how often, and how many periods there were."""

    period: tuple[int, ...]
    alike: int
    seen: int


def usual(found: Iterable[tuple[int, ...]]) -> Usual | None:
    """Return the period that occurs most often: the one that nothing interrupts. None of none."""
    counts = Counter(found)
    if not counts:
        return None
    period, alike = counts.most_common(1)[0]
    return Usual(period, alike, counts.total())


def _rank(name: str) -> tuple[bool, bool, int, str]:
    """Order the names of one address: marks of sections last, the call table's names first."""
    mark = name.endswith(("_start", "_end"))
    return mark, not name.startswith("__x64_sys_"), len(name) - len(name.lstrip("_")), name


@dataclass(frozen=True)
class Symbols:
    """Functions of a kernel, by address."""

    starts: tuple[int, ...]
    names: tuple[str, ...]
    entry_text: range
    """The section of the assembly code that enters and leaves the kernel."""

    def find(self, address: int) -> tuple[str, int]:
        """Return the function at an address and how far behind its beginning the address is."""
        index = bisect_right(self.starts, address) - 1
        if index < 0:
            return "unknown", address
        return self.names[index], address - self.starts[index]


def symbols(lines: Iterable[str]) -> Symbols:
    """Read /proc/kallsyms or a System.map.

    Of several names of one address that of the call table counts, then one with few underscores.
    """
    known: dict[int, list[str]] = {}
    places: dict[str, int] = {}
    for line in lines:
        if match := _SYMBOL.match(line):
            known.setdefault(int(match[1], 16), []).append(match[2])
            places[match[2]] = int(match[1], 16)
    starts = tuple(sorted(known))
    names = tuple(min(known[start], key=_rank) for start in starts)
    entry = range(places.get("__entry_text_start", 0), places.get("__entry_text_end", 0))
    return Symbols(starts, names, entry)
