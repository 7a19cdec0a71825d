# SPDX-License-Identifier: MIT
"""The part of a console log worth showing when a machine is lost."""

from __future__ import annotations

import os
from pathlib import Path

from xsc.vm.klog import splats

TAIL_LINES = 40
# A trace with its registers and modules is longer than any plain end of a log is interesting.
STORY_LINES = 120
_LINE_BYTES = 200


def tail(path: Path, lines: int = TAIL_LINES) -> str:
    """Return the last lines of a log, without the control bytes a console may contain."""
    try:
        with path.open("rb") as log:
            log.seek(0, os.SEEK_END)
            log.seek(max(0, log.tell() - _LINE_BYTES * lines))
            text = log.read().decode("utf-8", "replace")
    except OSError:
        return ""
    kept = [line.rstrip() for line in text.splitlines()][-lines:]
    return "\n".join("".join(c for c in line if c.isprintable() or c == "\t") for line in kept)


def last_words(path: Path) -> str:
    """Return the end of a console log, from the kernel's first complaint on if there is one."""
    lines = tail(path, STORY_LINES).splitlines()
    troubles = set(splats("\n".join(lines)))
    first = next((i for i, line in enumerate(lines) if line in troubles), len(lines))
    return "\n".join(lines[min(first, max(0, len(lines) - TAIL_LINES)) :])
