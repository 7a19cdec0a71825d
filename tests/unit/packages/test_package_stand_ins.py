# SPDX-License-Identifier: MIT
"""The benchmark's stand-ins count as built, for everybody who asks."""

from __future__ import annotations

from pathlib import Path

import packagekit

from xsc.bench.stand_ins import make_cache
from xsc.graph.history import History
from xsc.graph.store import Store
from xsc.packages.attempts import Attempts
from xsc.packages.builder import graph_plan, to_build
from xsc.packages.sets import Known
from xsc.packages.state import State, rows
from xsc.paths import Paths


def test_with_stand_ins_nothing_is_left_to_build(tmp_path: Path) -> None:
    names = ("one", "two")
    (tmp_path / "order").write_text(" ".join(names))
    packages = packagekit.planned(tmp_path)
    paths = Paths(root=tmp_path, build=tmp_path / "build", cache=tmp_path / "home/xsc")
    attempts = Attempts(paths.build)
    with History(tmp_path / "history.db", paths.build) as history:
        plan = graph_plan(packages, paths, history)
        assert len(to_build(packages, plan, attempts, lambda attempt: True, False)) == len(names)
        make_cache(tmp_path / "home", packages, plan)
        plan = graph_plan(packages, paths, history)
        assert to_build(packages, plan, attempts, lambda attempt: True, False) == []
    known = Known(revision=1, steps={}, facts={})
    found = rows(packages, plan, attempts, Store(paths.store), known)
    assert [row.state for row in found] == [State.BUILT] * len(names)
