# SPDX-License-Identifier: MIT
"""How fast this machine's time stamp counter runs. An emulated guest reads the same one."""

from __future__ import annotations

import ctypes
import mmap
import time
from collections.abc import Callable
from pathlib import Path

# A counter that follows the clock of the processor has no one frequency.
NEEDED_FLAG = "constant_tsc"
INTERVAL_SECONDS = 0.1
_TRIES = 50

# rdtsc; shl $32,%rdx; or %rdx,%rax; ret
_CODE = bytes.fromhex("0f31 48c1e220 4809d0 c3")


def _sample(counter: Callable[[], int]) -> tuple[int, int]:
    """Return a value of the counter and the nanoseconds of the clock at that moment.

    Of several readings the one that took least time is exact: nothing came in between.
    """
    readings = []
    for _ in range(_TRIES):
        before = time.monotonic_ns()
        ticks = counter()
        after = time.monotonic_ns()
        readings.append((after - before, ticks, (before + after) // 2))
    _, ticks, moment = min(readings)
    return ticks, moment


def frequency_khz(cpuinfo: Path = Path("/proc/cpuinfo")) -> int:
    """Measure the counter's frequency in kHz, in a tenth of a second.

    0 if it varies, or if this process may not run code of its own making.
    """
    if NEEDED_FLAG not in cpuinfo.read_text().split():
        return 0
    try:
        memory = mmap.mmap(
            -1, mmap.PAGESIZE, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC
        )
    except OSError:
        return 0
    memory.write(_CODE)
    page = (ctypes.c_char * mmap.PAGESIZE).from_buffer(memory)
    counter = ctypes.CFUNCTYPE(ctypes.c_uint64)(ctypes.addressof(page))
    ticks, began = _sample(counter)
    time.sleep(INTERVAL_SECONDS)
    more_ticks, ended = _sample(counter)
    # 10^6 ns are a millisecond, and ticks in a millisecond are kHz.
    return round((more_ticks - ticks) * 1_000_000 / (ended - began))
