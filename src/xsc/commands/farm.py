# SPDX-License-Identifier: MIT
"""`xsc farm`: jobs on many machines."""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from xsc.config import Settings
from xsc.errors import EXIT_FAILED, EXIT_INFRA, EXIT_OK, InfraError, UsageError
from xsc.farm import processes, site
from xsc.farm.client import Api, Outcome, submit, wait_for_jobs
from xsc.farm.estimate import Times, forecast, measured_seconds
from xsc.farm.job import Job, read_jobs
from xsc.progress import human_seconds
from xsc.remote.address import parse
from xsc.run import interactive
from xsc.session import interruptible

NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_-]{0,48}\Z")
WORKERS = "workers"

app = typer.Typer(no_args_is_help=True, help="Run jobs on many machines, by way of Buildbot.")


def say(text: str) -> None:
    """Tell the user something that is no result."""
    print(f"xsc: {text}", file=sys.stderr, flush=True)


def farm_folder(settings: Settings) -> Path:
    """Return the directory of the farm of this build directory."""
    return settings.paths.build / "farm"


def existing(settings: Settings) -> site.Setup:
    """Return the setup of the farm; raise InfraError if there is none."""
    setup = site.load(farm_folder(settings))
    if setup is None:
        raise InfraError("there is no farm here", hint="./xsc farm up starts one")
    return setup


def text_of(file: Path) -> str:
    """Return the content of a file that the user has named; raise UsageError if there is none."""
    try:
        return file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"cannot read {file}: {error}") from error


def check_names(names: Sequence[str]) -> None:
    """Raise UsageError for a name that no worker may have."""
    for name in names:
        if not NAME.match(name) or name == processes.MASTER:
            raise UsageError(f"{name!r} cannot be the name of a worker", hint="letters, digits, -")


@app.command("up")
def up(
    ctx: typer.Context,
    workers: Annotated[int, typer.Option(min=0, max=64, help="Workers on this machine.")] = 2,
    accept: Annotated[
        list[str] | None, typer.Option(help="Name of a worker that will dial in. Repeatable.")
    ] = None,
    listen: Annotated[str, typer.Option(help="Address for workers to dial.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=1, max=65535, help="Of the status page.")] = 8010,
    worker_port: Annotated[int, typer.Option(min=1, max=65535, help="For workers.")] = 9989,
    database: Annotated[
        str, typer.Option(help="sqlite:///state.sqlite, or postgresql://...")
    ] = site.Setup.database,
) -> None:
    """Start a master and workers on this machine, or what of them does not run."""
    settings: Settings = ctx.obj
    folder = farm_folder(settings)
    folder.mkdir(parents=True, exist_ok=True)
    known = site.load(folder) or site.Setup()
    local = [f"local-{number}" for number in range(1, workers + 1)]
    check_names(accept or ())
    setup = replace(
        known,
        port=port,
        worker_port=worker_port,
        listen=listen,
        database=database,
        workers=site.with_workers(known.workers, [*local, *(accept or ())]),
    )
    with interruptible():
        if setup != known and processes.running(folder / processes.MASTER) is not None:
            say("the farm is set up in another way now: starting it anew")
            processes.down(folder)
        site.save(folder, setup)
        processes.up(folder, setup, local)
        processes.wait_for(folder, Api(setup).answers)
    for name in accept or ():
        passwords = folder / WORKERS
        passwords.mkdir(exist_ok=True, mode=0o700)
        processes.write_private(passwords / name, setup.workers[name])
        print(f"{name}: its password is in {passwords / name}")
    print(f"status page: {setup.url}")


@app.command("down")
def down(ctx: typer.Context) -> None:
    """End the farm on this machine. What is in its queue stays there."""
    settings: Settings = ctx.obj
    ended = processes.down(farm_folder(settings))
    print(f"ended: {', '.join(ended)}" if ended else "nothing ran")


@app.command("status")
def status(ctx: typer.Context) -> int:
    """Show workers and queue."""
    settings: Settings = ctx.obj
    setup = existing(settings)
    try:
        load = Api(setup).load()
    except InfraError as error:
        print(error.message)
        return EXIT_INFRA
    print(f"status page: {setup.url}")
    print(f"jobs: {load.running} running, {load.waiting} waiting")
    for name, connected in sorted(load.workers.items()):
        print(f"  {name:<20} {'connected' if connected else 'away'}")
    return EXIT_OK


@app.command("run")
def run(
    ctx: typer.Context,
    file: Annotated[Path, typer.Argument(help="JSON lines with name, argv and workdir.")],
) -> int:
    """Hand jobs over to the farm and wait for them. Interrupted, it joins them the next time."""
    settings: Settings = ctx.obj
    jobs = read_jobs(text_of(file), str(file))
    with interruptible():
        outcomes = hand_over(settings, jobs)
    return EXIT_OK if all(outcome.passed for outcome in outcomes) else EXIT_FAILED


def hand_over(settings: Settings, jobs: Sequence[Job]) -> list[Outcome]:
    """Have jobs done by the farm, saying how each one ends.

    Raises InfraError if there is no farm, or it goes away and stays away.
    """
    setup = existing(settings)
    api = Api(setup)
    requests, joined = submit(api, jobs)
    say(f"{len(requests) - joined} jobs handed over, {joined} joined; see {setup.url}")
    left = len(requests)

    def tell(outcome: Outcome) -> None:
        nonlocal left
        left -= 1
        page = f"; {setup.url}#/buildrequests/{outcome.request}" if not outcome.passed else ""
        say(f"{outcome.job.name}: {outcome.word}; {left} left{page}")

    return wait_for_jobs(api, requests, tell)


@app.command("estimate")
def estimate(
    file: Annotated[Path, typer.Argument(help="What packages status --json has written.")],
    packages: Annotated[int, typer.Option(min=1, help="How many are to be built.")] = 2600,
    machines: Annotated[int, typer.Option(min=1, help="On how many machines.")] = 10,
    workers: Annotated[int, typer.Option(min=1, help="Workers on each machine.")] = 1,
    processor_time: Annotated[
        bool,
        typer.Option("--processor-time", help="A worker is a processor: leave out what waited."),
    ] = False,
) -> None:
    """Say how long packages would take on a farm, by the times of those that were built."""
    times = Times.PROCESSOR if processor_time else Times.ELAPSED
    found = forecast(measured_seconds(text_of(file), times), packages, machines * workers)
    print(
        f"measured      {found.measured} packages: mean {human_seconds(found.mean)}, median ",
        end="",
    )
    print(f"{human_seconds(found.median)}, longest {human_seconds(found.longest)}")
    print(f"all work      {human_seconds(found.work)} for {found.jobs} packages like these")
    print(f"elapsed       {human_seconds(found.elapsed)} with {found.workers} workers")


@app.command("worker")
def worker(
    ctx: typer.Context,
    master: Annotated[str, typer.Argument(metavar="HOST[:PORT]", help="Of the farm.")],
    name: Annotated[str, typer.Argument(help="As given to farm up --accept.")],
    password_file: Annotated[Path, typer.Option(help="As printed by farm up --accept.")],
) -> int:
    """Be a worker of a farm elsewhere, until Ctrl-C. It dials in again after a lost link."""
    settings: Settings = ctx.obj
    check_names([name])
    address = parse(master)
    folder = processes.prepare_worker(
        farm_folder(settings) / name,
        address.host,
        address.port or site.Setup.worker_port,
        name,
        text_of(password_file).strip(),
    )
    return interactive(processes.twistd("--nodaemon"), cwd=folder)
