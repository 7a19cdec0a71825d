# SPDX-License-Identifier: MIT
"""The log of blocks, and what is made of it: a made-up kernel of a few functions."""

from __future__ import annotations

import json

import pytest

from xsc.bench.blocklog import Symbols, addresses, periods, symbols, usual
from xsc.bench.callpath import Kind, Path, Row, explain
from xsc.bench.path import CALLS, Report, check_call, document
from xsc.bench.path_tables import path_report
from xsc.bench.tables import print_wide
from xsc.errors import UsageError
from xsc.paths import ROOT

KALLSYMS = """\
ffffffff81000000 T _text
ffffffff81001000 t __do_sys_getppid
ffffffff81001000 T __ia32_sys_getppid
ffffffff81001000 T __x64_sys_getppid
ffffffff81002000 T pid_number
ffffffff81003000 T __xsc_bell
ffffffff81004000 T x64_sys_call
ffffffff81005000 D a_variable
ffffffff81c00000 T __entry_text_start
ffffffff81c00000 T entry_SYSCALL_64
ffffffff81c00100 t syscall_return_via_sysret
ffffffff81c00200 T asm_exc_page_fault
ffffffff81c00300 T clear_bhb_loop
ffffffff81c00400 T __entry_text_end
ffffffff81e00000 T srso_return_thunk
ffffffffc0000000 t a_function\t[a_module]
"""
GETPPID, PID_NUMBER, BELL, TABLE = (0xFFFFFFFF81000000 + n for n in range(0x1000, 0x5000, 0x1000))
SYSCALL, SYSRET, FAULT, CLEAR = (0xFFFFFFFF81C00000 + n for n in range(0, 0x400, 0x100))
THUNK = 0xFFFFFFFF81E00000
USER, GATE = 0x5555_0000_1000, 0x7FFE_0000_0600

CALL = (
    *(USER, GATE, FAULT, BELL, CLEAR, BELL + 0x20, TABLE, TABLE + 8, GETPPID, PID_NUMBER),
    *(PID_NUMBER + 9, THUNK, GETPPID + 7, THUNK, TABLE + 16, THUNK, BELL + 0x30, THUNK, SYSRET),
)


@pytest.fixture(scope="module")
def kernel() -> Symbols:
    return symbols(KALLSYMS.splitlines(keepends=True))


def line(address: int, cpu: int = 1, pointer: int = 0x7F00) -> str:
    return f"Trace {cpu}: {pointer:#x} [0000000000000000/{address:016x}/10c0c290/ff080200] \n"


def test_the_blocks_of_one_processor_are_taken() -> None:
    log = [line(USER), line(BELL, cpu=0), line(GATE), "IN: something else\n", line(FAULT, cpu=11)]
    assert addresses(log, 1) == [USER, GATE]
    assert addresses(log, 0) == [BELL]


def test_a_block_that_was_stopped_before_it_began_did_not_run() -> None:
    stopped = "Stopped execution of TB chain before 0x7f08 [ffffffff81002000] \n"
    log = [line(USER), line(PID_NUMBER, pointer=0x7F08), stopped, line(PID_NUMBER)]
    assert addresses(log, 1) == [USER, PID_NUMBER]
    # The other processor's block was stopped, not ours.
    assert addresses([line(USER), stopped], 1) == [USER]


def test_a_torn_line_is_left_out() -> None:
    whole = line(GATE)
    for size in range(whole.index(f"{GATE:x}") + 12):
        assert addresses([line(USER), whole[:size]], 1) == [USER]


def test_periods_begin_where_the_program_goes_on() -> None:
    trail = [BELL, SYSRET, USER, GATE, FAULT, SYSRET, USER, GATE, FAULT]
    assert periods(trail) == [(USER, GATE, FAULT, SYSRET)]
    assert periods([USER, GATE, FAULT]) == []
    assert periods([]) == []


def test_the_usual_period_is_that_of_most_calls() -> None:
    interrupted = (USER, FAULT, THUNK, SYSRET)
    trail = [SYSRET, *CALL, *CALL, *interrupted, *CALL, USER]
    found = usual(periods(trail))
    assert found is not None
    assert (found.period, found.alike, found.seen) == (CALL, 3, 4)
    assert usual([]) is None


