# SPDX-License-Identifier: MIT
"""`xsc build`."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from xsc.build import DEFAULT_PROFILE, complete_target, registry, resolve_target
from xsc.config import Settings
from xsc.errors import UsageError
from xsc.graph.executor import Executor
from xsc.graph.expect import check
from xsc.graph.step import Step
from xsc.paths import config_home
from xsc.remote.address import AddressBook
from xsc.remote.executor import Policy, RemoteExecutor
from xsc.session import dry_run, ensure, plan_for

REMOTE_SECONDS = 30.0


class Origin(StrEnum):
    """Where the packages of an image come from."""

    DEBIAN = "debian"
    REBUILT = "rebuilt"


def rebuilt_image(settings: Settings, profile: str) -> Mapping[str, Step]:
    """Return the steps with those of the image that holds what `xsc packages build` has made."""
    # Only here: nobody else who builds needs the packages half.
    from xsc.commands.packages_build import planned_packages
    from xsc.packages import image
    from xsc.packages.builder import graph_plan
    from xsc.session import open_history

    names = image.sources(settings.paths.root, profile)
    # Asking apt about a package that was never built would take seconds for nothing.
    tried = [name for name in names if (settings.paths.links / f"package-{name}").exists()]
    planned = planned_packages(settings, tried, tests=False) if tried else []
    with open_history(settings) as history:
        plan = graph_plan(planned, settings.paths, history)
    built = [one.name for one in planned if one.steps and one.build_step not in plan.missing]
    made = image.with_rebuilt(profile, planned, built)
    others = sorted(set(names) - {*made.rebuilt, image.LIBC})
    text = f"{len(made.rebuilt)} of {len(names) - 1} source packages are rebuilt"
    if others:
        older = {name: f"{name} (built here from an older source)" for name in made.older}
        text += f"; Debian's: {', '.join(older.get(name, name) for name in others)}"
    print(f"xsc: {text}", file=sys.stderr, flush=True)
    return made.steps


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
    packages: Annotated[
        Origin, typer.Option(help="Debian's binaries, or those built here where there are any.")
    ] = Origin.DEBIAN,
) -> None:
    """Build a target: whatever it needs and is not in the store yet."""
    settings: Settings = ctx.obj
    steps = resolve_target(target, profile)
    known: Mapping[str, Step] | None = None
    if packages is Origin.REBUILT:
        if not set(steps) & {f"iso-{profile}", f"rootfs-{profile}"}:
            raise UsageError(
                f"{target} is made of no packages", hint="--packages belongs to iso and rootfs"
            )
        known = rebuilt_image(settings, profile)
        steps = tuple(f"{name}-rebuilt" for name in steps)
    if settings.dry_run:
        with helpers(settings, remote, remote_policy, remote_min) as found:
            print("\n".join(dry_run(settings, steps, found, known)))
        return
    if expect is not None:
        check(plan_for(settings, steps), expect.read_text())
    with helpers(settings, remote, remote_policy, remote_min) as found:
        outputs = ensure(settings, steps, found, known)
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
    # What ./xsc build can make there, it can make by name.
    with RemoteExecutor(address, settings.paths, policy, minimum, names=registry()) as executor:
        yield (executor,)
