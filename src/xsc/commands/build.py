# SPDX-License-Identifier: MIT
"""`xsc build`."""

from __future__ import annotations

from typing import Annotated

import typer

from xsc.build import DEFAULT_PROFILE, complete_target, resolve_target
from xsc.config import Settings
from xsc.session import dry_run, ensure


def build(
    ctx: typer.Context,
    target: Annotated[
        str,
        typer.Argument(
            help="kernel, glibc, rootfs, iso, all, or a step.", autocompletion=complete_target
        ),
    ] = "iso",
    profile: Annotated[str, typer.Option(help="minimal or standard.")] = DEFAULT_PROFILE,
) -> None:
    """Build a target: whatever it needs and is not in the store yet."""
    settings: Settings = ctx.obj
    steps = resolve_target(target, profile)
    if settings.dry_run:
        print("\n".join(dry_run(settings, steps)))
        return
    for name, out in ensure(settings, steps).items():
        print(f"{name}: {out}")
