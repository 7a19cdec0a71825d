# SPDX-License-Identifier: MIT
"""`xsc bench packages`."""

from __future__ import annotations

import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import typer

from xsc.bench.stand_ins import make_cache
from xsc.commands.packages_build import planned_packages
from xsc.config import Settings
from xsc.packages.builder import graph_plan
from xsc.run import run
from xsc.session import open_history

GOAL_SECONDS = 3.0
GOAL_PACKAGES = 100


def bench_packages(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(metavar="[NAME]", help="Set or package.")] = "standard",
    reps: Annotated[int, typer.Option(min=1, help="How often.")] = 3,
) -> None:
    """Measure how long `packages build` takes when everything has been built.

    It runs in a process of its own, with a cache of its own in which stand-ins count as built.
    """
    settings: Settings = ctx.obj
    paths = settings.paths
    planned = planned_packages(settings, [name], tests=False)
    with open_history(settings) as history:
        plan = graph_plan(planned, paths, history)
    with TemporaryDirectory(prefix="xsc-bench-") as folder:
        home = Path(folder)
        make_cache(home / "cache", planned, plan)
        argv: list[str | Path] = [
            paths.root / "xsc",
            "--build-dir",
            home / "build",
            "packages",
            "build",
            name,
        ]
        times = []
        for _ in range(reps + 1):
            began = time.monotonic()
            run(argv, env={"XDG_CACHE_HOME": str(home / "cache")})
            times.append(time.monotonic() - began)
        # The first fills caches that are there in an ordinary build directory.
        del times[0]
    count = sum(1 for package in planned if package.steps)
    seconds = sorted(times)[len(times) // 2]
    print(f"{count} packages: {seconds:.2f} s (median of {reps})")
    if count >= GOAL_PACKAGES:
        verdict = "kept" if seconds <= GOAL_SECONDS else "missed"
        print(f"goal for {GOAL_PACKAGES}: {GOAL_SECONDS:g} s, {verdict}")
