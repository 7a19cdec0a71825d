# SPDX-License-Identifier: MIT
"""ELF notes, and the one among them that tags a program for the XSC gate."""

from __future__ import annotations

import io
import struct
from collections.abc import Iterator
from dataclasses import dataclass

from elftools.common.exceptions import ELFError
from elftools.elf.elffile import ELFFile

OWNER = "XSC"
NT_XSC_ABI = 1
ABI_VERSION = 1

_HEADER = struct.Struct("<III")


@dataclass(frozen=True)
class Note:
    """One note: who defined it, which of the owner's types it is, and its content."""

    owner: str
    type: int
    desc: bytes


def parse_notes(data: bytes, align: int) -> Iterator[Note]:
    """Yield the notes in the bytes of a note segment or section.

    `align` is that of the segment: 8 pads names and contents to 8 bytes, all else to 4.
    Bytes that cannot be a note end the iteration, as they do for the kernel.
    """
    unit = 8 if align == 8 else 4
    offset = 0
    while offset + _HEADER.size <= len(data):
        name_size, desc_size, note_type = _HEADER.unpack_from(data, offset)
        name_at = offset + _HEADER.size
        desc_at = _round_up(name_at + name_size, unit)
        end = desc_at + desc_size
        if end > len(data):
            return
        owner = data[name_at : name_at + name_size].rstrip(b"\0").decode("latin-1")
        yield Note(owner, note_type, data[desc_at:end])
        offset = _round_up(end, unit)


def _round_up(value: int, unit: int) -> int:
    return (value + unit - 1) // unit * unit


def read_notes(image: bytes) -> tuple[Note, ...]:
    """Return the notes of an ELF image: by segment, or by section if it is an object file.

    Bytes that are no ELF image have no notes.
    """
    try:
        elf = ELFFile(io.BytesIO(image))
        if elf.num_segments():
            parts = [(s.data(), s["p_align"]) for s in elf.iter_segments(type="PT_NOTE")]
        else:
            parts = [(s.data(), s["sh_addralign"]) for s in elf.iter_sections(type="SHT_NOTE")]
    except (ELFError, ValueError):
        return ()
    return tuple(note for data, align in parts for note in parse_notes(data, align))


def xsc_abi(image: bytes) -> int | None:
    """Return the ABI version an ELF image is tagged with, None if it carries no tag."""
    for note in read_notes(image):
        if note.owner == OWNER and note.type == NT_XSC_ABI and len(note.desc) == 4:
            return int.from_bytes(note.desc, "little")
    return None


def interpreter(image: bytes) -> str | None:
    """Return the path in PT_INTERP, None if the image is static or no ELF program."""
    try:
        elf = ELFFile(io.BytesIO(image))
        for segment in elf.iter_segments(type="PT_INTERP"):
            return segment.data().rstrip(b"\0").decode("utf-8", "surrogateescape")
    except (ELFError, ValueError):
        return None
    return None
