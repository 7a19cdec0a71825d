# SPDX-License-Identifier: MIT
"""Building many packages: failures do not stop the rest, nothing finished is lost or repeated."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import packagekit
import pytest
from rich.console import Console

from xsc.packages.attempts import Attempts, Times
from xsc.packages.classify import Cause, Failure
from xsc.packages.report import page, table
from xsc.packages.state import Row, State, exit_code, totals
from xsc.paths import ROOT

PATIENCE_SECONDS = 40.0


@pytest.fixture
def root(tmp_path: Path) -> Path:
    names = ("bad", "good", "known", "last", "trapping")
    (tmp_path / "order").write_text(" ".join(names))
    for name in names:
        (tmp_path / name).write_text("")
    (tmp_path / "bad").write_text("fail")
    (tmp_path / "known").write_text("trap")
    (tmp_path / "trapping").write_text("trap")
    return tmp_path


def builds(root: Path) -> list[str]:
    """Return the names of the packages that were built, each time that they were."""
    return (root / "builds").read_text().split()


def states(found: list[Row]) -> dict[str, str]:
    """Return the state of each package in words."""
    return {row.source: row.words for row in found}


def test_a_failure_does_not_stop_the_others(root: Path) -> None:
    found = packagekit.run(root)
    assert states(found) == {
        "bad": "failed: toolchain",
        "good": "built",
        "known": "traps",
        "last": "built",
        "trapping": "traps",
    }
    settled = {row.source for row in found if row.settled}
    assert settled == {"good", "known", "last"}
    assert next(row.detail for row in found if row.source == "bad") == "a.c:1:1: error: no"


def test_what_is_built_or_failed_is_left_alone(root: Path) -> None:
    packagekit.run(root)
    first = builds(root)
    packagekit.run(root)
    assert builds(root) == first
    assert len(first) == len(set(first)) == 5


def test_what_another_directory_has_built_is_shown_before_anything_is_built(root: Path) -> None:
    (root / "order").write_text("good")
    packagekit.run(root)
    (root / "build").rename(root / "other")
    (root / "order").write_text("good last")
    (root / "last").write_text("slow")
    argv = [sys.executable, packagekit.__file__, str(root)]
    env = {**os.environ, "PYTHONPATH": str(ROOT / "src")}
    with subprocess.Popen(argv, env=env, stderr=subprocess.DEVNULL) as builder:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while "last" not in builds(root):
            assert time.monotonic() < deadline, "the slow package was never begun"
            time.sleep(0.05)
        shown = [path.name for path in (root / "build/out").iterdir()]
        builder.send_signal(signal.SIGKILL)
    assert sorted(shown) == ["package-good", "traps-good"]


def test_packages_that_were_deleted_are_built_again(root: Path) -> None:
    found = packagekit.run(root)
    debs = next(row.debs for row in found if row.source == "good")
    assert debs is not None
    shutil.rmtree(debs.parent.parent)
    assert states(packagekit.run(root))["good"] == "built"
    assert builds(root).count("good") == 2


def test_failures_are_tried_again_alone(root: Path) -> None:
    packagekit.run(root)
    (root / "later").write_text("")
    (root / "order").write_text("bad good later")
    (root / "bad").write_text("")
    before = builds(root)
    assert states(packagekit.run(root, retry=True, only_failed=True)) == {
        "bad": "built",
        "good": "built",
        "later": "not tried",
    }
    assert builds(root)[len(before) :] == ["bad"]


def test_a_changed_package_is_tried_although_it_failed_before(root: Path) -> None:
    packagekit.run(root)
    (root / "bad.version").write_text("2")
    packagekit.run(root)
    assert builds(root).count("bad") == 2


def test_every_attempt_keeps_its_log(root: Path) -> None:
    packagekit.run(root)
    (root / "bad").write_text("")
    packagekit.run(root, retry=True)
    logs = sorted((root / "build/packages/bad").glob("*.log"))
    assert [log.name for log in logs] == ["001.log", "002.log"]
    assert "error: no" in logs[0].read_text()
    assert "error: no" not in logs[1].read_text()


def test_a_fault_of_the_machine_is_told_apart(root: Path) -> None:
    (root / "good").write_text("machine")
    found = packagekit.run(root)
    assert states(found)["good"] == "failed: infrastructure"
    assert states(found)["last"] == "built"


def test_sigkill_loses_only_the_package_in_progress(root: Path) -> None:
    (root / "last").write_text("slow")
    argv = [sys.executable, packagekit.__file__, str(root)]
    env = {**os.environ, "PYTHONPATH": str(ROOT / "src")}
    with subprocess.Popen(argv, env=env, stderr=subprocess.DEVNULL) as builder:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not (root / "builds").exists() or "last" not in builds(root):
            assert time.monotonic() < deadline, "the slow package was never begun"
            time.sleep(0.05)
        builder.send_signal(signal.SIGKILL)
    (root / "last").write_text("")
    found = packagekit.run(root)
    assert states(found)["last"] == "built"
    counted = {name: builds(root).count(name) for name in set(builds(root))}
    assert counted == {"bad": 1, "good": 1, "known": 1, "last": 2, "trapping": 1}


def test_attempts_are_remembered_whole(tmp_path: Path) -> None:
    attempts = Attempts(tmp_path)
    assert attempts.last("p") is None
    log = tmp_path / "log"
    log.write_text("words\n")
    times = Times("2026-01-01T00:00:00+00:00", 1.2, 2.3)
    attempts.add("p", "key", times, Failure(Cause.TEST, "why"), log)
    made = attempts.add("p", "key", replace(times, processor_seconds=None), None, log)
    assert attempts.last("p") == made
    assert (made.number, made.cause) == (2, None)
    other = attempts.add("p", "other", times, None, log)
    assert attempts.last("p") == other
    assert attempts.last("p", "key") == made
    assert attempts.last("p", "none") is None
    # A record that was cut short by a kill has no name yet.
    (tmp_path / "packages/p/004.new").write_text("{")
    assert attempts.last("p") == other


ROWS = [
    Row("one", "1+b0+xsc1", State.BUILT, seconds=60.0, programs=2, traps=0),
    Row("two", "2", State.FAILED, Cause.TEST, "a < b & c", log=Path("/tmp/a b.log")),
    Row("six", "6", State.TRAPS, explained="because <it>", traps=1, finds=("x & y",)),
]


def test_totals_count_what_there_is() -> None:
    line = totals(ROWS)
    assert (
        line
        == "3 packages: 1 built, 1 failed: test, 1 traps, 1 of these explained; 1 min of building"
    )


def test_what_the_archive_lacks_is_explained_and_not_settled() -> None:
    row = Row("gone", "1", State.FAILED, Cause.SOURCE, "the archive has no gone_1.dsc")
    assert row.is_explained
    assert not row.settled
    assert "1 of these explained" in totals([row])
    assert 'class="traps">failed: source' in page([row], "P")


@pytest.mark.parametrize(
    ("causes", "code"),
    [
        ([], 0),
        ([Cause.SOURCE], 2),
        ([Cause.SOURCE, Cause.INFRASTRUCTURE], 2),
        ([Cause.SOURCE, Cause.TEST], 1),
        ([Cause.TRAP], 1),
    ],
)
def test_the_exit_code_tells_the_machine_from_the_packages(causes: list[Cause], code: int) -> None:
    failed = [Row("x", "1", State.FAILED, cause) for cause in causes]
    built = Row("y", "1", State.BUILT)
    known = Row("z", "1", State.FAILED, Cause.TOOLCHAIN, explained="because")
    assert exit_code([built, *failed, known]) == code
    assert exit_code([built, Row("w", "1", State.UNTRIED)]) == 1


def test_the_table_names_every_package(capsys: pytest.CaptureFixture[str]) -> None:
    Console(width=200).print(table(ROWS))
    text = capsys.readouterr().out
    for word in ("one", "1+b0+xsc1", "failed: test", "a < b & c", "because <it>"):
        assert word in text


def test_the_page_is_well_formed_and_shows_text_as_text() -> None:
    class Reader(HTMLParser):
        open: list[str]

        def __init__(self) -> None:
            super().__init__()
            self.open = []
            self.words = ""

        def handle_starttag(self, tag: str, attrs: object) -> None:
            if tag != "meta":
                self.open.append(tag)

        def handle_endtag(self, tag: str) -> None:
            assert self.open.pop() == tag

        def handle_data(self, data: str) -> None:
            self.words += data

    reader = Reader()
    reader.feed(page(ROWS, "a & b"))
    assert reader.open == []
    for word in ("a & b", "because <it>", "a < b & c", "x & y"):
        assert word in reader.words
    assert "file:///tmp/a%20b.log" in page(ROWS, "t")
    assert "http" not in page(ROWS, "t")
