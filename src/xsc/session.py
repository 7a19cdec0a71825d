# SPDX-License-Identifier: MIT
"""Bring targets up to date on behalf of a command, with progress and clean interruption."""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

import typer

from xsc.bootstrap import PACKAGES, missing_packages, wanted_packages
from xsc.build import registry
from xsc.config import Settings
from xsc.errors import EXIT_INTERRUPTED, InfraError
from xsc.graph.executor import Executor
from xsc.graph.history import History
from xsc.graph.plan import Plan, closure, make_plan
from xsc.graph.runner import build
from xsc.graph.step import Step
from xsc.graph.store import Store
from xsc.progress import human_seconds
from xsc.reporters import make_reporter


def open_history(settings: Settings) -> History:
    """Open the record of earlier builds of this build directory."""
    return History(settings.paths.cache / "history.db", settings.paths.build)


@contextmanager
def interruptible() -> Iterator[None]:
    """Turn SIGTERM and SIGHUP into the same clean end as Ctrl-C, and say how to go on."""

    def interrupt(number: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    before = {
        number: signal.signal(number, interrupt) for number in (signal.SIGTERM, signal.SIGHUP)
    }
    try:
        yield
    except KeyboardInterrupt:
        print(
            "xsc: interrupted; finished steps are kept, run the same command again to go on",
            file=sys.stderr,
        )
        raise typer.Exit(EXIT_INTERRUPTED) from None
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def plan_for(
    settings: Settings, steps: Iterable[str], known: Mapping[str, Step] | None = None
) -> Plan:
    """Compute what bringing `steps` up to date takes; `known` are other steps than the usual."""
    with open_history(settings) as history:
        return make_plan(steps, known or registry(), settings.paths, history)


def describe(plan: Plan, helpers: Sequence[Executor] = ()) -> list[str]:
    """Return the plan as lines for people."""
    lines = []
    for name in plan.order:
        if name in plan.missing:
            places = [helper.name for helper in helpers if helper.wants(plan.steps[name])]
            where = f" at {places[0]}" if places else ""
            lines.append(f"build   {name:<20} about {human_seconds(plan.estimates[name])}{where}")
        elif name in plan.cached:
            lines.append(f"cached  {name:<20} {plan.keys[name].key}")
    return lines


def dry_run(
    settings: Settings,
    steps: Iterable[str],
    helpers: Sequence[Executor] = (),
    known: Mapping[str, Step] | None = None,
    verb: str | None = None,
) -> list[str]:
    """Return what bringing `steps` up to date for `verb` would do, as lines; change nothing."""
    wanted = wanted_packages(PACKAGES, verb)
    lines = [f"install {name:<20} {wanted[name]}" for name in missing_packages(list(wanted))]
    try:
        return [*lines, *describe(plan_for(settings, steps, known), helpers)]
    except InfraError as error:
        # Keys hold versions of host tools. Without the tools the order is known, the cache is not.
        lines.append(f"unknown which of these are cached, because {error.message}:")
        every = known or registry()
        return lines + [
            f"build   {name:<20} about {human_seconds(every[name].estimate)}"
            for name in closure(steps, every)
        ]


def ensure(
    settings: Settings,
    steps: Iterable[str],
    helpers: Sequence[Executor] = (),
    known: Mapping[str, Step] | None = None,
) -> Mapping[str, Path]:
    """Build what is missing of `steps` and return their output directories.

    `helpers` make the steps they want; the others are made on this machine. `known` are the steps
    to choose from, if not those of the registry.

    Raises StepFailed or InfraError if a step fails, typer.Exit(130) if the user interrupts.
    """
    with interruptible(), open_history(settings) as history:
        plan = make_plan(steps, known or registry(), settings.paths, history)
        reporter = make_reporter(settings.progress)
        try:
            build(plan, settings.paths, history, reporter, settings.jobs, helpers)
        finally:
            reporter.close()
    store = Store(settings.paths.store)
    found = {name: store.get(plan.keys[name].key) for name in plan.targets}
    return {name: entry.out for name, entry in found.items() if entry is not None}
