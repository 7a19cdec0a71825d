# SPDX-License-Identifier: MIT
"""The index of source packages: fetched when needed, by one process, and again when it lies."""

from __future__ import annotations

import subprocess
import threading
import time
from collections.abc import Sequence
from pathlib import Path

import pytest

from xsc.build import apt, apt_source
from xsc.errors import InfraError, StepFailed

Words = Sequence[str | Path]


class Archive:
    """Stands for apt-get: `update` writes an index, `source` delivers once it is new enough."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.updates = 0
        self.good_from = 1
        self.overlap = threading.Lock()

    def update(self, argv: Words, **rest: object) -> subprocess.CompletedProcess[str]:
        """Fetch the index, which must not be done twice at a time."""
        assert argv[-1] == "update"
        assert self.overlap.acquire(blocking=False)
        time.sleep(0.05)
        self.updates += 1
        (apt_source.lists() / "x_Sources").write_text(str(self.updates))
        self.overlap.release()
        return subprocess.CompletedProcess(list(map(str, argv)), 0, "", "")

    def source(self, argv: Words) -> None:
        """Fetch a source package into the directory that was asked for."""
        if self.updates < self.good_from:
            raise StepFailed("404")
        (Path(str(argv[1]).partition("=")[2]) / "p.dsc").touch()


@pytest.fixture
def archive(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Archive:
    binaries = tmp_path / "Packages"
    binaries.touch()
    made = Archive(tmp_path)
    monkeypatch.setattr(apt, "cache_dir", lambda: tmp_path)
    monkeypatch.setattr(apt, "mirrors", lambda: (apt.Mirror("http://a.invalid", "s", binaries),))
    monkeypatch.setattr(apt_source, "run", made.update)
    return made


def test_the_index_is_fetched_once_by_however_many(archive: Archive) -> None:
    threads = [threading.Thread(target=apt_source.refresh) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    apt_source.refresh()
    assert archive.updates == 1


def test_it_is_fetched_again_when_that_of_binaries_is_newer(archive: Archive) -> None:
    apt_source.refresh()
    time.sleep(0.02)
    (archive.root / "Packages").touch()
    apt_source.refresh()
    assert archive.updates == 2


def test_files_that_have_moved_on_are_asked_for_by_a_fresh_index(archive: Archive) -> None:
    archive.good_from = 2
    folder = apt_source.download("p", "1", archive.source)
    assert [path.name for path in folder.iterdir()] == ["p.dsc"]
    assert archive.updates == 2
    assert apt_source.download("p", "1", archive.source) == folder
    assert archive.updates == 2


def test_files_that_nobody_has_are_an_error_and_leave_nothing(archive: Archive) -> None:
    archive.good_from = 9
    with pytest.raises(InfraError, match="cannot fetch the source of p 1"):
        apt_source.download("p", "1", archive.source)
    assert not (archive.root / "sources" / "p_1").exists()
