# SPDX-License-Identifier: MIT
"""cpio.py: an independent reader (GNU cpio) understands the archive; its bytes are fixed."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
from pathlib import Path

import pytest

from xsc.build import cpio

ENTRIES = [
    cpio.regular("etc/motd", b"hello\n"),
    cpio.regular("bin/tool", b"#!/bin/sh\n", 0o755),
    cpio.symlink("bin/sh", "tool"),
    cpio.directory("proc"),
]


def test_gnu_cpio_unpacks_what_was_packed(tmp_path: Path) -> None:
    if shutil.which("cpio") is None:
        pytest.skip("cpio is not installed")
    data = cpio.archive(cpio.with_parents(ENTRIES), 1_700_000_000)
    argv = ["cpio", "--extract", "--quiet", "--preserve-modification-time"]
    subprocess.run(argv, input=data, cwd=tmp_path, check=True)
    found = {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*")}
    assert found == {"bin", "bin/sh", "bin/tool", "etc", "etc/motd", "proc"}
    assert (tmp_path / "etc/motd").read_bytes() == b"hello\n"
    assert stat.S_IMODE((tmp_path / "bin/tool").stat().st_mode) == 0o755
    assert os.readlink(tmp_path / "bin/sh") == "tool"
    assert (tmp_path / "etc/motd").stat().st_mtime == 1_700_000_000


def test_gnu_cpio_sees_the_device_node() -> None:
    if shutil.which("cpio") is None:
        pytest.skip("cpio is not installed")
    data = cpio.archive([cpio.character_device("console", 5, 1)], 0)
    argv = ["cpio", "--list", "--verbose", "--quiet", "--numeric-uid-gid"]
    listing = subprocess.run(argv, input=data, capture_output=True, check=True).stdout.decode()
    assert listing.startswith("crw-------")
    assert "5,   1" in listing


def test_order_of_entries_does_not_change_the_bytes() -> None:
    one = cpio.archive(cpio.with_parents(ENTRIES), 7)
    assert one == cpio.archive(cpio.with_parents(reversed(ENTRIES)), 7)
    assert one != cpio.archive(cpio.with_parents(ENTRIES), 8)


def test_directories_come_before_what_lies_in_them() -> None:
    names = [entry.name for entry in cpio.with_parents([cpio.regular("a/b/c", b"")])]
    assert names == ["a", "a/b", "a/b/c"]


def test_a_given_directory_keeps_its_mode() -> None:
    entries = cpio.with_parents([cpio.directory("root", 0o700), cpio.regular("root/x", b"")])
    assert stat.S_IMODE(entries[0].mode) == 0o700


def test_a_name_given_twice_is_refused() -> None:
    with pytest.raises(ValueError, match="init"):
        cpio.with_parents([cpio.regular("init", b"1"), cpio.regular("init", b"2")])


def test_header_fields_stand_where_the_format_says() -> None:
    data = cpio.archive([cpio.regular("ab", b"xyz")], 16)
    assert data[:6] == b"070701"
    assert int(data[6:14], 16) == 1  # inode
    assert int(data[14:22], 16) == stat.S_IFREG | 0o644
    assert int(data[46:54], 16) == 16  # mtime
    assert int(data[54:62], 16) == 3  # size
    assert int(data[94:102], 16) == 3  # name with its NUL
    assert data[110:113] == b"ab\0"
    assert data[116:120] == b"xyz\0"  # name and data are padded to 4
    assert len(data) % 4 == 0
