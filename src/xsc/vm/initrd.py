# SPDX-License-Identifier: MIT
"""Puts the guest agent in front of an initramfs, so that any image can be booted with it.

The kernel unpacks concatenated cpio archives one after the other; an uncompressed one may come
first whatever the compression of the next.
"""

from __future__ import annotations

import shutil
import stat
from pathlib import Path

AGENT_NAME = "xsc-agent"


def _entry(name: str, mode: int, data: bytes, inode: int) -> bytes:
    """One member of a `newc` archive: thirteen 8-digit fields, name and data padded to 4 bytes."""
    encoded = name.encode() + b"\0"
    fields = (inode, mode, 0, 0, 1, 0, len(data), 0, 0, 0, 0, len(encoded), 0)
    header = b"070701" + b"".join(b"%08X" % value for value in fields) + encoded
    return _pad(header) + _pad(data)


def _pad(data: bytes) -> bytes:
    return data + b"\0" * (-len(data) % 4)


def cpio(files: dict[str, bytes]) -> bytes:
    """Return an archive of executable files owned by root, in the given order."""
    body = b"".join(
        _entry(name, stat.S_IFREG | 0o755, data, inode)
        for inode, (name, data) in enumerate(files.items(), start=1)
    )
    return body + _entry("TRAILER!!!", 0, b"", 0)


def with_agent(initramfs: Path, agent: Path, target: Path) -> None:
    """Write to `target` an initramfs that is `initramfs` plus /xsc-agent."""
    archive = cpio({AGENT_NAME: agent.read_bytes()})
    with target.open("wb") as out, initramfs.open("rb") as rest:
        out.write(archive)
        shutil.copyfileobj(rest, out)
