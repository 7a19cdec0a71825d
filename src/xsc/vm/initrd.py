# SPDX-License-Identifier: MIT
"""Puts the guest agent in front of an initramfs, so that any image can be booted with it.

The kernel unpacks concatenated cpio archives one after the other; an uncompressed one may come
first whatever the compression of the next.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from xsc.build import cpio

AGENT_NAME = "xsc-agent"


def with_agent(initramfs: Path, agent: Path, target: Path) -> None:
    """Write to `target` an initramfs that is `initramfs` plus /xsc-agent."""
    entry = cpio.regular(AGENT_NAME, agent.read_bytes(), 0o755)
    with target.open("wb") as out, initramfs.open("rb") as rest:
        out.write(cpio.archive([entry], mtime=0))
        shutil.copyfileobj(rest, out)
