# SPDX-License-Identifier: MIT
"""Finds instructions that trap into the kernel: syscall, sysenter, int 0x80.

Code is disassembled linearly from each function symbol on, so that an error in one function
(data between the instructions, say) does not spread to the next, and after bytes that are no
instruction the sweep goes on one byte later. The same two bytes inside an immediate or an
address are not a find: they are counted apart, because only a jump into the middle of an
instruction could execute them.
"""

from __future__ import annotations

import bisect
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import capstone
from elftools.common.exceptions import ELFError
from elftools.elf.constants import SH_FLAGS
from elftools.elf.elffile import ELFFile
from elftools.elf.sections import Section, SymbolTableSection

OPCODES = {b"\x0f\x05": "syscall", b"\x0f\x34": "sysenter", b"\xcd\x80": "int 0x80"}

_AR_MAGIC = b"!<arch>\n"
_AR_HEADER = 60


@dataclass(frozen=True)
class Trap:
    """A trap instruction: where it is, and after which symbol."""

    file: str
    section: str
    address: int
    opcode: str
    symbol: str
    offset: int

    def __str__(self) -> str:
        where = f"{self.symbol}+{self.offset:#x}" if self.symbol else f"{self.address:#x}"
        return f"{self.file}: {self.opcode} in {self.section} at {where}"


@dataclass(frozen=True)
class Scan:
    """What a scan found, and how often the opcodes' bytes occur without being an instruction."""

    traps: tuple[Trap, ...] = ()
    embedded: int = 0

    def __add__(self, other: Scan) -> Scan:
        return Scan(self.traps + other.traps, self.embedded + other.embedded)


@dataclass(frozen=True, order=True)
class _Label:
    address: int
    name: str


def scan(image: bytes, name: str) -> Scan:
    """Scan an ELF image or an archive of them; `name` is what the finds call the file.

    Anything else than x86-64 code (text, data, other machines) holds no trap.
    """
    if image.startswith(_AR_MAGIC):
        total = Scan()
        for member, data in members(image):
            total += scan(data, f"{name}({member})")
        return total
    if not image.startswith(b"\x7fELF") or not any(op in image for op in OPCODES):
        return Scan()
    try:
        elf = ELFFile(io.BytesIO(image))
        if elf["e_machine"] != "EM_X86_64":
            return Scan()
        return _scan_elf(elf, name)
    except ELFError:
        return Scan()


def members(archive: bytes) -> Iterator[tuple[str, bytes]]:
    """Yield name and content of each member of a GNU ar archive, without its symbol tables."""
    offset = len(_AR_MAGIC)
    names = b""
    while offset + _AR_HEADER <= len(archive):
        header = archive[offset : offset + _AR_HEADER]
        size = int(header[48:58])
        data = archive[offset + _AR_HEADER : offset + _AR_HEADER + size]
        raw = header[:16].decode("latin-1").rstrip()
        if raw == "//":
            names = data
        elif raw not in ("/", "/SYM64/"):
            yield _member_name(raw, names), data
        offset += _AR_HEADER + size + size % 2


def _member_name(raw: str, names: bytes) -> str:
    if raw.startswith("/") and raw[1:].isdigit():
        start = int(raw[1:])
        return names[start : names.index(b"/\n", start)].decode("latin-1")
    return raw.removesuffix("/")


def _scan_elf(elf: ELFFile, name: str) -> Scan:
    labels = _labels(elf)
    total = Scan()
    for index, section in enumerate(elf.iter_sections()):
        executable = section["sh_flags"] & SH_FLAGS.SHF_EXECINSTR
        if not executable or section["sh_type"] != "SHT_PROGBITS":
            continue
        # Symbol values of an object file are relative to their section.
        base = 0 if elf["e_type"] == "ET_REL" else section["sh_addr"]
        total += _scan_section(section, name, base, labels.get(index, ()))
    return total


def _labels(elf: ELFFile) -> dict[int, list[_Label]]:
    found: dict[int, set[_Label]] = {}
    for table in elf.iter_sections():
        if not isinstance(table, SymbolTableSection):
            continue
        for symbol in table.iter_symbols():
            index = symbol["st_shndx"]
            kind = symbol["st_info"]["type"]
            if isinstance(index, int) and kind in ("STT_FUNC", "STT_GNU_IFUNC", "STT_LOOS"):
                found.setdefault(index, set()).add(_Label(symbol["st_value"], symbol.name))
    return {index: sorted(labels) for index, labels in found.items()}


def _scan_section(section: Section, file: str, base: int, labels: Sequence[_Label]) -> Scan:
    data = section.data()
    starts = sorted({0, len(data), *(x.address - base for x in labels)})
    starts = [start for start in starts if 0 <= start <= len(data)]
    traps: list[Trap] = []
    suspects = 0
    for start, end in zip(starts, starts[1:], strict=False):
        chunk = data[start:end]
        # Bytes that straddle two functions are nobody's instruction.
        candidates = sum(chunk.count(opcode) for opcode in OPCODES)
        if not candidates:
            continue
        suspects += candidates
        for offset, opcode in sweep(chunk):
            address = base + start + offset
            label = _label_before(labels, address)
            traps.append(
                Trap(
                    file=file,
                    section=section.name,
                    address=address,
                    opcode=opcode,
                    symbol=label.name if label else "",
                    offset=address - label.address if label else 0,
                )
            )
    return Scan(tuple(traps), suspects - len(traps))


def _label_before(labels: Sequence[_Label], address: int) -> _Label | None:
    position = bisect.bisect_right(labels, address, key=lambda label: label.address)
    return labels[position - 1] if position else None


def sweep(code: bytes) -> Iterator[tuple[int, str]]:
    """Yield offset and name of each trap instruction in x86-64 code, from its first byte on."""
    machine = capstone.Cs(capstone.CS_ARCH_X86, capstone.CS_MODE_64)
    offset = 0
    while offset < len(code):
        for address, size, _, _ in machine.disasm_lite(code[offset:], offset):
            # The opcode is at the end, after prefixes that do not change what it does.
            opcode = OPCODES.get(code[address + size - 2 : address + size])
            if opcode and _is_trap(code[address : address + size]):
                yield address, opcode
            offset = address + size
        offset += 1


_PREFIXES = frozenset(
    [0x26, 0x2E, 0x36, 0x3E, 0x64, 0x65, 0x66, 0x67, 0xF0, 0xF2, 0xF3, *range(0x40, 0x50)]
)


def _is_trap(instruction: bytes) -> bool:
    """Tell whether an instruction is only prefixes and one of the opcodes."""
    return all(byte in _PREFIXES for byte in instruction[:-2])
