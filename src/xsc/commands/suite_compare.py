# SPDX-License-Identifier: MIT
"""`xsc suite compare`."""

from __future__ import annotations

from typing import Annotated

import typer

from xsc.config import Settings
from xsc.errors import EXIT_FAILED, EXIT_OK, XscError
from xsc.suites import gate, reviewed, rows, summary
from xsc.suites.lanes import Lane
from xsc.suites.registry import SUITES, find


def suite_compare(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(help=f"One of: {', '.join(SUITES)}.")],
    lane: Annotated[
        list[Lane] | None, typer.Option(help="Only this lane; may be repeated.")
    ] = None,
) -> int:
    """Compare the results at hand of every lane with those of the lane stock; run nothing."""
    settings: Settings = ctx.obj
    suite = find(name)
    folder = settings.paths.build / "suites"
    stock = rows.read(summary.results(folder, suite.name, Lane.STOCK))
    if not stock:
        raise XscError(
            f"there are no results of {suite.name} in lane stock",
            hint=f"./xsc suite {suite.name} --lane stock",
        )
    print(f"{Lane.STOCK}: {summary.counts(stock.values())}")
    exceptions = reviewed.load(suite.name)
    passed = True
    wanted = lane or [other for other in Lane if other is not Lane.STOCK]
    for other in wanted:
        path = summary.results(folder, suite.name, other)
        found = rows.read(path)
        if not found and lane is None:
            print(f"{other}: no results")
            continue
        print(f"{other}: {summary.counts(found.values())}")
        decision = gate.decide(other, stock, found, exceptions)
        print("\n".join(summary.decision(decision)))
        passed = passed and decision.passed
    return EXIT_OK if passed else EXIT_FAILED
