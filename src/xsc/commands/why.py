# SPDX-License-Identifier: MIT
"""`xsc why`."""

from __future__ import annotations

from typing import Annotated

import typer

from xsc.build import DEFAULT_PROFILE, complete_target, registry, resolve_target
from xsc.config import Settings
from xsc.graph.plan import make_plan
from xsc.graph.why import explain
from xsc.session import open_history


def why(
    ctx: typer.Context,
    target: Annotated[
        str, typer.Argument(help="As for build.", autocompletion=complete_target)
    ] = "iso",
    profile: Annotated[str, typer.Option(help="minimal or standard.")] = DEFAULT_PROFILE,
) -> None:
    """Say which input of a target changed since its last successful build."""
    settings: Settings = ctx.obj
    with open_history(settings) as history:
        plan = make_plan(resolve_target(target, profile), registry(), settings.paths, history)
        print("\n".join(explain(plan, history)))
