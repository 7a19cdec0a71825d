# SPDX-License-Identifier: MIT
"""The note reader agrees with the kernel about what is tagged."""

from __future__ import annotations

import struct
from collections.abc import Callable
from pathlib import Path

from xsc.elf.notes import Note, interpreter, parse_notes, read_notes, xsc_abi

Assembler = Callable[..., bytes]

TAG = """
\t.section .note.xsc, "a", @note
\t.balign 4
\t.long 4, 4, 1
\t.string "XSC"
\t.long {abi}
"""
START = "\t.text\n\t.globl _start\n_start: hlt\n"


def test_object_and_program_carry_the_tag(assemble: Assembler) -> None:
    assert xsc_abi(assemble(TAG.format(abi=1))) == 1
    assert xsc_abi(assemble(TAG.format(abi=2) + START, "-static")) == 2


def test_a_program_without_the_note_is_not_tagged(assemble: Assembler) -> None:
    assert xsc_abi(assemble(START, "-static")) is None


def test_a_note_that_only_resembles_the_tag_does_not_tag(assemble: Assembler) -> None:
    for old, new in (('"XSC"', '"XSD"'), ("4, 4, 1", "4, 4, 2"), ("4, 4, 1", "4, 8, 1")):
        text = TAG.format(abi=1).replace(old, new) + "\t.long 0\n"
        assert xsc_abi(assemble(text)) is None


def test_the_tag_is_found_beside_other_notes(assemble: Assembler) -> None:
    text = TAG.format(abi=1) + START
    notes = read_notes(assemble(text, "-static", "-Wl,--build-id"))
    assert {note.owner for note in notes} == {"GNU", "XSC"}


def test_what_is_no_elf_file_has_no_notes() -> None:
    assert read_notes(b"") == ()
    assert read_notes(b"#!/bin/sh\n") == ()
    assert xsc_abi(b"\x7fELF") is None


def test_padding_follows_the_alignment() -> None:
    def note(unit: int, owner: bytes, desc: bytes) -> bytes:
        data = struct.pack("<III", len(owner), len(desc), 5) + owner
        data += b"\0" * (-len(data) % unit) + desc
        return data + b"\0" * (-len(data) % unit)

    for unit in (4, 8):
        data = note(unit, b"GNU\0", b"12345") + note(unit, b"XSC\0", b"abcd")
        found = tuple(parse_notes(data, unit))
        assert found == (Note("GNU", 5, b"12345"), Note("XSC", 5, b"abcd"))


def test_a_note_that_is_cut_short_ends_the_list() -> None:
    whole = struct.pack("<III", 4, 4, 1) + b"XSC\0" + b"\1\0\0\0"
    for size in range(len(whole)):
        assert tuple(parse_notes(whole[:size], 4)) == ()


def test_the_interpreter_is_read(assemble: Assembler, tmp_path: Path) -> None:
    loader = "/lib64/a-loader"
    program = assemble(START, f"-Wl,--dynamic-linker={loader}", "-pie")
    assert interpreter(program) == loader
    assert interpreter(assemble(START, "-static")) is None
    assert interpreter(b"") is None
