# SPDX-License-Identifier: MIT
"""Keys change with everything that matters and with nothing else."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from toy import REGISTRY

from xsc.errors import StepFailed
from xsc.graph.digest import DigestCache, hash_file
from xsc.graph.key import canonical, step_key
from xsc.graph.step import Step


@pytest.fixture
def root(tmp_path: Path) -> Path:
    tree = tmp_path / "root" / "tree"
    (tree / "sub").mkdir(parents=True)
    (tree / "a").write_text("a")
    (tree / "sub" / "b").write_text("b")
    return tree.parent


STEP = Step("toy", REGISTRY["base"].run, inputs=("tree",), params=lambda: {"x": [1, None]})


def key_of(root: Path, step: Step = STEP, epoch: int = 1) -> str:
    with DigestCache(root.parent / "digests.db") as digests:
        return step_key(step, {}, root, epoch, digests).key


def rewrite(root: Path) -> None:
    (root / "tree" / "a").write_text("A")


def rename(root: Path) -> None:
    (root / "tree" / "a").rename(root / "tree" / "c")


def make_executable(root: Path) -> None:
    (root / "tree" / "a").chmod(0o755)


def add(root: Path) -> None:
    (root / "tree" / "sub" / "c").write_text("")


def replace_by_link(root: Path) -> None:
    (root / "tree" / "a").unlink()
    (root / "tree" / "a").symlink_to("sub/b")


def link_directory(root: Path) -> None:
    (root / "tree" / "also").symlink_to("sub")


@pytest.mark.parametrize(
    "change", [rewrite, rename, make_executable, add, replace_by_link, link_directory]
)
def test_a_change_of_the_input_changes_the_key(root: Path, change: Callable[[Path], None]) -> None:
    before = key_of(root)
    change(root)
    assert key_of(root) != before


@pytest.mark.parametrize(
    "step",
    [
        replace(STEP, version=2),
        replace(STEP, name="other"),
        replace(STEP, params=lambda: {"x": [1, 0]}),
    ],
)
def test_a_change_of_the_step_changes_the_key(root: Path, step: Step) -> None:
    assert key_of(root, step) != key_of(root)


def test_the_release_date_is_part_of_the_key(root: Path) -> None:
    assert key_of(root, epoch=2) != key_of(root)


def test_times_umask_and_caches_are_not(root: Path) -> None:
    before = key_of(root)
    os.utime(root / "tree" / "a", (1, 1))
    (root / "tree" / "a").chmod(0o600)
    (root / "tree" / "__pycache__").mkdir()
    (root / "tree" / "__pycache__" / "x.pyc").write_text("x")
    assert key_of(root) == before


def test_a_same_sized_rewrite_within_the_clock_tick_is_seen(root: Path) -> None:
    file = root / "tree" / "a"
    stamp = file.stat()
    before = key_of(root)
    file.write_text("A")
    os.utime(file, ns=(stamp.st_atime_ns, stamp.st_mtime_ns))
    assert key_of(root) != before


def test_an_old_digest_is_not_computed_again(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for file in ("a", "sub/b"):
        os.utime(root / "tree" / file, (1, 1))
    before = key_of(root)
    read: list[Path] = []

    def record(path: Path) -> str:
        read.append(path)
        return hash_file(path)

    monkeypatch.setattr("xsc.graph.digest.hash_file", record)
    assert key_of(root) == before
    assert not [path for path in read if path.is_relative_to(root)]


def test_a_damaged_cache_is_replaced(root: Path) -> None:
    before = key_of(root)
    (root.parent / "digests.db").write_bytes(b"SQLite format 3\0" + b"rubbish" * 1000)
    assert key_of(root) == before


def test_a_missing_input_is_named(root: Path) -> None:
    with pytest.raises(StepFailed, match="'nowhere' of step 'toy' does not exist"):
        key_of(root, replace(STEP, inputs=("nowhere",)))


def test_canonical_json_has_one_spelling() -> None:
    assert canonical({"b": 1, "a": "ä"}) == b'{"a":"\\u00e4","b":1}'
