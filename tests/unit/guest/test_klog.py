# SPDX-License-Identifier: MIT
"""The scan of kernel logs: what counts as trouble and what does not."""

from __future__ import annotations

import pytest

from xsc.vm.klog import shutdown_counts, splats, stale_breakpoint

CLEAN = """\
[    0.000000] Command line: console=ttyS0 panic=-1 oops=panic xsc=permissive
[    0.000000] Linux version 6.1.0-xsc (xsc@xsc) (gcc 12.2.0)
[    0.026062] Speculative Return Stack Overflow: WARNING: See https://kernel.org/doc
[    0.100000] xsc: mode permissive, ABI 1
[    1.200000] EXT4-fs (vda): mounted filesystem
[    3.000000] win_entry[212]: segfault at 10 ip 00007f00 sp 00007ffc error 4 in win_entry
[    3.100000] traps: win_entry[213] general protection fault ip:401000 sp:7ffc error:0 in win_entry
[    3.200000] traps: win_entry[214] trap invalid opcode ip:7f sp:7ffc error:0
[    4.000000] systemd[1]: warning: a unit says so itself
[    5.000000] WARNING: The mand mount option has been deprecated and
[    9.000000] xsc: shutdown: calls 123456 traps 0
"""


def test_a_clean_log_has_no_splats() -> None:
    assert splats(CLEAN) == []


@pytest.mark.parametrize(
    "line",
    [
        "[ 1.0] WARNING: CPU: 0 PID: 1 at drivers/xsc/window.c:10 xsc_window_put+0x1/0x2",
        "[ 1.0] BUG: unable to handle page fault for address: ffffc90000000000",
        "[ 1.0] BUG: KASAN: use-after-free in xsc_window_get+0x1/0x2",
        "[ 1.0] Oops: 0000 [#1] SMP",
        "[ 1.0] kernel BUG at mm/memory.c:1!",
        "[ 1.0] WARNING: possible circular locking dependency detected",
        "[ 1.0] BUG: sleeping function called from invalid context at mm/x.c:1",
        "[ 1.0] general protection fault, probably for non-canonical address 0xdead: 0000 [#1]",
        "[ 1.0] BUG: Bad rss-counter state mm:0 type:MM_FILEPAGES val:1",
        "[ 1.0] rcu: INFO: rcu_preempt detected stalls on CPUs/tasks:",
        "[ 1.0] INFO: task kworker/0:1:5 blocked for more than 120 seconds.",
        "[ 1.0] refcount_t: underflow; use-after-free.",
        "[ 1.0] unchecked MSR access error: RDMSR from 0x1",
        "[ 1.0] Call Trace:",
    ],
)
def test_trouble_is_found_between_clean_lines(line: str) -> None:
    assert splats(CLEAN + line + "\n" + CLEAN) == [line]


def test_shutdown_counts_are_those_of_the_last_line() -> None:
    assert shutdown_counts(CLEAN) == (123456, 0)
    assert shutdown_counts(CLEAN + "[ 9.9] xsc: shutdown: calls 7 traps 2\n") == (7, 2)


def test_no_shutdown_line_is_no_count() -> None:
    assert shutdown_counts("") is None
    assert shutdown_counts("xsc: shutdown: calls many traps 0") is None


# As printed by a guest that QEMU 7.2 had lost while another processor patched the scheduler.
LOST = """\
[  698.612969] rcu: INFO: rcu_sched self-detected stall on CPU
[  698.615862] NMI backtrace for cpu 0
[  698.616066] RIP: 0010:asm_exc_int3+0x0/0x40
[  698.616388] RIP: 0010:__schedule+0x15e/0x1050
"""


def test_a_processor_caught_in_a_breakpoint_is_recognised() -> None:
    assert stale_breakpoint(LOST)


# The same beside a processor that made and removed cpusets: cpusets_enabled() is patched.
BEFORE_IT = """\
[  260.126821] rcu: INFO: rcu_sched self-detected stall on CPU
[  260.130031] rcu: \t1-....: (20989 ticks this GP) idle=212c/1/0x4000000000000000
[  260.130803] \t(t=21009 jiffies g=39925 q=26 ncpus=2)
[  260.131551] CPU: 1 PID: 24842 Comm: agent Not tainted 6.1.192-xsc #1
[  260.132028] RIP: 0010:get_page_from_freelist+0x282/0xf10
[  260.133005] Code: 00 48 89 fd 4c 8b 7d 00 4d 85 ff 0f 84 5e 01 00 00 <0f> 1f 44 00 00 80 7b 20
"""


def test_a_processor_caught_before_a_patched_branch_is_recognised() -> None:
    assert stale_breakpoint(BEFORE_IT)
    assert not stale_breakpoint(BEFORE_IT.replace("<0f> 1f 44 00 00", "<e9> 80 00 00 00"))
    assert not stale_breakpoint(BEFORE_IT.replace("<0f> 1f 44 00 00", "0f 1f 44 00 <80>"))
    assert not stale_breakpoint(BEFORE_IT.replace("self-detected stall", "a word"))


def test_a_stall_alone_or_a_breakpoint_alone_is_something_else() -> None:
    assert not stale_breakpoint(LOST.replace("asm_exc_int3", "queued_spin_lock_slowpath"))
    assert not stale_breakpoint("[    1.0] RIP: 0010:exc_int3+0x0/0x40\n")
