# SPDX-License-Identifier: MIT
"""An exception names its instructions exactly and gives a reason."""

from __future__ import annotations

import pytest

from xsc.elf.allowance import parse_allowances, violations
from xsc.elf.traps import Trap
from xsc.errors import StepFailed
from xsc.paths import ROOT

LIST = parse_allowances("""\
# comment

ld.so  .xsc_fallback  syscall   2  there is no gate
old    .text          int_0x80  1  why
""")


def trap(file: str = "ld.so", section: str = ".xsc_fallback", opcode: str = "syscall") -> Trap:
    return Trap(file, section, 0x1000, opcode, "f", 4)


def test_the_allowed_instructions_are_accepted() -> None:
    assert violations([trap(), trap()], ["ld.so"], LIST) == ()


@pytest.mark.parametrize(
    "other",
    [trap(section=".text"), trap(file="libc.so.6"), trap(opcode="sysenter")],
)
def test_any_other_instruction_is_refused(other: Trap) -> None:
    assert violations([trap(), trap(), other], ["ld.so"], LIST) == (str(other),)


@pytest.mark.parametrize("count", [0, 1, 3])
def test_the_count_is_exact(count: int) -> None:
    (sentence,) = violations([trap()] * count, ["ld.so"], LIST)
    assert sentence == f"ld.so: {count} times syscall in .xsc_fallback, 2 expected"


def test_a_line_for_a_file_that_was_not_scanned_asks_for_nothing() -> None:
    assert violations([], ["libc.so.6"], LIST) == ()


def test_blanks_of_an_opcode_are_written_as_underscores() -> None:
    assert violations([trap("old", ".text", "int 0x80")], ["old"], LIST) == ()


@pytest.mark.parametrize("line", ["ld.so .text syscall 3", "ld.so .text syscall three reason"])
def test_a_line_without_count_or_reason_is_refused(line: str) -> None:
    with pytest.raises(StepFailed, match="line 1"):
        parse_allowances(line)


def test_the_committed_list_can_be_read() -> None:
    allowances = parse_allowances((ROOT / "glibc/trapfree.data").read_text())
    assert {allowance.section for allowance in allowances} == {".xsc_fallback"}
