# SPDX-License-Identifier: MIT
"""A checkout, a cache and a build directory of the toy graph, fresh for each test."""

from __future__ import annotations

from pathlib import Path

import pytest

from xsc.paths import Paths


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    root = tmp_path / "checkout"
    root.mkdir()
    (root / "input").write_text("some text\n")
    (root / "seconds").write_text("0\n")
    return Paths(root=root, build=tmp_path / "build", cache=tmp_path / "cache")
