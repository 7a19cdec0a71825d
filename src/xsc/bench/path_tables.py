# SPDX-License-Identifier: MIT
"""The paths of a call as tables for people."""

from __future__ import annotations

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from xsc.bench.callpath import Kind, Path
from xsc.bench.path import Report


def _cell(count: int) -> str:
    return str(count) if count else "-"


def lane_table(call: str, path: Path) -> Table:
    """Return the functions of one path in order."""
    title = f"{call} by {path.lane}: {len(path.blocks)} blocks"
    table = Table(title=title, title_justify="left")
    for name in ("function", "kind", "blocks", "mitigations"):
        table.add_column(name, justify="left" if name in ("function", "kind") else "right")
    for row in path.rows:
        table.add_row(row.function, str(row.kind), str(row.blocks), _cell(row.mitigations))
    return table


def kind_table(paths: tuple[Path, ...]) -> Table:
    """Return how many blocks of each kind the paths have."""
    table = Table(title="blocks by kind", title_justify="left")
    table.add_column("kind")
    for path in paths:
        table.add_column(path.lane, justify="right")
    for kind in Kind:
        table.add_row(str(kind), *(_cell(path.kinds[kind]) for path in paths))
    table.add_section()
    table.add_row("total", *(str(len(path.blocks)) for path in paths))
    return table


def path_report(report: Report) -> RenderableType:
    """Return everything about the paths of one call."""
    lines = [
        f"accelerator TCG (needed for this), {report.qemu_cpu}, kernel {report.kernel}",
        "a block is code up to a jump, as QEMU translates it: some take long, blocks are no time",
    ]
    lines += [
        f"{path.lane}: {path.alike} of {path.seen} calls went this way" for path in report.paths
    ]
    tables = [lane_table(report.call, path) for path in report.paths]
    return Group(Text("\n".join(lines)), *tables, kind_table(report.paths))
