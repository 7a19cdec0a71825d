# SPDX-License-Identifier: MIT
"""`xsc bench packages`."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated

import typer

from xsc.config import Settings
from xsc.packages.sets import select
from xsc.run import run

GOAL_SECONDS = 3.0
GOAL_PACKAGES = 100


def bench_packages(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(metavar="[NAME]", help="Set or package.")] = "standard",
    reps: Annotated[int, typer.Option(min=1, help="How often.")] = 3,
) -> None:
    """Measure how long it takes to find out that no package has to be built.

    That is what `packages status` does, in a process of its own.
    """
    settings: Settings = ctx.obj
    paths = settings.paths
    count = len(select(paths.root, [name]))
    argv: list[str | Path] = [
        paths.root / "xsc",
        "--build-dir",
        paths.build,
        "packages",
        "status",
        name,
    ]
    # The first time, apt is asked what packages need; the answers are kept.
    run(argv, check=False)
    times = []
    for _ in range(reps):
        began = time.monotonic()
        run(argv, check=False)
        times.append(time.monotonic() - began)
    seconds = sorted(times)[len(times) // 2]
    print(f"{count} packages: {seconds:.2f} s (median of {reps})")
    if count >= GOAL_PACKAGES:
        verdict = "kept" if seconds <= GOAL_SECONDS else "missed"
        print(f"goal for {GOAL_PACKAGES}: {GOAL_SECONDS:g} s, {verdict}")
