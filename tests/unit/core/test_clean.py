# SPDX-License-Identifier: MIT
"""Garbage collection keeps what a build directory was last built from, and nothing else."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from toy import make

from xsc.errors import InfraError, StepFailed
from xsc.graph.clean import Exclusive, disk_usage, measure, remove, unreferenced
from xsc.graph.history import History
from xsc.graph.store import Store, remove_tree
from xsc.paths import Paths


def garbage(paths: Paths) -> list[str]:
    with History(paths.cache / "history.db", paths.build) as history:
        return [path.name for path in unreferenced(Store(paths.store), history)]


def test_the_last_build_is_kept(paths: Paths) -> None:
    make(paths, "top", "side")
    assert garbage(paths) == []


def test_an_older_state_is_garbage(paths: Paths) -> None:
    old = make(paths, "base").keys["base"].key
    (paths.root / "input").write_text("other\n")
    make(paths, "base")
    assert garbage(paths) == [old]


def test_what_succeeded_before_a_failure_is_kept(paths: Paths) -> None:
    with pytest.raises(StepFailed):
        make(paths, "broken")
    assert len(list(paths.store.glob("*/manifest.json"))) == 1
    assert garbage(paths) == []


def test_a_build_directory_that_is_gone_keeps_nothing(paths: Paths, tmp_path: Path) -> None:
    other = Paths(paths.root, tmp_path / "other", paths.cache)
    key = make(other, "side").keys["side"].key
    make(paths, "base")
    assert garbage(paths) == []
    shutil.rmtree(other.build)
    assert garbage(paths) == [key]


def test_a_store_in_use_is_not_cleaned(paths: Paths) -> None:
    store = Store(paths.store)
    with store.in_use(), pytest.raises(InfraError, match="using the store"):
        Exclusive(store)


def test_removal_counts_and_deletes(tmp_path: Path) -> None:
    (tmp_path / "tree" / "sub").mkdir(parents=True)
    (tmp_path / "tree" / "sub" / "file").write_bytes(b"x" * 100_000)
    (tmp_path / "tree" / "link").hardlink_to(tmp_path / "tree" / "sub" / "file")
    size = disk_usage(tmp_path / "tree")
    assert 100_000 <= size < 150_000
    assert remove(measure([tmp_path / "tree", tmp_path / "absent"])) == size
    assert not (tmp_path / "tree").exists()


def test_read_only_directories_can_be_removed(tmp_path: Path) -> None:
    (tmp_path / "tree" / "sub").mkdir(parents=True)
    (tmp_path / "tree" / "sub" / "file").write_text("x")
    (tmp_path / "tree" / "sub").chmod(0o555)
    remove_tree(tmp_path / "tree")
    assert not (tmp_path / "tree").exists()
