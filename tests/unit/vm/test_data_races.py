# SPDX-License-Identifier: MIT
"""Whose data races KCSAN has reported."""

from __future__ import annotations

from xsc.vm import klog

RULE = "=" * 66
OF_A_DEVICE = f"""\
[  107.010101] {RULE}
[  107.020202] BUG: KCSAN: data-race in virtqueue_get_buf_ctx_split+0x5e/0x200

[  107.030303] race at unknown origin, with read to 0xffff8f8a01c42002 of 2 bytes by interrupt:
[  107.030304]  virtqueue_get_buf_ctx_split+0x5e/0x200
[  107.030305]  virtblk_done+0x9b/0x190
[  107.030306]  common_interrupt+0x7f/0xa0
[  107.030307]  asm_common_interrupt+0x22/0x40
[  107.030308]  xsc_look+0x8a/0x240
[  107.030309]  xsc_worker_main+0x1f2/0x400

[  107.040404] Reported by Kernel Concurrency Sanitizer on:
[  107.040405] CPU: 1 PID: 900 Comm: stress-ng-hdd Not tainted 6.1.192-xsc-race #1
[  107.040406] {RULE}
"""
OF_A_CALL = OF_A_DEVICE.replace("common_interrupt", "x64_sys_call").replace(
    "asm_x64_sys_call", "xsc_arch_dispatch"
)
BY_XSC = f"""\
<4>[  207.01]{{T900}} nothing of importance
{RULE}
BUG: KCSAN: data-race in memcpy_erms+0x6/0x10 / do_sys_open+0x1/0x20

write to 0xffff8f8a01c42002 of 8 bytes by task 900 on cpu 1:
 __x64_sys_openat+0x5e/0x200
 x64_sys_call+0x5e/0x200
 xsc_run+0x5e/0x200

read to 0xffff8f8a01c42002 of 8 bytes by task 901 on cpu 0:
 memcpy_erms+0x6/0x10
 __xsc_forward_signals+0x40/0x120
 xsc_worker_main+0x1f2/0x400

{RULE}
"""


def test_races_of_others_are_not_those_of_xsc() -> None:
    assert klog.data_races(OF_A_DEVICE) == []
    assert klog.data_races(OF_A_CALL) == []
    assert klog.data_races("") == []


def test_an_access_by_xsc_counts_in_either_stack() -> None:
    assert len(klog.data_races(OF_A_DEVICE + BY_XSC + OF_A_CALL)) == 1
    assert "forward_signals" in klog.data_races(BY_XSC)[0]
