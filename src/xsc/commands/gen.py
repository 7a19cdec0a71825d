# SPDX-License-Identifier: MIT
"""`xsc gen`."""

from __future__ import annotations

from typing import Annotated

import typer

from xsc.abi.generated import stale, write
from xsc.abi.table import TABLE, load_table
from xsc.config import Settings
from xsc.errors import StepFailed


def gen(
    ctx: typer.Context,
    check: Annotated[
        bool, typer.Option("--check", help="Write nothing; fail if a file is not up to date.")
    ] = False,
) -> None:
    """Write the files that are made from the table of system calls. For developers."""
    settings: Settings = ctx.obj
    root = settings.paths.root
    outdated = stale(load_table(root), root)
    if check and outdated:
        raise StepFailed(
            f"{', '.join(outdated)}: not what {TABLE} says",
            hint="run ./xsc gen and commit the result with the table",
        )
    if not settings.dry_run:
        write(outdated, root)
    for name in outdated:
        print(name)
