# SPDX-License-Identifier: MIT
"""`xsc clean`."""

from __future__ import annotations

from typing import Annotated

import typer

from xsc.config import Settings
from xsc.graph.clean import Exclusive, Removal, measure, remove, unreferenced
from xsc.graph.store import Store
from xsc.session import open_history

MEBIBYTE = 1 << 20


def clean(
    ctx: typer.Context,
    store: Annotated[
        bool, typer.Option("--store", help="Also the outputs no build directory uses.")
    ] = False,
    everything: Annotated[
        bool, typer.Option("--all", help="Also the whole store, compiler cache and virtualenvs.")
    ] = False,
) -> None:
    """Delete the build directory: scratch trees, logs and links. Finished outputs stay."""
    settings: Settings = ctx.obj
    paths = settings.paths
    outputs = Store(paths.store)
    with Exclusive(outputs):
        with open_history(settings) as history:
            unused = unreferenced(outputs, history) if store else []
        doomed = measure([paths.cache] if everything else unused)
        doomed += measure([paths.work, paths.logs, paths.links])
        doomed += measure([paths.arriving] if store and not everything else [])
        report(doomed, settings.dry_run)


def report(doomed: list[Removal], dry_run: bool) -> None:
    """Name what is deleted, and delete it unless this is a dry run."""
    for removal in doomed:
        print(f"{removal.size / MEBIBYTE:10.1f} MiB  {removal.path}")
    if dry_run:
        return
    freed = remove(doomed)
    print(f"{freed / MEBIBYTE:10.1f} MiB freed")
