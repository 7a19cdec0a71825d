# SPDX-License-Identifier: MIT
"""`xsc build`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from xsc.build import DEFAULT_PROFILE, complete_target, resolve_target
from xsc.config import Settings
from xsc.graph.executor import Executor
from xsc.graph.expect import check
from xsc.paths import config_home
from xsc.remote.address import AddressBook
from xsc.remote.executor import Policy, RemoteExecutor
from xsc.session import dry_run, ensure, plan_for

REMOTE_SECONDS = 30.0


def build(
    ctx: typer.Context,
    target: Annotated[
        str,
        typer.Argument(
            help="kernel, glibc, rootfs, iso, all, or a step.", autocompletion=complete_target
        ),
    ] = "iso",
    profile: Annotated[str, typer.Option(help="minimal or standard.")] = DEFAULT_PROFILE,
    remote: Annotated[
        str | None,
        typer.Option(metavar="[USER@]HOST", help="Have long steps made on this build server."),
    ] = None,
    remote_policy: Annotated[
        Policy, typer.Option(help="What to do while the server does not answer.")
    ] = Policy.WAIT,
    remote_min: Annotated[
        float, typer.Option(min=0, help="Steps that take fewer seconds are made here.")
    ] = REMOTE_SECONDS,
    expect: Annotated[
        Path | None, typer.Option(help="On a build server: the keys the client has computed.")
    ] = None,
) -> None:
    """Build a target: whatever it needs and is not in the store yet."""
    settings: Settings = ctx.obj
    steps = resolve_target(target, profile)
    if settings.dry_run:
        with helpers(settings, remote, remote_policy, remote_min) as found:
            print("\n".join(dry_run(settings, steps, found)))
        return
    if expect is not None:
        check(plan_for(settings, steps), expect.read_text())
    with helpers(settings, remote, remote_policy, remote_min) as found:
        outputs = ensure(settings, steps, found)
    for name, out in outputs.items():
        print(f"{name}: {out}")


@contextmanager
def helpers(
    settings: Settings, remote: str | None, policy: Policy, minimum: float
) -> Iterator[Sequence[Executor]]:
    """Yield what makes steps elsewhere: nothing, or a build server whose link is closed after."""
    if remote is None:
        yield ()
        return
    address = AddressBook(config_home() / "remotes.toml").find(remote)
    with RemoteExecutor(address, settings.paths, policy, minimum) as executor:
        yield (executor,)
