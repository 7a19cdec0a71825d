# SPDX-License-Identifier: MIT
"""How packages stand, as a table and as a page."""

from __future__ import annotations

import html
from collections.abc import Sequence

from rich.table import Table
from rich.text import Text

from xsc.packages.state import Row, State, totals
from xsc.progress import human_seconds

COLOURS = {
    State.BUILT: "green",
    State.TRAPS: "yellow",
    State.FAILED: "red",
    State.UNTRIED: "dim",
}
_HEAD = ("package", "version", "state", "time", "programs", "traps", "what is known")
_STYLE = """
:root { color-scheme: light dark; font: 15px/1.4 system-ui, sans-serif; }
body { margin: 2em auto; max-width: 80em; padding: 0 1em; }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; vertical-align: top; }
th, td { padding: .3em .6em; border-bottom: 1px solid #8884; }
td.number { text-align: right; }
.built { color: #197a2f; } .traps { color: #9a6700; } .failed { color: #c01c28; }
@media (prefers-color-scheme: dark) {
  .built { color: #57d577; } .traps { color: #e5b454; } .failed { color: #ff7b72; }
}
code { font-size: 90%; overflow-wrap: anywhere; }
"""


def _cells(row: Row) -> tuple[str, ...]:
    return (
        row.source,
        row.version,
        row.words,
        "" if row.seconds is None else human_seconds(row.seconds),
        "" if row.programs is None else str(row.programs),
        "" if row.traps is None else str(row.traps),
        row.remark,
    )


def _looks(row: Row) -> State:
    """Return the state as which it is shown: what is explained does not look like a fault."""
    if row.settled:
        return State.BUILT
    return State.TRAPS if row.is_explained else row.state


def table(found: Sequence[Row]) -> Table:
    """Return the table for a terminal."""
    made = Table(box=None, pad_edge=False, header_style="bold")
    for name in _HEAD:
        made.add_column(name, justify="right" if name in ("time", "programs", "traps") else "left")
    for row in found:
        colour = COLOURS[_looks(row)]
        cells = [Text(cell) for cell in _cells(row)]
        cells[2].stylize(colour)
        made.add_row(*cells)
    return made


def page(found: Sequence[Row], title: str) -> str:
    """Return a page of HTML that needs nothing but itself."""
    lines = [
        "<!doctype html>",
        f'<html lang="en"><head><meta charset="utf-8"><title>{html.escape(title)}</title>',
        f"<style>{_STYLE}</style></head><body>",
        f"<h1>{html.escape(title)}</h1>",
        f"<p>{html.escape(totals(found))}</p>",
        "<table><thead><tr>",
        *(f"<th>{name}</th>" for name in _HEAD),
        "</tr></thead><tbody>",
    ]
    for row in found:
        lines.append(_html_row(row))
    lines.append("</tbody></table></body></html>")
    return "\n".join(lines) + "\n"


def _html_row(row: Row) -> str:
    cells = [html.escape(cell) for cell in _cells(row)]
    word = _looks(row).split()[0]
    cells[2] = f'<span class="{word}">{cells[2]}</span>'
    if row.log is not None:
        cells[2] += f' <a href="{html.escape(row.log.absolute().as_uri())}">log</a>'
    if row.finds:
        found = "".join(f"<li><code>{html.escape(find)}</code></li>" for find in row.finds)
        cells[6] += f"<details><summary>where</summary><ul>{found}</ul></details>"
    classes = ("", "", "", "number", "number", "number", "")
    tags = (
        f'<td class="{kind}">{cell}</td>' if kind else f"<td>{cell}</td>"
        for kind, cell in zip(classes, cells, strict=True)
    )
    return f'<tr id="{html.escape(row.source)}">{"".join(tags)}</tr>'
