# SPDX-License-Identifier: MIT
"""`xsc bench remote`: what a build server costs when there is nothing to build."""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from xsc.bench.stats import Figure, figure
from xsc.bootstrap import START
from xsc.build import registry
from xsc.config import Settings
from xsc.errors import InfraError
from xsc.graph.history import History
from xsc.graph.plan import make_plan
from xsc.graph.runner import build
from xsc.paths import Paths, config_home
from xsc.progress import Reporter
from xsc.remote import logs, protocol
from xsc.remote.address import Address, AddressBook
from xsc.remote.executor import RemoteExecutor
from xsc.remote.link import Link
from xsc.remote.records import record_for
from xsc.run import run
from xsc.session import ensure, interruptible

STEP = "agent"
WARM = 1


def say(text: str) -> None:
    """Tell the user what is being done."""
    print(f"xsc: bench: {text}", file=sys.stderr, flush=True)


def median_of(reps: int, action: Callable[[], float]) -> Figure:
    """Return the seconds that `action` reports, of `reps` times after one that does not count."""
    found = figure([action() for _ in range(WARM + reps)][WARM:])
    assert found is not None
    return found


def nothing_to_do(settings: Settings, server: str) -> float:
    """Build what is in the store, by the whole command."""
    source = str(settings.paths.root / "src")
    argv = [sys.executable, "-I", "-c", START, source, "build", STEP, "--remote", server]
    argv += ["--remote-min", "0", "--build-dir", str(settings.paths.build)]
    began = time.monotonic()
    run(argv)
    return time.monotonic() - began


def fetched(settings: Settings, address: Address) -> float:
    """Build with an empty store what the server has: keys, connection, output, checksums."""
    settings.paths.build.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=settings.paths.build) as scratch:
        paths = Paths(settings.paths.root, Path(scratch) / "build", Path(scratch) / "cache")
        began = time.monotonic()
        with (
            History(paths.cache / "history.db", paths.build) as history,
            RemoteExecutor(address, paths) as executor,
        ):
            plan = make_plan([STEP], registry(), paths, history)
            build(plan, paths, history, Reporter(sys.stderr), settings.jobs, (executor,))
        return time.monotonic() - began


def attached_again(settings: Settings, address: Address, key: str, link: Link) -> float:
    """Lose the connection, and catch up with the log of a job."""
    link.connect()
    link.close()
    record = record_for(settings.paths, key, STEP, address)
    record = replace(record, folder=settings.paths.build / "bench" / "remote")
    record.save()
    began = time.monotonic()
    status = protocol.probe(link, key)
    if status.state == "none":
        raise InfraError(
            f"{address.label} knows no job of {STEP}",
            hint="its output was made there as part of another step; use a server without it",
        )
    logs.follow(link, record, status)
    return time.monotonic() - began


def bench_remote(
    ctx: typer.Context,
    server: Annotated[str, typer.Argument(help="As for build --remote.")],
    reps: Annotated[int, typer.Option(min=5, help="Samples of each measure.")] = 7,
) -> None:
    """Measure a build server: nothing to do, an output to fetch, a lost link taken up again."""
    settings: Settings = ctx.obj
    address = AddressBook(config_home() / "remotes.toml").find(server)
    key = make_here(settings)
    with interruptible(), Link(address) as link:
        say("nothing to build")
        rows = [("nothing to build", median_of(reps, lambda: nothing_to_do(settings, server)), 3.0)]
        say("an output to fetch")
        rows.append(
            ("an output to fetch", median_of(reps, lambda: fetched(settings, address)), 3.0)
        )
        say("a lost link")
        again = median_of(reps, lambda: attached_again(settings, address, key, link))
        rows.append(("a lost link taken up again", again, 2.0))
    print(f"{'seconds':<28} {'median':>8} {'least':>8} {'most':>8} {'limit':>8}")
    for name, found, limit in rows:
        print(f"{name:<28} {found.median:8.2f} {found.low:8.2f} {found.high:8.2f} {limit:8.2f}")


def make_here(settings: Settings) -> str:
    """Have the step in the store of this side, and return its key."""
    ensure(settings, [STEP])
    with History(settings.paths.cache / "history.db", settings.paths.build) as history:
        return make_plan([STEP], registry(), settings.paths, history).keys[STEP].key
