# SPDX-License-Identifier: MIT
"""A cache in which every package counts as built, to measure how long it takes to find that out."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

from xsc.graph.plan import Plan
from xsc.packages.scanning import RESULT
from xsc.packages.steps import Planned
from xsc.paths import cache_home

SECONDS = 60.0
# What a package's build needs of the user's own cache: the environment of Python, apt's answers.
_SHARED = ("apt", "venv")


def make_cache(home: Path, planned: Iterable[Planned], plan: Plan) -> None:
    """Make `home` a cache with an empty output for each step of the packages that can be built."""
    own = home / "xsc"
    (own / "store").mkdir(parents=True)
    for name in _SHARED:
        (own / name).symlink_to(cache_home() / name)
    for package in planned:
        for step in package.steps:
            _make_entry(own / "store", step.name, plan)


def _make_entry(store: Path, step: str, plan: Plan) -> None:
    key = plan.keys[step]
    out = store / key.key / "out"
    (out / "debs").mkdir(parents=True)
    (out / RESULT).write_text(json.dumps({"programs": 1, "finds": {}}))
    manifest = {
        "step": step,
        "key": key.key,
        "facts": dict(key.facts),
        "seconds": SECONDS,
        "files": {},
    }
    (out.parent / "manifest.json").write_text(json.dumps(manifest, indent=1, sort_keys=True))
