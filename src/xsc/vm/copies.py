# SPDX-License-Identifier: MIT
"""Directories of the host that a guest gets as its own, by one archive instead of file by file."""

from __future__ import annotations

import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from xsc.vm.errors import BootTimeout, CommandTimeout, GuestRefused

if TYPE_CHECKING:
    from xsc.vm.machine import Machine


@dataclass(frozen=True)
class Copy:
    """A host directory whose content the guest has in `guest`, in its own file system.

    Everything belongs to root there. A share of the same directory would not do where the file
    system matters: 9p knows no setuid, and each call on it is a call on the host's.
    """

    host: Path
    guest: str


def unpack_argv(copy: Copy) -> list[str]:
    """Return the command that reads the archive of `copy` in the guest."""
    script = 'mkdir -p "$1" && exec tar --extract --preserve-permissions --file - -C "$1"'
    return ["sh", "-c", script, "sh", copy.guest]


@contextmanager
def archive(copy: Copy) -> Iterator[int]:
    """Give a descriptor at the beginning of a tar archive of a directory; it has no name."""
    with tempfile.TemporaryFile() as file:
        with tarfile.open(fileobj=file, mode="w") as made:
            made.add(copy.host, arcname=".", filter=_of_root)
        file.seek(0)
        yield file.fileno()


def bring(machine: Machine, copy: Copy, seconds: float) -> None:
    """Make a copy in a guest. Raises BootTimeout after `seconds`, and GuestRefused."""
    with archive(copy) as file:
        try:
            done = machine.run(unpack_argv(copy), input=file, timeout=seconds)
        except CommandTimeout as error:
            raise BootTimeout(
                f"copying {copy.host} to {copy.guest}: {error.message}", hint=error.hint
            ) from error
    if done.code != 0:
        words = done.start_error or done.stderr.decode(errors="replace").strip()
        raise GuestRefused(
            f"the guest could not copy {copy.host} to {copy.guest}: {words}",
            hint="its root file system needs sh and tar, and room in memory",
        )


def _of_root(member: tarfile.TarInfo) -> tarfile.TarInfo:
    member.uid = member.gid = 0
    member.uname = member.gname = "root"
    return member
