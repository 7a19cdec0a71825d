# SPDX-License-Identifier: MIT
"""`why` names the input that changed."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import toy
from toy import REGISTRY, make

from xsc.graph.history import History
from xsc.graph.plan import make_plan
from xsc.graph.why import compare_facts, explain
from xsc.paths import Paths


def why(paths: Paths, *targets: str) -> str:
    with History(paths.cache / "history.db", paths.build) as history:
        plan = make_plan(targets, REGISTRY, paths, history)
        return "\n".join(explain(plan, history))


def test_before_the_first_build(paths: Paths) -> None:
    assert why(paths, "top") == "top: never built in this directory"


def test_without_a_change(paths: Paths) -> None:
    make(paths, "top")
    assert why(paths, "top").startswith("top: nothing changed since the last build; its output is")


def test_a_changed_file_is_found_through_two_needs(paths: Paths) -> None:
    make(paths, "top")
    (paths.root / "input").write_text("other\n")
    lines = [line.strip() for line in why(paths, "top").splitlines()]
    assert lines == [
        "top: will be rebuilt, because since the last build",
        "what it needs changed: middle",
        "middle: will be rebuilt, because since the last build",
        "what it needs changed: base",
        "base: will be rebuilt, because since the last build",
        "input input changed",
    ]


def test_a_changed_parameter_is_shown_with_both_values(
    paths: Paths, monkeypatch: pytest.MonkeyPatch
) -> None:
    make(paths, "middle")
    newer = toy.Step("middle", toy.middle, needs=("base",), params=lambda: {"tool": "2.0"})
    monkeypatch.setitem(REGISTRY, "middle", newer)
    assert "parameter tool changed: 1.0 -> 2.0" in why(paths, "middle")


def test_a_cleaned_output_is_told_apart_from_a_change(paths: Paths) -> None:
    make(paths, "top")
    shutil.rmtree(paths.store)
    assert "not in the store (cleaned)" in why(paths, "top")


def test_a_known_older_state_is_in_the_store(paths: Paths) -> None:
    make(paths, "base")
    (paths.root / "input").write_text("other\n")
    make(paths, "base")
    (paths.root / "input").write_text("some text\n")
    assert why(paths, "base").startswith("base: changed; its output is in the store")


def test_added_and_removed_names() -> None:
    before = {"inputs": {"a": "file:1"}, "needs": {"x": "1"}}
    now = {"inputs": {"b": "file:1"}, "needs": {}}
    assert [str(change) for change in compare_facts(before, now)] == [
        "input a is gone",
        "input b is new",
        "the need x is gone",
    ]


def test_needs_of_an_output_found_in_the_store_are_known(paths: Paths, tmp_path: Path) -> None:
    make(paths, "top")
    other = Paths(paths.root, tmp_path / "other", paths.cache)
    make(other, "top")
    (paths.root / "input").write_text("other\n")
    assert "input input changed" in why(other, "top")
