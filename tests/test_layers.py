# SPDX-License-Identifier: MIT
"""Who may import whom."""

from __future__ import annotations

import ast
import sys
from pathlib import Path

import pytest

SRC = Path(__file__).resolve().parent.parent / "src"

# From the bottom to the top: a module imports from its own layer or from those below it.
LAYERS = (
    {"version", "errors", "bootstrap"},
    {"run", "paths", "lock"},
    {"elf", "abi", "progress"},
    {"bars", "reporters", "graph"},
    {"remote"},
    {"build", "repo"},
    {"packages"},
    {"remote", "farm"},
    {"build"},
    {"vm"},
    {"bench"},
    {"suites"},
    {"preflight"},
    {"config", "session"},
    {"commands"},
    {"cli"},
    {"__main__"},
)


def layer_of(part: str) -> int:
    """Return the index of the layer that holds a top-level part of the package."""
    for index, layer in enumerate(LAYERS):
        if part in layer:
            return index
    raise AssertionError(f"xsc.{part} has no layer: add it to LAYERS")


def imports(path: Path) -> set[str]:
    """Return the names of all modules a file imports, also inside functions."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            assert node.module is not None
            names |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return names


def modules() -> list[Path]:
    """Return all source files of the package, relative to src/."""
    found = sorted(path.relative_to(SRC) for path in (SRC / "xsc").rglob("*.py"))
    return [path for path in found if path != Path("xsc/__init__.py")]


@pytest.mark.parametrize("path", modules(), ids=str)
def test_imports_point_downwards(path: Path) -> None:
    own = layer_of(path.with_suffix("").parts[1])
    for name in imports(SRC / path):
        parts = name.split(".")
        if parts[0] == "xsc" and len(parts) > 1:
            assert layer_of(parts[1]) <= own, f"{path} imports {name}"


def test_bootstrap_needs_nothing_installed() -> None:
    tops = {name.split(".")[0] for name in imports(SRC / "xsc" / "bootstrap.py")}
    assert tops <= sys.stdlib_module_names
    assert "xsc" not in tops


def test_steps_do_not_know_commands() -> None:
    for path in (SRC / "xsc" / "build").glob("*.py"):
        assert not {name for name in imports(path) if name.startswith("xsc.commands")}
