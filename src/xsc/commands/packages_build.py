# SPDX-License-Identifier: MIT
"""`xsc packages build`."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Annotated, TypeAlias

import typer

from xsc.commands.farm import hand_over
from xsc.config import Settings
from xsc.errors import EXIT_OK, UsageError
from xsc.farm.job import Job
from xsc.graph.history import History
from xsc.graph.store import Store
from xsc.packages import lost
from xsc.packages.attempts import Attempt
from xsc.packages.builder import Retry, Site, graph_plan, keep, to_build
from xsc.packages.classify import Cause
from xsc.packages.fallback import Run, build_all
from xsc.packages.isolation import check_isolation
from xsc.packages.sets import load_known, select
from xsc.packages.state import exit_code, rows, totals
from xsc.packages.steps import Options, Planned, plan_packages
from xsc.progress import human_seconds
from xsc.reporters import make_reporter
from xsc.session import ensure, interruptible, open_history

DEFAULT_SET = "essential"
ALL_FAILED = "failed"
Names: TypeAlias = Annotated[
    list[str] | None, typer.Argument(metavar="[NAME]...", help="Sets or source packages.")
]
WantedSets: TypeAlias = Annotated[
    list[str] | None, typer.Option("--set", metavar="NAME", help="A set; may be repeated.")
]
Tests: TypeAlias = Annotated[bool, typer.Option("--tests", help="With the packages' own tests.")]


def say(text: str) -> None:
    """Tell the user something that is no result."""
    print(f"xsc: {text}", file=sys.stderr, flush=True)


def planned_packages(settings: Settings, wanted: Sequence[str], tests: bool) -> list[Planned]:
    """Return what building the packages behind names of sets and packages takes."""
    root = settings.paths.root
    with interruptible():
        return plan_packages(select(root, wanted), load_known(root), Options(tests), say)


def retry_rule(word: str | None) -> Retry:
    """Return which failed packages are tried again: those of the machine, unless others are asked.

    Raises UsageError for a word that is no cause.
    """
    if word is None:
        return lambda attempt: attempt.cause is Cause.INFRASTRUCTURE
    if word == ALL_FAILED:
        return lambda attempt: True
    try:
        cause = Cause(word)
    except ValueError as error:
        raise UsageError(
            f"{word!r} is no cause of a failure",
            hint=f"write {ALL_FAILED}, or one of {', '.join(Cause)}",
        ) from error

    def rule(attempt: Attempt) -> bool:
        return attempt.cause is cause

    return rule


def farm_jobs(
    settings: Settings, todo: Sequence[Planned], retry: str | None, tests: bool
) -> list[Job]:
    """Return one job per package: this command for it alone, with the same build directory."""
    root, build = settings.paths.root, settings.paths.build
    start = [str(root / "xsc"), "--progress=plain", f"--build-dir={build}", f"-j{settings.jobs}"]
    options = [*(["--tests"] if tests else []), *([f"--retry={retry}"] if retry else [])]
    return [
        Job(package.name, (*start, "packages", "build", package.name, *options), str(root))
        for package in todo
    ]


def run_of(settings: Settings, history: History, retry: Retry, tests: bool) -> Run:
    """Return how packages are built on this machine."""
    return Run(
        lambda: Site(settings.paths, history, make_reporter(settings.progress), settings.jobs),
        lambda names: planned_packages(settings, names, tests),
        retry,
        say,
    )


def packages_build(
    ctx: typer.Context,
    names: Names = None,
    sets: WantedSets = None,
    retry: Annotated[
        str | None, typer.Option(metavar="WHICH", help="Only failed ones: failed, or a cause.")
    ] = None,
    tests: Tests = False,
    farm: Annotated[
        bool, typer.Option("--farm", help="Have the farm build them, each as a job.")
    ] = False,
) -> int:
    """Build source packages in clean trees, whatever fails; again, it goes on where it stopped."""
    settings: Settings = ctx.obj
    rule = retry_rule(retry)
    wanted = [*(names or []), *(sets or [])] or [DEFAULT_SET]
    # Before hours are spent: it may be edited meanwhile, and be wrong for a moment.
    known = load_known(settings.paths.root)
    if retry in (ALL_FAILED, Cause.SOURCE) and not settings.dry_run:
        lost.forget(select(settings.paths.root, wanted))
    planned = planned_packages(settings, wanted, tests)
    with open_history(settings) as history:
        plan = graph_plan(planned, settings.paths, history)
        run = run_of(settings, history, rule, tests)
        site = run.site()
        todo = to_build(planned, plan, site.attempts, rule, retry is not None)
        if settings.dry_run:
            for package in todo:
                left = human_seconds(plan.estimates.get(package.build_step, 0.0))
                print(f"build   {package.name:<20} {package.version} (about {left})")
            return EXIT_OK
        if todo:
            if not farm:
                check_isolation()
            # What packages are built in and from is an ordinary target.
            needs = {need for p in todo for step in p.steps for need in step.needs}
            ensure(settings, sorted(needs - {step.name for p in todo for step in p.steps}))
            plan = graph_plan(planned, settings.paths, history)
            with interruptible():
                if farm:
                    hand_over(settings, farm_jobs(settings, todo, retry, tests))
                    # The jobs may have come to other versions.
                    planned = planned_packages(settings, wanted, tests)
                else:
                    planned = build_all(planned, plan, todo, run)
            plan = graph_plan(planned, settings.paths, history)
        keep(plan, site, plan.cached)
    found = rows(planned, plan, site.attempts, Store(settings.paths.store), known)
    for row in found:
        if not row.settled:
            print(f"{row.source}: {row.words}: {row.detail}" + (f" ({row.log})" if row.log else ""))
    print(totals(found))
    return exit_code(found)
