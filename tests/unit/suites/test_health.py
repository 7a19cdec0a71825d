# SPDX-License-Identifier: MIT
"""Kernel logs: trouble is found, a shortage of memory is none."""

from __future__ import annotations

from xsc.suites.health import trouble

SHORT_OF_MEMORY = """\
[   10.1] stress-ng-vm invoked oom-killer: gfp_mask=0x140cca(GFP_HIGHUSER), order=0
[   10.1] CPU: 1 PID: 77 Comm: stress-ng-vm Not tainted 6.1.0 #1
[   10.1] Hardware name: QEMU Standard PC
[   10.1] Call Trace:
[   10.1]  <TASK>
[   10.1]  dump_stack_lvl+0x44/0x5c
[   10.2] Out of memory: Killed process 77 (stress-ng-vm)
"""
WARNING = """\
[   11.0] WARNING: CPU: 1 PID: 80 at fs/file.c:100 close_fd+0x1/0x2
[   11.0] Modules linked in:
[   11.0] CPU: 1 PID: 80 Comm: x Not tainted 6.1.0 #1
[   11.0] Call Trace:
"""


def test_a_warning_is_trouble() -> None:
    assert trouble(WARNING) == [WARNING.splitlines()[0], WARNING.splitlines()[3]]


def test_a_shortage_of_memory_is_none() -> None:
    assert trouble(SHORT_OF_MEMORY) == []
    assert trouble(SHORT_OF_MEMORY.replace("invoked oom-killer", "page allocation failure")) == []


def test_trouble_right_after_a_shortage_is_seen() -> None:
    assert trouble(SHORT_OF_MEMORY + WARNING)[0] == WARNING.splitlines()[0]
    assert len(trouble(SHORT_OF_MEMORY + "x\n" * 8 + WARNING)) == 2


def test_a_quiet_log_is_quiet() -> None:
    assert trouble("[    1.0] x[7]: segfault at 0 ip 0\n") == []
