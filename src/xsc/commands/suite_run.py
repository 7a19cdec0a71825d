# SPDX-License-Identifier: MIT
"""`xsc suite run`, or `xsc suite NAME`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from xsc.config import Settings
from xsc.errors import EXIT_FAILED, EXIT_OK
from xsc.session import dry_run, ensure
from xsc.suites import boot, gate, reviewed, rows, summary
from xsc.suites.guest import Guest
from xsc.suites.lanes import Lane
from xsc.suites.model import Suite
from xsc.suites.registry import SUITES, find
from xsc.suites.runner import run_tests, select
from xsc.vm import artifacts
from xsc.vm.accel import probe
from xsc.vm.terminal import ended_by_signals


def say(text: str) -> None:
    """Tell the user something that is no result."""
    print(f"xsc: {text}", file=sys.stderr, flush=True)


def _guest(
    settings: Settings, suite: Suite, lane: Lane, overrides: artifacts.Overrides, stretch: float
) -> Guest:
    describe = boot.machine(
        suite,
        lane,
        overrides,
        lambda steps: ensure(settings, steps),
        probe(say),
        settings.paths.logs,
        stretch,
    )
    return Guest(describe, lane, suite, stretch=stretch)


def _run(
    suite: Suite, lane: Lane, guest: Guest, only: list[str], missing: bool, folder: Path
) -> list[rows.Row]:
    """Run the tests, keep every row as soon as it is there, and return the new ones."""
    excluded = [entry.test for entry in reviewed.load(suite.name).excluded]
    guest.start()
    tests = select(suite.tests(guest.shell), only, excluded)
    path = summary.results(folder, suite.name, lane)
    kept = rows.read(path)
    if missing:
        tests = [test for test in tests if test.name not in kept]
    stock = {}
    if lane is not Lane.STOCK:
        stock = rows.read(summary.results(folder, suite.name, Lane.STOCK))
    say(f"{suite.name}, lane {lane}, kernel {guest.kernel}: {len(tests)} tests")
    new = []
    for number, found in enumerate(run_tests(suite, tests, lane, guest, stock), 1):
        whole = found[0]
        new += found
        # What an earlier run said of this test and its parts is out of date.
        kept = rows.without(kept, whole.test) | {row.test: row for row in found}
        rows.write(path, kept.values())
        print(summary.line(number, len(tests), found), flush=True)
    return new


def suite_run(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(help=f"One of: {', '.join(SUITES)}.")],
    lane: Annotated[Lane, typer.Option(help="Who executes the calls.")] = Lane.CALLER,
    only: Annotated[
        list[str] | None, typer.Option(metavar="PATTERN", help="Only tests that match.")
    ] = None,
    missing: Annotated[
        bool, typer.Option("--missing", help="Only tests without a result in this lane.")
    ] = False,
    stretch: Annotated[
        float, typer.Option(min=0.1, metavar="N", help="Multiply all time limits: a busy host.")
    ] = 1.0,
    list_tests: Annotated[bool, typer.Option("--list", help="Name the tests, run none.")] = False,
    json: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write this run's rows, one per line.")
    ] = None,
    kernel_image: Annotated[
        Path | None, typer.Option(help="Kernel to boot, straight from a build tree.")
    ] = None,
) -> int:
    """Run a suite in the guest. In another lane than stock, compare with stock's results."""
    settings: Settings = ctx.obj
    suite = find(name)
    overrides = artifacts.Overrides(kernel=kernel_image)
    if settings.dry_run:
        print("\n".join(dry_run(settings, boot.steps(suite, lane, overrides))))
        return EXIT_OK
    folder = settings.paths.build / "suites"
    guest = _guest(settings, suite, lane, overrides, stretch)
    with ended_by_signals():
        try:
            if list_tests:
                print("\n".join(test.name for test in suite.tests(guest.shell)))
                return EXIT_OK
            new = _run(suite, lane, guest, only or [], missing, folder)
            guest.end()
        finally:
            guest.discard()
    if json is not None:
        rows.write(json, new)
    print(summary.counts(new))
    stock = rows.read(summary.results(folder, suite.name, Lane.STOCK))
    if lane is Lane.STOCK or not stock:
        return EXIT_OK
    mine = {row.test: row for row in new}
    decision = gate.decide(lane, stock, mine, reviewed.load(suite.name))
    print("\n".join(summary.decision(decision)))
    return EXIT_OK if decision.passed else EXIT_FAILED
