# SPDX-License-Identifier: MIT
"""The scanner finds every trap instruction, and nothing that only looks like one."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from xsc.elf.traps import OPCODES, members, scan, sweep
from xsc.run import run

Assembler = Callable[..., bytes]


def function(name: str, body: str) -> str:
    return (
        f"\t.globl {name}\n\t.type {name}, @function\n{name}:\n{body}\n\t.size {name}, .-{name}\n"
    )


@pytest.mark.parametrize("instruction", ["syscall", "sysenter", "int $0x80"])
def test_finds_each_instruction_with_symbol_and_offset(
    assemble: Assembler, instruction: str
) -> None:
    image = assemble(function("first", "ret") + function("second", f"nop\n{instruction}\nret"))
    (trap,) = scan(image, "sample").traps
    assert trap.opcode == instruction.replace("$", "")
    assert (trap.file, trap.section, trap.symbol, trap.offset) == ("sample", ".text", "second", 1)
    assert str(trap) == f"sample: {trap.opcode} in .text at second+0x1"


def test_finds_them_in_a_linked_program(assemble: Assembler) -> None:
    text = function("_start", "nop\nsyscall\nnop\nsyscall\nret")
    traps = scan(assemble(text, "-static"), "program").traps
    assert [(trap.symbol, trap.offset) for trap in traps] == [("_start", 1), ("_start", 4)]


def test_finds_them_without_symbols(assemble: Assembler, tmp_path: Path) -> None:
    program = tmp_path / "stripped"
    program.write_bytes(assemble(function("_start", "nop\nsyscall\nret"), "-static"))
    run(["strip", "--strip-all", program])
    (trap,) = scan(program.read_bytes(), "program").traps
    assert trap.symbol == ""
    assert "at 0x" in str(trap)


def test_finds_them_behind_prefixes() -> None:
    assert list(sweep(b"\x48\x0f\x05")) == [(0, "syscall")]
    assert list(sweep(b"\x66\x0f\x34")) == [(0, "sysenter")]


@pytest.mark.parametrize(
    "instruction",
    [
        "mov $0x50f, %eax",
        "movabs $0x80cd050f340f, %rax",
        "mov 0x340f(%rdi), %eax",
        "lea 0x50f(%rip), %rcx",
        "cmp $0x80cd, %ax",
    ],
)
def test_bytes_inside_an_instruction_are_no_trap(assemble: Assembler, instruction: str) -> None:
    found = scan(assemble(function("f", f"{instruction}\nret")), "sample")
    assert not found.traps
    assert found.embedded > 0


def test_nothing_is_found_in_nothing(assemble: Assembler) -> None:
    assert scan(b"", "empty").traps == ()
    assert scan(b"\x0f\x05", "text").traps == ()
    assert scan(b"\x7fELF\x0f\x05", "stump").traps == ()
    harmless = scan(assemble(function("f", "ret")), "sample")
    assert (harmless.traps, harmless.embedded) == ((), 0)


def test_data_is_not_code(assemble: Assembler) -> None:
    assert scan(assemble(".data\n.byte 0x0f, 0x05\n"), "sample").traps == ()


def test_bytes_that_are_no_instruction_hide_nothing_behind_them(assemble: Assembler) -> None:
    junk = ".byte 0x06, 0x07, 0x0e\n" * 20
    image = assemble(function("f", f"{junk}\nnop\nsyscall\nret"))
    assert [trap.opcode for trap in scan(image, "sample").traps] == ["syscall"]


def test_a_function_is_read_from_its_own_start(assemble: Assembler) -> None:
    # Read on from the data before it, the first instruction would be swallowed.
    image = assemble(".byte 0x48, 0xb8\n" + function("f", "syscall\nret\n.zero 16"))
    (trap,) = scan(image, "sample").traps
    assert (trap.symbol, trap.offset) == ("f", 0)


def test_archives_are_scanned_by_member(assemble: Assembler, tmp_path: Path) -> None:
    long_name = tmp_path / "a-member-with-a-long-name.o"
    short = tmp_path / "b.o"
    long_name.write_bytes(assemble(function("f", "syscall")))
    short.write_bytes(assemble(function("g", "ret")))
    archive = tmp_path / "lib.a"
    run(["ar", "rcs", archive, long_name, short])
    data = archive.read_bytes()
    assert [name for name, _ in members(data)] == [long_name.name, short.name]
    assert [trap.file for trap in scan(data, "lib.a").traps] == [f"lib.a({long_name.name})"]


def test_opcodes_are_the_two_byte_ones() -> None:
    assert {len(opcode) for opcode in OPCODES} == {2}
