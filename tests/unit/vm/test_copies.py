# SPDX-License-Identifier: MIT
"""What a guest gets of a directory: every kind of file, as it is, and as root's."""

from __future__ import annotations

import os
import subprocess
import tarfile
from collections.abc import Sequence
from pathlib import Path
from typing import cast

import pytest

from xsc.vm.copies import Copy, archive, bring, unpack_argv
from xsc.vm.errors import BootTimeout, CommandTimeout
from xsc.vm.machine import Machine


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    folder = tmp_path / "tree"
    (folder / "sub dir").mkdir(parents=True)
    (folder / "program").write_text("#!/bin/sh\n")
    (folder / "program").chmod(0o4755)
    (folder / "sub dir/link").symlink_to("../program")
    os.link(folder / "program", folder / "same")
    os.mkfifo(folder / "queue")
    os.utime(folder / "program", (1, 1_000_000_000))
    return folder


def test_an_archive_has_everything_and_root_owns_it(tree: Path) -> None:
    if os.geteuid() == 0:
        os.lchown(tree / "queue", 1234, 1234)
    with (
        archive(Copy(tree, "/opt/tree")) as file,
        os.fdopen(os.dup(file), "rb") as stream,
        tarfile.open(fileobj=stream) as made,
    ):
        members = {one.name: one for one in made.getmembers()}
    assert set(members) == {".", "./sub dir", "./program", "./same", "./sub dir/link", "./queue"}
    assert {(one.uid, one.gid, one.uname) for one in members.values()} == {(0, 0, "root")}
    assert members["./sub dir/link"].linkname == "../program"
    assert members["./queue"].isfifo()
    kept = [members["./program"], members["./same"]]
    assert [one.mode & 0o7777 for one in kept] == [0o4755, 0o4755]
    assert {one.mtime for one in kept} == {1_000_000_000}
    assert sorted(one.islnk() for one in kept) == [False, True]


def test_what_the_guest_runs_makes_the_tree_again(tree: Path, tmp_path: Path) -> None:
    copy = Copy(tree, str(tmp_path / "not there/a copy"))
    with archive(copy) as file:
        # Whatever the guest's environment says about archives.
        subprocess.run(unpack_argv(copy), stdin=file, check=True, env={"TAPE": "/nowhere"})
    for path in (tree, *tree.rglob("*")):
        there = copy.guest / path.relative_to(tree)
        assert there.lstat().st_mode == path.lstat().st_mode, there
        if path.is_file():
            assert there.read_bytes() == path.read_bytes()
    assert (Path(copy.guest) / "sub dir/link").resolve() == (Path(copy.guest) / "program")
    assert (Path(copy.guest) / "same").samefile(Path(copy.guest) / "program")


class Slow:
    """A machine on which nothing ends in time."""

    def run(self, argv: Sequence[str], *, input: int, timeout: float) -> None:
        raise CommandTimeout(f"still running after {timeout:g} s", hint="the console is in a file")


def test_a_copy_that_takes_too_long_is_named(tree: Path) -> None:
    with pytest.raises(BootTimeout, match=f"{tree} to /opt/tree: .* after 42 s") as caught:
        bring(cast(Machine, Slow()), Copy(tree, "/opt/tree"), 42.0)
    assert caught.value.hint == "the console is in a file"
