# SPDX-License-Identifier: MIT
"""The path of one call: which functions it passes, by kind."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from xsc.bench.blocklog import Symbols, in_user_space

FORMAT = "xsc-bench-path-1"

# What the gate that rings takes in vxsc.S, with the space to the gate behind it.
GATE_BYTES = 128

_MITIGATION = re.compile(r"_thunk|untrain_ret|^srso_|^retbleed_|^its_|clear_bhb_loop|_ibpb$")
_OWN = re.compile(r"(^|_)xsc_")


class Kind(StrEnum):
    """What a block is there for."""

    USER = "user"
    GATE = "gate"
    ASSEMBLY = "entry and exit assembly"
    XSC = "XSC"
    CALL = "the call itself"
    MITIGATION = "mitigations"
    KERNEL = "rest of the kernel"


@dataclass(frozen=True)
class Block:
    """One block: `offset` bytes behind the beginning of `function`."""

    function: str
    offset: int
    kind: Kind

    @property
    def place(self) -> str:
        """The block as people write it; programs have no names here."""
        return self.function if self.kind is Kind.USER else f"{self.function}+{self.offset:#x}"


@dataclass(frozen=True)
class Row:
    """Consecutive blocks of one function, and the blocks of mitigations that it ran meanwhile."""

    function: str
    kind: Kind
    blocks: int
    mitigations: int


@dataclass(frozen=True)
class Path:
    """The blocks of one call, from its return to the program to the next one.

    `alike` of `seen` calls took it; the others were interrupted or went another way.
    """

    lane: str
    blocks: tuple[Block, ...]
    alike: int
    seen: int

    @property
    def kinds(self) -> dict[Kind, int]:
        """How many blocks there are of each kind."""
        return {kind: sum(block.kind is kind for block in self.blocks) for kind in Kind}

    def entered(self, function: str) -> int:
        """How often a function is entered at its beginning."""
        return sum(block.function == function and not block.offset for block in self.blocks)

    @property
    def rows(self) -> tuple[Row, ...]:
        """The functions in order. A return by way of a thunk belongs to what returns."""
        return tuple(_rows(self.blocks))


def _rows(blocks: Sequence[Block]) -> Iterator[Row]:
    current: Row | None = None
    for block in blocks:
        thunk = block.kind is Kind.MITIGATION
        same = current is not None and (block.function, block.kind) == (
            current.function,
            current.kind,
        )
        if current is not None and (thunk or same):
            current = Row(
                current.function,
                current.kind,
                current.blocks + (not thunk),
                current.mitigations + thunk,
            )
            continue
        if current is not None:
            yield current
        current = Row(block.function, block.kind, int(not thunk), int(thunk))
    if current is not None:
        yield current


def _locate(address: int, symbols: Symbols, gate: int) -> Block:
    if in_user_space(address):
        if gate <= address < gate + GATE_BYTES:
            return Block("gate", address - gate, Kind.GATE)
        return Block("user", address, Kind.USER)
    function, offset = symbols.find(address)
    if _MITIGATION.search(function):
        return Block(function, offset, Kind.MITIGATION)
    if address in symbols.entry_text:
        return Block(function, offset, Kind.ASSEMBLY)
    return Block(function, offset, Kind.XSC if _OWN.search(function) else Kind.KERNEL)


def explain(period: Sequence[int], symbols: Symbols, gate: int, call: str) -> tuple[Block, ...]:
    """Return the blocks of a period; `call` is the kernel's function for the system call.

    The call itself lasts from there until the middle of a function is reached that was not entered
    since: that is where it returns to.
    """
    blocks = []
    inside: set[str] = set()
    for address in period:
        block = _locate(address, symbols, gate)
        if block.kind in (Kind.KERNEL, Kind.XSC):
            entered = block.offset == 0 and (bool(inside) or block.function == call)
            if entered or block.function in inside:
                inside.add(block.function)
                block = Block(block.function, block.offset, Kind.CALL)
            else:
                inside.clear()
        blocks.append(block)
    return tuple(blocks)
