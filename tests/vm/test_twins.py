# SPDX-License-Identifier: MIT
"""Twin tests in the guest: one body over trap and over gate, everything it observed compared."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from vmkit import PROGRAMS, Lab, failures, run_program

pytest_plugins = ("labs",)
pytestmark = [pytest.mark.vm, pytest.mark.timeout(600)]

GUEST = Path(__file__).resolve().parent.parent / "guest"
TWINS = sorted(path.stem for path in GUEST.glob("twin_*.c"))
WANTED = 150

_numbers: dict[str, set[int]] = {}


def compared(output: str) -> set[int]:
    """Return the call numbers whose results and side effects a twin compared."""
    found = re.search(r"^# numbers:((?: \d+)*)$", output, re.MULTILINE)
    assert found is not None, output
    return {int(word) for word in found.group(1).split()}


@pytest.mark.parametrize("name", TWINS)
def test_trap_and_gate_agree(permissive: Lab, name: str) -> None:
    output = run_program(permissive, name, timeout=120)
    _numbers[name] = compared(output)
    assert _numbers[name]


def test_enough_call_numbers_were_compared(permissive: Lab) -> None:
    """Numbers that answered ENOSYS only are not counted."""
    for name in TWINS:
        if name not in _numbers:
            _numbers[name] = compared(run_program(permissive, name, timeout=120))
    every = set().union(*_numbers.values())
    bodies = set().union(*(found for name, found in _numbers.items() if name != "twin_sweep"))
    print(f"{len(every)} call numbers compared, {len(bodies)} of them with meaningful arguments")
    assert len(bodies) >= WANTED


@pytest.mark.parametrize("name", ["gate_regs", "gate_regs-static"])
def test_registers_survive(permissive: Lab, name: str) -> None:
    run_program(permissive, name)


@pytest.mark.parametrize("name", TWINS)
def test_bodies_work_where_traps_are_refused(enforcing: Lab, name: str) -> None:
    """The gate half alone: the other one would be killed."""
    done = enforcing.run([f"{PROGRAMS}/{name}", "--gate-only", "--require-gate"], 120)
    output = done.stdout.decode(errors="replace")
    assert failures(output) == []
    assert done.code == 0, output
    assert enforcing.kernel_trouble() == []
