# SPDX-License-Identifier: MIT
"""`xsc remote`: build servers, and the jobs that were started there."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from xsc.config import Settings
from xsc.errors import EXIT_FAILED, EXIT_INFRA, EXIT_OK, InfraError, StepFailed, XscError
from xsc.graph.store import Store
from xsc.lock import held
from xsc.paths import config_home
from xsc.remote import logs, protocol, records
from xsc.remote.address import Address, AddressBook, check_name, parse
from xsc.remote.backoff import Backoff, Pauses
from xsc.remote.failure import LinkLost
from xsc.remote.fetch import fetch as fetch_entry
from xsc.remote.link import Link
from xsc.remote.records import Record
from xsc.session import interruptible

GIB = 1 << 30

app = typer.Typer(no_args_is_help=True, help="Use build servers and look after their jobs.")
JobName = Annotated[str, typer.Argument(metavar="JOB", help="A step, or the start of a key.")]


def say(text: str) -> None:
    """Tell the user something that is no result."""
    print(f"xsc: {text}", file=sys.stderr, flush=True)


def book() -> AddressBook:
    """Return the file of saved servers."""
    return AddressBook(config_home() / "remotes.toml")


@app.command("add")
def add(
    name: Annotated[str, typer.Argument(help="What to call it.")],
    address: Annotated[str, typer.Argument(metavar="[USER@]HOST[:PORT]", help="Where it is.")],
    ssh_config: Annotated[
        Path | None, typer.Option(help="Configuration of ssh for it, instead of the user's.")
    ] = None,
    accept_new_key: Annotated[
        bool, typer.Option("--accept-new-key", help="Trust its host key if none is known.")
    ] = False,
) -> None:
    """Try a build server out and remember it under a name."""
    check_name(name)
    config = ssh_config.expanduser().absolute() if ssh_config is not None else None
    server = parse(address, config, name)
    with interruptible(), Link(server, accept_new_key=accept_new_key) as link:
        hello = link.connect()
    book().add(name, server)
    print(
        f"{name}: {server.spelling}, {hello.cpus} CPUs, {hello.free / GIB:.1f} GiB free in "
        f"{hello.base}, jobs run under {'systemd' if hello.systemd else 'setsid'}"
    )


@app.command("status")
def status(
    ctx: typer.Context,
    server: Annotated[str | None, typer.Argument(help="Only this one.")] = None,
) -> int:
    """Show the servers that were added or used, whether they answer, and their jobs."""
    settings: Settings = ctx.obj
    if server is not None:
        servers = [book().find(server)]
    else:
        used = [record.address for record in records.load(settings.paths)]
        servers = list({a.spelling: a for a in [*used, *book().load().values()]}.values())
    if not servers:
        say("no build server was added or used yet")
    silent = 0
    with interruptible():
        for address in servers:
            silent += not show_server(address)
    return EXIT_INFRA if silent and server is not None else EXIT_OK


def show_server(address: Address) -> bool:
    """Print what a server says; say whether it said anything."""
    with Link(address) as link:
        try:
            hello = link.connect()
            jobs = protocol.listing(link)
        except InfraError as error:
            print(f"{address.label:<20} {error.message}")
            return False
    manner = "systemd" if hello.systemd else "setsid"
    print(
        f"{address.label:<20} answers; {hello.cpus} CPUs, {hello.free / GIB:.1f} GiB free in "
        f"{hello.base}, {manner}"
    )
    for job in jobs:
        state = job.state if job.code is None else f"{job.state} with exit code {job.code}"
        print(f"  {job.key:<32}  {job.step:<20}  {state}")
    return True


@contextmanager
def joined(ctx: typer.Context, job: str) -> Iterator[tuple[Record, Link]]:
    """Find a job and connect to its server."""
    settings: Settings = ctx.obj
    record = records.find(settings.paths, job)
    saved = book().load().get(record.address.alias or "")
    if saved is not None:
        record = replace(record, address=saved)
    with interruptible(), Link(record.address) as link:
        yield record, link


def write_out(data: bytes) -> None:
    """Print bytes of a log as they are."""
    sys.stdout.buffer.write(data)
    sys.stdout.buffer.flush()


def print_log(record: Record, link: Link, follow: bool) -> protocol.Status:
    """Print the log from its first byte: what is here, then the rest, through lost links."""
    backoff = Backoff(Pauses())
    shown = False
    while True:
        try:
            found = protocol.probe(link, record.key)
            backoff.reset()
            record.align(found.log_id)
            if not shown and record.log.exists():
                write_out(record.log.read_bytes())
            shown = True
            if found.state == "running" and follow:
                logs.follow(link, record, found, write_out)
                continue
            logs.complete(link, record, found, write_out)
            return found
        except LinkLost as error:
            if not follow:
                raise
            say(f"{error.message}; trying again")
            backoff.pause()


@app.command("logs")
def show_logs(
    ctx: typer.Context,
    job: JobName,
    follow: Annotated[
        bool, typer.Option("-f", "--follow", help="Go on until the job has ended.")
    ] = False,
) -> None:
    """Print the log of a job."""
    with joined(ctx, job) as (record, link):
        found = print_log(record, link, follow)
        if found.state == "running" and not follow:
            say("the job runs; --follow goes on with its log")


@app.command("attach")
def attach(ctx: typer.Context, job: JobName) -> int:
    """Print the log of a job until it has ended, then fetch its output. Ctrl-C leaves it alone."""
    with joined(ctx, job) as (record, link):
        found = print_log(record, link, True)
        if found.entry:
            take_over(ctx.obj, record, link)
            return EXIT_OK
        if found.state == "ended":
            message, remedy = logs.verdict(record.log)
            raise StepFailed(f"at {link.address.label}: {message}", hint=remedy)
        raise gone(record, found)


@app.command("fetch")
def fetch(ctx: typer.Context, job: JobName) -> None:
    """Bring the output of a job that has ended into the store."""
    with joined(ctx, job) as (record, link):
        found = protocol.probe(link, record.key)
        if found.state == "running":
            raise XscError(
                f"the job of {record.step} still runs at {link.address.label}",
                hint=f"./xsc remote attach {record.step}",
                exit_code=EXIT_FAILED,
            )
        if not found.entry:
            raise gone(record, found)
        take_over(ctx.obj, record, link)


def take_over(settings: Settings, record: Record, link: Link) -> None:
    """Bring an output into the store and print where it is."""
    store = Store(settings.paths.store)

    def waiting(owner: int | None) -> None:
        say(f"waiting for the xsc with process id {owner}")

    with store.in_use(), held(store.lock_path(record.key), waiting):
        entry = store.get(record.key) or fetch_entry(link, record, store, say)
    print(f"{record.step}: {entry.out}")


def gone(record: Record, found: protocol.Status) -> InfraError:
    """Explain a job without an output."""
    code = "" if found.code is None else f" (exit code {found.code})"
    return InfraError(
        f"the job of {record.step} has no output at {record.address.label}: {found.state}{code}",
        hint="`./xsc build --remote` starts it again",
    )


@app.command("cancel")
def cancel(ctx: typer.Context, job: JobName) -> None:
    """End a job on its server."""
    with joined(ctx, job) as (record, link):
        running = protocol.probe(link, record.key).state == "running"
        link.call("cancel", record.key)
        print(f"{record.step}: {'cancelled' if running else 'did not run'}")
