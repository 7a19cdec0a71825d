# SPDX-License-Identifier: MIT
"""Virtual processors on processors of their own.

A worker and its submitter must run at the same time. Left alone, a host's scheduler now and then
puts both virtual processors on one processor, and a call then takes as long as a time slice.
"""

from __future__ import annotations

import os
import re
from contextlib import suppress
from pathlib import Path

from xsc.vm.errors import QemuFailed

_VCPU = re.compile(r"CPU (\d+)/\w+")
"""What QEMU calls the thread of a virtual processor, with `debug-threads=on`."""


def vcpu_threads(pid: int) -> list[int]:
    """Return the threads of the virtual processors of QEMU `pid`, in their order."""
    found = {}
    for entry in Path(f"/proc/{pid}/task").iterdir():
        # QEMU's threads of I/O come and go; one that has gone is no virtual processor.
        with suppress(FileNotFoundError, ProcessLookupError):
            if match := _VCPU.fullmatch((entry / "comm").read_text().strip()):
                found[int(match[1])] = int(entry.name)
    return [found[number] for number in sorted(found)]


def pin_vcpus(pid: int, expected: int) -> bool:
    """Give each virtual processor of QEMU `pid` a processor of the host.

    Returns False, with nothing done, if the host has too few. Raises QemuFailed if it does not have
    the `expected` number of virtual processors.
    """
    threads = vcpu_threads(pid)
    if len(threads) != expected:
        raise QemuFailed(f"QEMU has {len(threads)} threads of virtual processors, not {expected}")
    processors = sorted(os.sched_getaffinity(pid))
    if len(processors) < expected:
        return False
    for thread, processor in zip(threads, processors, strict=False):
        os.sched_setaffinity(thread, {processor})
    return True
