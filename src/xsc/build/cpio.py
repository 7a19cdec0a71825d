# SPDX-License-Identifier: MIT
"""Write a cpio archive in the newc form that the kernel unpacks as an initramfs.

The bytes depend on the entries only: inode numbers count up, owners are root, times are equal.
Device nodes are records here, so no privilege is needed to make them.
"""

from __future__ import annotations

import stat
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

_MAGIC = b"070701"
_TRAILER = "TRAILER!!!"


@dataclass(frozen=True)
class Entry:
    """One archive member: `mode` with its type bits; `device` is (major, minor) of a node."""

    name: str
    mode: int
    data: bytes = b""
    device: tuple[int, int] = (0, 0)


def directory(name: str, mode: int = 0o755) -> Entry:
    """Return a directory entry."""
    return Entry(name, stat.S_IFDIR | mode)


def regular(name: str, data: bytes, mode: int = 0o644) -> Entry:
    """Return a file entry."""
    return Entry(name, stat.S_IFREG | mode, data)


def symlink(name: str, target: str) -> Entry:
    """Return a symbolic link entry."""
    return Entry(name, stat.S_IFLNK | 0o777, target.encode())


def character_device(name: str, major: int, minor: int, mode: int = 0o600) -> Entry:
    """Return a character device entry."""
    return Entry(name, stat.S_IFCHR | mode, device=(major, minor))


def with_parents(entries: Iterable[Entry]) -> list[Entry]:
    """Return the entries sorted by name, with every directory that they lie in."""
    by_name: dict[str, Entry] = {}
    for entry in entries:
        if entry.name in by_name:
            raise ValueError(f"two entries named {entry.name}")
        by_name[entry.name] = entry
    for name in list(by_name):
        parts = name.split("/")[:-1]
        for depth in range(1, len(parts) + 1):
            parent = "/".join(parts[:depth])
            by_name.setdefault(parent, directory(parent))
    # A directory's name is a prefix of what lies in it, so it always comes first.
    return [by_name[name] for name in sorted(by_name)]


def archive(entries: Iterable[Entry], mtime: int) -> bytes:
    """Return the archive; `mtime` is in seconds since 1970 and stands in every member."""
    return b"".join(_members(entries, mtime))


def _members(entries: Iterable[Entry], mtime: int) -> Iterator[bytes]:
    inode = 0
    for inode, entry in enumerate(entries, start=1):
        yield _member(entry, inode, mtime)
    yield _member(Entry(_TRAILER, 0), 0, 0)


def _member(entry: Entry, inode: int, mtime: int) -> bytes:
    name = entry.name.encode() + b"\0"
    links = 2 if stat.S_ISDIR(entry.mode) else 1
    major, minor = entry.device
    numbers = (inode, entry.mode, 0, 0, links, mtime, len(entry.data), 0, 0, major, minor)
    header = _MAGIC + b"".join(b"%08X" % number for number in (*numbers, len(name), 0))
    return _padded(header + name) + _padded(entry.data)


def _padded(data: bytes) -> bytes:
    return data + bytes(-len(data) % 4)
