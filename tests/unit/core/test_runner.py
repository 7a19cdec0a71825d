# SPDX-License-Identifier: MIT
"""Building: what runs, what does not, what is kept and what never is."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from toy import REGISTRY, make

from xsc.errors import StepFailed, UsageError
from xsc.graph.history import History
from xsc.graph.plan import closure
from xsc.graph.step import Step
from xsc.graph.store import Store
from xsc.paths import Paths


def runs(paths: Paths) -> list[str]:
    """Return the names of the steps executed so far, in order."""
    log = paths.root / "runs"
    return log.read_text().split() if log.exists() else []


def test_needs_run_first_and_only_once(paths: Paths) -> None:
    make(paths, "top", "middle")
    assert runs(paths) == ["base", "middle", "top"]


def test_output_travels_upwards(paths: Paths) -> None:
    make(paths, "top")
    assert (paths.links / "top" / "text").read_text() == "SOME TEXT\n"


def test_nothing_runs_twice(paths: Paths) -> None:
    make(paths, "top")
    before = runs(paths)
    plan = make(paths, "top")
    assert runs(paths) == before
    assert plan.missing == ()


def test_only_what_depends_on_a_change_runs(paths: Paths) -> None:
    make(paths, "top", "side")
    (paths.root / "input").write_text("other text\n")
    make(paths, "top", "side")
    assert sorted(runs(paths)) == ["base", "base", "middle", "middle", "side", "top", "top"]
    assert (paths.links / "top" / "text").read_text() == "OTHER TEXT\n"


def test_an_old_state_is_still_there(paths: Paths) -> None:
    make(paths, "top")
    for text in ("other text\n", "some text\n"):
        (paths.root / "input").write_text(text)
        make(paths, "top")
    assert runs(paths).count("top") == 2
    assert (paths.links / "top" / "text").read_text() == "SOME TEXT\n"


def test_other_build_directories_share_the_store(paths: Paths, tmp_path: Path) -> None:
    make(paths, "top")
    make(Paths(paths.root, tmp_path / "elsewhere", paths.cache), "top")
    assert runs(paths) == ["base", "middle", "top"]
    assert (tmp_path / "elsewhere" / "out" / "top" / "text").exists()


def test_needs_of_a_cached_output_may_be_gone(paths: Paths) -> None:
    plan = make(paths, "top")
    store = Store(paths.store)
    entry = store.get(plan.keys["base"].key)
    assert entry is not None
    os.rename(entry.path, paths.cache / "gone")
    make(paths, "top")
    assert runs(paths) == ["base", "middle", "top"]


def test_a_failure_is_reported_and_not_kept(paths: Paths) -> None:
    for _ in range(2):
        with pytest.raises(StepFailed, match="step 'broken': exit code 3") as caught:
            make(paths, "broken")
        assert str(paths.logs / "broken.log") in str(caught.value.hint)
    assert runs(paths) == ["base", "broken", "broken"]
    assert "it says why" in (paths.logs / "broken.log").read_text()
    assert not list((paths.store / "tmp").iterdir())


def test_a_hint_of_a_step_survives(paths: Paths) -> None:
    with pytest.raises(StepFailed, match="step 'full': no") as caught:
        make(paths, "full")
    assert str(caught.value.hint).startswith("try harder; ")


def test_an_input_edited_meanwhile_spoils_the_output(paths: Paths) -> None:
    with pytest.raises(StepFailed, match="inputs changed while they were being used: input"):
        make(paths, "editor")
    make(paths, "editor")


def test_reading_an_undeclared_need_fails(paths: Paths) -> None:
    with pytest.raises(StepFailed, match="without naming it"):
        make(paths, "base", "greedy")


def test_the_manifest_lists_files_and_facts(paths: Paths) -> None:
    plan = make(paths, "side", "middle")
    entry = Store(paths.store).get(plan.keys["middle"].key)
    assert entry is not None
    assert set(entry.manifest["files"]) == {"half", "text"}
    assert entry.manifest["facts"]["params"] == {"tool": "1.0"}
    assert entry.manifest["facts"]["needs"] == {"base": plan.keys["base"].key}
    assert (entry.path / "log").read_text().startswith("+ sh -c ")
    link = json.loads((paths.links / "side" / ".." / "manifest.json").read_text())
    assert link["files"] == {"link": "link:nowhere"}


def test_an_entry_without_manifest_is_replaced(paths: Paths) -> None:
    plan = make(paths, "side")
    (paths.store / plan.keys["side"].key / "manifest.json").unlink()
    make(paths, "side")
    assert runs(paths) == ["side", "side"]


def test_estimates_are_learnt_and_damped(paths: Paths) -> None:
    with History(paths.cache / "history.db", paths.build) as history:
        assert history.duration("kernel") is None
        history.record_duration("kernel", 600.0)
        history.record_duration("kernel", 20.0)
        assert history.duration("kernel") == 310.0


def test_an_unknown_step_is_a_usage_error() -> None:
    with pytest.raises(UsageError, match="no step 'nothing'"):
        closure(["nothing"], REGISTRY)


def test_an_unknown_need_is_named() -> None:
    with pytest.raises(StepFailed, match="needs 'b', which is no step"):
        closure(["a"], {"a": Step("a", REGISTRY["base"].run, needs=("b",))})


def test_a_cycle_is_named() -> None:
    run = REGISTRY["base"].run
    steps = {"a": Step("a", run, needs=("b",)), "b": Step("b", run, needs=("a",))}
    with pytest.raises(StepFailed, match="cycle: "):
        closure(["a"], steps)
