# SPDX-License-Identifier: MIT
"""The toolchain as it was built, on this machine, whose kernel has no gate."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from toolkit import Toolchain


@pytest.fixture(scope="session")
def tree(built: Callable[[str], Path]) -> Path:
    """The relocatable tree."""
    return built("toolchain") / "tree"


@pytest.fixture
def tools(tree: Path, tmp_path: Path) -> Toolchain:
    """The tools, at work in an empty directory."""
    return Toolchain(tree, tmp_path)


@pytest.fixture
def sources(tmp_path: Path) -> Callable[[Mapping[str, str]], None]:
    """A function that writes files into the directory the tools work in."""

    def write(files: Mapping[str, str]) -> None:
        for name, text in files.items():
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)

    return write
