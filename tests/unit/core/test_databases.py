# SPDX-License-Identifier: MIT
"""Several xsc at the same time share the databases of the cache."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import toy

from xsc.graph.digest import DigestCache
from xsc.graph.history import History
from xsc.paths import Paths

WRITER = """
import sys
sys.path.insert(0, sys.argv[1])
from pathlib import Path
from xsc.graph.history import History
from xsc.graph.key import StepKey
name = sys.argv[3]
with History(Path(sys.argv[2]), Path(name)) as history:
    for number in range(40):
        history.record(StepKey(f"step{number}", f"{name}{number}", {}))
        history.record_duration(f"{name}{number}", 1.0)
"""


def builder(paths: Paths, target: str) -> subprocess.Popen[str]:
    """Start a build of the toy graph in another process, in a build directory of its own."""
    argv = [sys.executable, toy.__file__, paths.root, paths.cache, paths.root.parent / "b", target]
    return subprocess.Popen(argv, stderr=subprocess.PIPE, text=True)


def test_a_build_does_not_wait_for_another_that_computes_keys(paths: Paths) -> None:
    """Between the first input and the last key another xsc may ask apt for minutes."""
    other = paths.root / "other"
    other.write_text("of another step\n")
    for path in (other, paths.root / "input"):
        os.utime(path, (1, 1))  # so old that its digest is remembered
    with DigestCache(paths.cache / "digests.db") as digests:
        digests.file(other)
        build = builder(paths, "base")
        _, said = build.communicate(timeout=60)
        assert build.returncode == 0, said


def test_what_both_learnt_is_kept(paths: Paths, tmp_path: Path) -> None:
    names = [tmp_path / name for name in ("first", "second")]
    for name in names:
        name.write_text(name.name)
        os.utime(name, (1, 1))
    database = paths.cache / "digests.db"
    with DigestCache(database) as one, DigestCache(database) as two:
        expected = [one.file(names[0]), two.file(names[1])]
    for name in names:
        os.truncate(name, 0)
        name.write_bytes(b"x" * len(name.name))
        os.utime(name, (1, 1))
    with DigestCache(database) as digests:
        # Size, time and inode are as they were, so the digests are the remembered ones.
        assert [digests.file(name) for name in names] == expected


def test_histories_of_two_builds_are_written_side_by_side(paths: Paths) -> None:
    database = paths.cache / "history.db"
    argv = [sys.executable, "-c", WRITER, str(toy.SRC), str(database)]
    writers = [
        subprocess.Popen([*argv, name], stderr=subprocess.PIPE, text=True) for name in ("a", "b")
    ]
    for writer in writers:
        _, said = writer.communicate(timeout=120)
        assert writer.returncode == 0, said
    for name in ("a", "b"):
        with History(database, Path(name)) as history:
            for number in range(40):
                assert history.last(f"step{number}") == (f"{name}{number}", {})
                assert history.duration(f"{name}{number}") == 1.0
