# SPDX-License-Identifier: MIT
"""`xsc repo build`."""

from __future__ import annotations

import os
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from xsc.commands.repo_key import key_home
from xsc.config import Settings
from xsc.errors import UsageError
from xsc.repo.keys import open_keys
from xsc.repo.publish import DEFAULT_SUITE, Request, find_debs, publish
from xsc.reporters import make_reporter
from xsc.session import dry_run, ensure, interruptible

OWN_STEPS = ("glibc", "kernel", "toolchain")
ESTIMATE_SECONDS = 10.0


def parse_date(text: str | None) -> int | None:
    """Return seconds since 1970 for `now`, a day (2026-11-22, midnight UTC) or a number.

    Without a text it is SOURCE_DATE_EPOCH of the environment, or None. UsageError for anything
    else.
    """
    text = text if text is not None else os.environ.get("SOURCE_DATE_EPOCH")
    if text is None:
        return None
    if text == "now":
        return int(time.time())
    try:
        if text.isdigit():
            return int(text)
        return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp())
    except ValueError as error:
        raise UsageError(
            f"{text!r} is no date", hint="write now, 2026-11-22, or seconds since 1970"
        ) from error


def own_packages(settings: Settings) -> list[Path]:
    """Return where XSC's own packages are, and those that `xsc packages build` made here."""
    own = [out / "debs" for out in ensure(settings, OWN_STEPS).values()]
    return [*own, *sorted(settings.paths.links.glob("package-*/debs"))]


def repo_build(
    ctx: typer.Context,
    places: Annotated[
        list[Path] | None,
        typer.Argument(metavar="[PLACE]...", help="Packages, or directories that hold them."),
    ] = None,
    out: Annotated[Path | None, typer.Option(metavar="DIR", help="Where it goes.")] = None,
    suite: Annotated[str, typer.Option(help="Its name in apt's list of sources.")] = DEFAULT_SUITE,
    date: Annotated[
        str | None, typer.Option(help="now, a day, or seconds: else that of the newest package.")
    ] = None,
    valid_days: Annotated[
        int | None, typer.Option(min=1, metavar="N", help="apt refuses it N days after its date.")
    ] = None,
) -> None:
    """Make a signed repository of packages: XSC's own, unless PLACEs are given."""
    settings: Settings = ctx.obj
    target = (out or settings.paths.build / "repository").absolute()
    when = parse_date(date)
    if settings.dry_run:
        print("\n".join(dry_run(settings, () if places else OWN_STEPS)))
        print(f"write   {target}")
        return
    with open_keys(key_home()) as store, interruptible():
        store.keyring()
        sources = places or own_packages(settings)
        request = Request(find_debs(sources), target, suite, when, valid_days)
        reporter = make_reporter(settings.progress)
        try:
            reporter.started("repository", ESTIMATE_SECONDS)
            began = time.monotonic()
            made = publish(
                request, store, lambda done, text: reporter.update("repository", done, text)
            )
            reporter.finished("repository", time.monotonic() - began)
        finally:
            reporter.close()
    day = datetime.fromtimestamp(made.date, UTC)
    print(f"{made.out}: {made.packages} packages, {made.size / 1e6:.1f} MB, dated {day:%F %T} UTC")
