# SPDX-License-Identifier: MIT
"""Whether a kernel log written during a test speaks of trouble: a pure function of its text."""

from __future__ import annotations

import re

from xsc.vm.klog import splats

# The kernel prints a call trace when memory is short, which is what some tests are for.
_SHORT = re.compile(r"invoked oom-killer:|page allocation failure:|\bwarn_alloc\b")
_TRACE = re.compile(r"\bCall Trace:")
# After the words above, so many lines at most until their trace begins.
_NEAR = 8


def trouble(log: str) -> list[str]:
    """Return the lines that report trouble of the kernel itself, shortage of memory left out."""
    kept = []
    near = 0
    for line in log.splitlines():
        near = _NEAR if _SHORT.search(line) else near - 1
        if near > 0 and _TRACE.search(line):
            continue
        kept.append(line)
    return splats("\n".join(kept))
