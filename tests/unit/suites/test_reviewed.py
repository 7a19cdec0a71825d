# SPDX-License-Identifier: MIT
"""Exception files: those of the tree are valid, and a wrong entry is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from xsc.build.kselftests import PROGRAMS
from xsc.errors import UsageError
from xsc.suites import reviewed
from xsc.suites.lanes import Lane
from xsc.suites.registry import SUITES

GOOD = """
[[excluded]]
test = "a*"
reason = "sets the clock"
[[exception]]
test = "b: 1"
lanes = ["worker", "random"]
reason = "a raw trap at x.c:7"
"""


def test_entries_are_read() -> None:
    found = reviewed.parse(GOOD, "x.toml")
    assert [entry.test for entry in found.excluded] == ["a*"]
    entry = found.covers("b: 1", Lane.RANDOM)
    assert entry is not None
    assert entry.reason == "a raw trap at x.c:7"
    assert found.covers("b: 1", Lane.CALLER) is None
    assert found.covers("b", Lane.RANDOM) is None
    assert not entry.unsteady
    timing = reviewed.parse(GOOD + "unsteady = true\n", "x.toml").covers("b: 1", Lane.RANDOM)
    assert timing is not None
    assert timing.unsteady


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (('reason = "sets the clock"', 'reason = " "'), "reason is missing or empty"),
        (('reason = "sets the clock"', 'why = "x"'), "reason is missing or empty"),
        (('test = "b: 1"', 'test = "b: 1"\npart = "x"'), "unknown key part"),
        (("lanes =", "unsteady = 1\nlanes ="), "neither true nor false"),
        (('"worker"', '"fast"'), "fast"),
        (('"worker"', '"stock"'), "measured by"),
        (('["worker", "random"]', "[]"), "lanes is missing or empty"),
        (("[[exception]]", "[[exceptions]]"), "unknown table exceptions"),
        (("[[exception]]", "[["), "x.toml"),
    ],
)
def test_a_wrong_entry_is_refused(change: tuple[str, str], why: str) -> None:
    with pytest.raises(UsageError, match=why) as caught:
        reviewed.parse(GOOD.replace(*change), "x.toml")
    assert caught.value.hint


def test_the_files_of_the_tree_are_valid_and_belong_to_suites() -> None:
    files = sorted(reviewed.FOLDER.glob("*.toml"))
    assert files
    for path in files:
        assert path.stem in SUITES
        found = reviewed.load(path.stem)
        assert found.excluded or found.exempt


def test_a_suite_without_a_file_has_no_exceptions(tmp_path: Path) -> None:
    assert reviewed.load("kselftests", tmp_path) == reviewed.Reviewed()


def test_excluded_selftests_are_of_directories_that_are_built() -> None:
    for entry in reviewed.load("kselftests").excluded:
        assert entry.test.partition(":")[0] in PROGRAMS
