# SPDX-License-Identifier: MIT
"""`xsc packages status`."""

from __future__ import annotations

import json as json_text
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from xsc.commands.packages_build import (
    DEFAULT_SET,
    Names,
    Tests,
    WantedSets,
    planned_packages,
)
from xsc.config import Settings
from xsc.graph.store import Store
from xsc.packages.attempts import Attempts
from xsc.packages.builder import graph_plan
from xsc.packages.report import page, table
from xsc.packages.sets import load_known
from xsc.packages.state import Row, exit_code, rows, totals
from xsc.session import open_history


def show(found: list[Row]) -> None:
    """Print the table and the totals; without a terminal no line is broken."""
    console = Console(highlight=False)
    if not console.is_terminal:
        console.width = 250
    console.print(table(found))
    console.print(totals(found), markup=False)


def packages_status(
    ctx: typer.Context,
    names: Names = None,
    sets: WantedSets = None,
    tests: Tests = False,
    html: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Also write a page of HTML.")
    ] = None,
    json: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Also write one object per package.")
    ] = None,
) -> int:
    """Show how each package stands; it fails while anything is left to do."""
    settings: Settings = ctx.obj
    wanted = [*(names or []), *(sets or [])] or [DEFAULT_SET]
    planned = planned_packages(settings, wanted, tests)
    with open_history(settings) as history:
        plan = graph_plan(planned, settings.paths, history)
    store = Store(settings.paths.store)
    attempts = Attempts(settings.paths.build)
    found = rows(planned, plan, attempts, store, load_known(settings.paths.root))
    show(found)
    title = f"XSC packages: {', '.join(wanted)}"
    if html is not None:
        html.write_text(page(found, title), encoding="utf-8")
        print(f"written: {html}", file=sys.stderr)
    if json is not None:
        objects = (json_text.dumps(asdict(row), default=str) for row in found)
        json.write_text("".join(f"{line}\n" for line in objects))
    return exit_code(found)
