# SPDX-License-Identifier: MIT
"""`xsc packages list`."""

from __future__ import annotations

from typing import Annotated

import typer

from xsc.config import Settings
from xsc.packages.sets import load_known, load_set, members, select, set_names


def packages_list(
    ctx: typer.Context,
    names: Annotated[
        list[str] | None, typer.Argument(metavar="[SET]...", help="Name the packages of these.")
    ] = None,
) -> None:
    """Name the sets, or the source packages of some of them with what is known of each."""
    settings: Settings = ctx.obj
    root = settings.paths.root
    if not names:
        for name in set_names(root):
            print(f"{name:<12} {len(members(root, name)):>4}  {load_set(root, name).title}")
        return
    known = load_known(root)
    for name in select(root, names):
        fact = known.facts.get(name)
        made = f"made by the step {known.steps[name]}" if name in known.steps else ""
        print(f"{name:<24} {f'{fact.kind}: {fact.reason}' if fact else made}".rstrip())
