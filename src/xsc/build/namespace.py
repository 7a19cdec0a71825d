# SPDX-License-Identifier: MIT
"""Trees that belong to root without being root: user namespaces, and directories they can reach."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from xsc.graph.step import StepContext


def as_root() -> list[str]:
    """Return words that make a command root, in a user namespace if it is not root already."""
    return [] if os.geteuid() == 0 else ["unshare", "--map-auto", "--map-root-user"]


def isolated() -> list[str]:
    """Return words that run a command as root with mounts, processes and network of its own.

    When the command's parent dies, all processes of the namespace die with it.
    """
    mapped = [] if os.geteuid() == 0 else ["--map-auto", "--map-root-user"]
    return [
        *("unshare", *mapped, "--mount", "--propagation", "private", "--ipc", "--uts", "--net"),
        *("--pid", "--fork", "--kill-child"),
    ]


@contextmanager
def stage(context: StepContext) -> Iterator[Path]:
    """Give an empty directory that a namespace's users can pass through; remove it afterwards.

    Without root that is not the scratch directory of the step: a home directory of mode 0700 stands
    in the way.
    """
    if os.geteuid() == 0:
        place = context.work / "stage"
    else:
        place = Path(tempfile.gettempdir()) / f"xsc-{os.getuid()}-{context.work.name}"
    remove(context, place)
    place.mkdir(mode=0o755)
    try:
        yield place
    finally:
        remove(context, place)


def remove(context: StepContext, place: Path) -> None:
    """Delete a tree, also one with files of the namespace's users."""
    shutil.rmtree(place, ignore_errors=True)
    if place.exists():
        context.run([*as_root(), "rm", "-rf", place])
