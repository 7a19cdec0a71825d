# SPDX-License-Identifier: MIT
"""Versions that the archive has lost are noted for one index, by any number of jobs at once."""

from __future__ import annotations

import multiprocessing
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from xsc.build import apt, apt_source
from xsc.packages import lost

NAME = "lib+c++1.0"
VERSIONS = ("2:1.0~rc1+b-1", "1:9.9-1", "1:2.0-10", "1:2.0-9", "1.0+deb12u1")
ROUNDS = 20


@pytest.fixture(autouse=True)
def _index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    (apt_source.lists() / "x_Sources").write_text("one")


def files() -> list[Path]:
    """Return everything that holds notes."""
    return [path for path in (apt.cache_dir() / lost.FOLDER).rglob("*") if path.is_file()]


def test_what_is_noted_is_read_again_newest_first() -> None:
    assert lost.noted([NAME]) == {}
    for version in reversed(VERSIONS):
        lost.note(NAME, version)
    lost.note("other", "1")
    assert lost.noted([NAME, "nothing"]) == {NAME: VERSIONS}
    assert lost.noted([]) == {}


def test_names_of_files_are_plain() -> None:
    lost.note(NAME, VERSIONS[0])
    (file,) = files()
    assert file.name == "lib+c++1.0_2%3A1.0~rc1+b-1"


def _note_all(start: Callable[[], object], name: str) -> None:
    start()
    for version in VERSIONS:
        lost.note(name, version)


def test_a_version_is_noted_once_by_however_many() -> None:
    # A new place each time: whoever is first makes the directory.
    context = multiprocessing.get_context("fork")
    for _ in range(ROUNDS):
        shutil.rmtree(apt.cache_dir() / lost.FOLDER, ignore_errors=True)
        start = context.Barrier(4)
        jobs = [context.Process(target=_note_all, args=(start.wait, NAME)) for _ in range(4)]
        for job in jobs:
            job.start()
        for job in jobs:
            job.join()
        assert [job.exitcode for job in jobs] == [0] * len(jobs)
        assert lost.noted([NAME]) == {NAME: VERSIONS}
        assert len(files()) == len(VERSIONS)
        assert all(path.stat().st_size == 0 for path in files())


def test_another_index_knows_of_no_loss() -> None:
    lost.note(NAME, "1")
    (apt_source.lists() / "x_Sources").write_text("another")
    assert lost.noted([NAME]) == {}
    lost.note(NAME, "2")
    assert lost.noted([NAME]) == {NAME: ("2",)}
    (apt_source.lists() / "y_Sources").touch()
    assert lost.noted([NAME]) == {}


def test_only_what_is_named_is_forgotten() -> None:
    lost.note(NAME, "1")
    lost.note(NAME, "2")
    lost.note("other", "1")
    lost.forget([NAME, "nothing"])
    assert lost.noted([NAME, "other"]) == {"other": ("1",)}
    lost.forget([NAME])