def test_symbols_of_one_address_have_one_name(kernel: Symbols) -> None:
    assert kernel.find(GETPPID + 0x10) == ("__x64_sys_getppid", 0x10)
    assert kernel.find(SYSCALL) == ("entry_SYSCALL_64", 0)
    assert kernel.find(0xFFFFFFFFC0000004) == ("a_function", 4)
    assert "a_variable" not in kernel.names
    assert kernel.find(0xFFFF800000000000) == ("unknown", 0xFFFF800000000000)
    assert SYSRET in kernel.entry_text
    assert THUNK not in kernel.entry_text


def test_blocks_have_kinds(kernel: Symbols) -> None:
    path = Path("bell", explain(CALL, kernel, GATE, CALLS["getppid"]), 3, 4)
    assert path.kinds == {
        Kind.USER: 1,
        Kind.GATE: 1,
        Kind.ASSEMBLY: 2,
        Kind.XSC: 3,
        Kind.CALL: 4,
        Kind.MITIGATION: 5,
        Kind.KERNEL: 3,
    }
    assert len(path.blocks) == len(CALL)
    assert path.entered("__xsc_bell") == path.entered("__x64_sys_getppid") == 1
    assert path.entered("nothing") == 0


def test_what_the_call_shares_with_its_callers_is_told_apart(kernel: Symbols) -> None:
    """A function is part of the call only when the call has entered it."""
    trail = (PID_NUMBER, PID_NUMBER + 9, TABLE, GETPPID, PID_NUMBER, GETPPID + 7, TABLE + 16)
    kinds = [
        block.kind for block in explain((*trail, PID_NUMBER), kernel, GATE, "__x64_sys_getppid")
    ]
    outside, inside = Kind.KERNEL, Kind.CALL
    assert kinds == [*[outside] * 3, *[inside] * 3, outside, outside]


def test_rows_put_blocks_of_a_function_together(kernel: Symbols) -> None:
    path = Path("bell", explain(CALL, kernel, GATE, CALLS["getppid"]), 3, 4)
    assert path.rows == (
        Row("user", Kind.USER, 1, 0),
        Row("gate", Kind.GATE, 1, 0),
        Row("asm_exc_page_fault", Kind.ASSEMBLY, 1, 0),
        Row("__xsc_bell", Kind.XSC, 2, 1),
        Row("x64_sys_call", Kind.KERNEL, 2, 0),
        Row("__x64_sys_getppid", Kind.CALL, 1, 0),
        Row("pid_number", Kind.CALL, 2, 1),
        Row("__x64_sys_getppid", Kind.CALL, 1, 1),
        Row("x64_sys_call", Kind.KERNEL, 1, 1),
        Row("__xsc_bell", Kind.XSC, 1, 1),
        Row("syscall_return_via_sysret", Kind.ASSEMBLY, 1, 0),
    )


def test_a_path_that_begins_with_a_thunk_loses_nothing(kernel: Symbols) -> None:
    path = Path("trap", explain((THUNK, USER), kernel, GATE, CALLS["getppid"]), 1, 1)
    assert sum(row.blocks + row.mitigations for row in path.rows) == 2


def test_reports(kernel: Symbols, capsys: pytest.CaptureFixture[str]) -> None:
    blocks = explain(CALL, kernel, GATE, CALLS["getppid"])
    report = Report("getppid", "6.1-xsc", "EPYC", (Path("bell", blocks, 3, 4),))
    record = json.loads(json.dumps(document(report)))
    (path,) = record["paths"]
    assert (path["lane"], path["alike"], path["seen"]) == ("bell", 3, 4)
    assert path["total"] == sum(path["kinds"].values()) == len(path["blocks"]) == len(CALL)
    assert path["blocks"][:4] == ["user", "gate+0x0", "asm_exc_page_fault+0x0", "__xsc_bell+0x0"]
    assert path["functions"][3] == {
        "function": "__xsc_bell",
        "kind": "XSC",
        "blocks": 2,
        "mitigations": 1,
    }
    print_wide(path_report(report))
    shown = capsys.readouterr().out
    assert f"getppid by bell: {len(CALL)} blocks" in shown
    assert "TCG" in shown and "blocks are no time" in shown
    assert "3 of 4" in shown


def test_a_call_that_cannot_be_looked_at_names_those_that_can() -> None:
    assert check_call("stat") == "stat"
    with pytest.raises(UsageError) as caught:
        check_call("fork")
    assert caught.value.hint is not None and "getppid" in caught.value.hint


def test_the_calls_are_operations_of_the_guest_program() -> None:
    source = (ROOT / "guest/bench/ops.c").read_text()
    assert not [name for name in CALLS if f'{{ "{name}", ' not in source]
