# SPDX-License-Identifier: MIT
"""`xsc test`."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Annotated

import typer

from xsc.bootstrap import TESTS
from xsc.build import TEST_STEPS
from xsc.config import Settings
from xsc.errors import EXIT_FAILED, EXIT_INTERRUPTED, EXIT_OK, EXIT_USAGE, UsageError
from xsc.run import interactive, quote
from xsc.session import dry_run, ensure
from xsc.suites.lanes import Lane

UNIT_PATHS = ("tests/unit", "tests/test_linters.py", "tests/test_layers.py", "tests/test_docs.py")
VM_PATHS = ("tests/vm",)
PYTEST_INTERRUPTED = 2
PYTEST_USAGE = 4


def pytest_argv(
    settings: Settings,
    *,
    unit: bool = False,
    vm: bool = False,
    lane: Lane | None = None,
    keyword: str | None = None,
    extra: Sequence[str] = (),
) -> list[str]:
    """Return the pytest command line for a selection; without one, everything runs."""
    names: list[str] = []
    if unit:
        names += [name for name in UNIT_PATHS if (settings.paths.root / name).exists()]
    if vm or lane is not None:
        names += VM_PATHS
    argv = [sys.executable, "-m", "pytest", "-v", "-p", "no:cacheprovider"]
    if keyword is not None:
        argv += ["-k", keyword]
    if lane is not None:
        argv += ["--lane", lane.value]
    return [*argv, *extra, *names]


def exit_code(pytest_code: int) -> int:
    """Translate pytest's exit code; a run in which no test was collected has failed."""
    known = {0: EXIT_OK, PYTEST_INTERRUPTED: EXIT_INTERRUPTED, PYTEST_USAGE: EXIT_USAGE}
    return known.get(pytest_code, EXIT_FAILED)


def test(
    ctx: typer.Context,
    keyword: Annotated[
        str | None, typer.Option("-k", help="Only tests whose names match this expression.")
    ] = None,
    unit: Annotated[bool, typer.Option("--unit", help="Only host tests; builds nothing.")] = False,
    vm: Annotated[bool, typer.Option("--vm", help="Only tests in virtual machines.")] = False,
    lane: Annotated[
        Lane | None,
        typer.Option(help="Only programs in machines of this lane; all of those there are."),
    ] = None,
    extra: Annotated[
        list[str] | None, typer.Argument(help="Further arguments for pytest, after --.")
    ] = None,
) -> int:
    """Build what the tests need, then run them: host tests, linters, virtual machines."""
    settings: Settings = ctx.obj
    if unit and (vm or lane is not None):
        raise UsageError(
            f"--unit and {'--vm' if vm else '--lane'} exclude each other",
            hint="give neither to run all",
        )
    argv = pytest_argv(settings, unit=unit, vm=vm, lane=lane, keyword=keyword, extra=extra or [])
    if settings.dry_run:
        if not unit:
            print("\n".join(dry_run(settings, TEST_STEPS, verb=TESTS)))
        print(quote(argv))
        return EXIT_OK
    if not unit:
        ensure(settings, TEST_STEPS)
    env = {"XSC_BUILD_DIR": str(settings.paths.build), "XSC_JOBS": str(settings.jobs)}
    return exit_code(interactive(argv, cwd=settings.paths.root, env=env))
