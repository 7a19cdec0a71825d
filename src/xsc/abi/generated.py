# SPDX-License-Identifier: MIT
"""The files that are made from the table and kept in the tree."""

from __future__ import annotations

from pathlib import Path

from xsc.abi.header import render_header
from xsc.abi.page import render_page
from xsc.abi.table import Table

HEADER = "linux/overlay/drivers/xsc/syscalls.h"
PAGE = "docs/syscalls.md"


def render(table: Table) -> dict[str, str]:
    """Return what each generated file must contain, by its path in the checkout."""
    return {HEADER: render_header(table), PAGE: render_page(table)}


def stale(table: Table, root: Path) -> dict[str, str]:
    """Return those of render() whose file is missing or has other contents."""
    return {
        name: text
        for name, text in render(table).items()
        if not (root / name).exists() or (root / name).read_text() != text
    }


def write(files: dict[str, str], root: Path) -> None:
    """Write files by their paths in the checkout."""
    for name, text in files.items():
        (root / name).write_text(text)
