# SPDX-License-Identifier: MIT
"""Processes and threads in the guest: fork, clone, exec, 100,000 threads, signals, window abuse."""

from __future__ import annotations

import pytest
from vmkit import Lab, run_program

pytest_plugins = ("labs",)
pytestmark = [pytest.mark.vm, pytest.mark.timeout(900)]

# Program, arguments, seconds it may take under emulation.
LIFE = [
    ("life_maps", (), 60),
    ("life_fork", (), 120),
    ("life_clone", (), 120),
    ("life_exec", (), 180),
    ("life_threads", ("--threads", "100000", "--wave", "500"), 600),
]
SIGNALS = [
    ("sig_restart", (), 180),
    ("sig_handlers", (), 120),
    ("sig_step", (), 300),
    ("sig_trapflag", (), 120),
    ("sig_storm", ("--seconds", "3"), 180),
    ("sig_fault", (), 60),
    ("sig_stopcont", (), 120),
    ("sig_cancel", ("--rounds", "60"), 180),
    ("sig_cxx", (), 60),
    ("sig_core", (), 60),
]
WINDOW = [
    ("gate_astray", (), 180),
    ("win_ops", (), 180),
    ("win_race", (), 120),
    ("win_entry", (), 240),
    ("win_detach", (), 240),
    ("win_hammer", ("--rounds", "20"), 240),
]
OBSERVERS = [
    ("obs_ptrace", (), 60),
    ("obs_seccomp", (), 60),
    ("obs_caller", (), 60),
    ("obs_ftrace", (), 60),
    ("obs_audit", (), 60),
]
# Programs without a trap of their own, or with a mode without: for where traps are refused.
ENFORCED = [
    ("life_maps", (), 60),
    ("life_fork", (), 120),
    ("life_clone", ("--gate-only",), 120),
    ("life_exec", (), 180),
    ("sig_restart", (), 180),
    ("sig_handlers", (), 120),
    ("sig_storm", ("--gate-only", "--seconds", "1"), 120),
    ("sig_fault", ("--gate-only",), 60),
    ("sig_cancel", ("--rounds", "20"), 120),
    ("win_detach", ("enforcing",), 120),
    ("gate_astray", (), 180),
    ("sig_cxx", (), 60),
    ("gate_regs", ("--gate-only",), 60),
]


@pytest.mark.parametrize(
    ("name", "args", "seconds"), LIFE + SIGNALS + WINDOW + OBSERVERS, ids=lambda v: str(v)
)
def test_permissive(permissive: Lab, name: str, args: tuple[str, ...], seconds: float) -> None:
    run_program(permissive, name, *args, timeout=seconds)


@pytest.mark.parametrize(("name", "args", "seconds"), ENFORCED, ids=lambda v: str(v))
def test_enforcing(enforcing: Lab, name: str, args: tuple[str, ...], seconds: float) -> None:
    run_program(enforcing, name, *args, timeout=seconds)
