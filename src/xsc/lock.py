# SPDX-License-Identifier: MIT
"""File locks that the kernel releases when the last holder dies, however it dies."""

from __future__ import annotations

import fcntl
import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from xsc.run import stopping

POLL_SECONDS = 0.2


class FileLock:
    """An flock on a file that is never deleted (deleting it would let two holders in)."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self.path = path
        self.fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)

    def try_exclusive(self) -> bool:
        """Take the lock alone if nobody else has it; say whether it worked."""
        return self._try(fcntl.LOCK_EX)

    def try_shared(self) -> bool:
        """Take the lock beside other readers if no writer has it; say whether it worked."""
        return self._try(fcntl.LOCK_SH)

    def _try(self, mode: int) -> bool:
        try:
            fcntl.flock(self.fd, mode | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def note_owner(self) -> None:
        """Write this process's id into the file, for those who wait."""
        os.ftruncate(self.fd, 0)
        os.pwrite(self.fd, f"{os.getpid()}\n".encode(), 0)

    def owner(self) -> int | None:
        """Return the process id last written by note_owner(), or None."""
        text = os.pread(self.fd, 32, 0).strip()
        return int(text) if text.isdigit() else None

    def close(self) -> None:
        """Let go of the lock (children that inherited the descriptor still hold it)."""
        os.close(self.fd)


def holders(path: Path) -> list[int]:
    """Return the ids of all other processes that have `path` open."""
    wanted = path.stat()
    found = []
    for proc in Path("/proc").iterdir():
        if not proc.name.isdigit() or int(proc.name) == os.getpid():
            continue
        try:
            descriptors = list((proc / "fd").iterdir())
        except OSError:
            continue
        for descriptor in descriptors:
            try:
                info = descriptor.stat()
            except OSError:
                continue
            if (info.st_dev, info.st_ino) == (wanted.st_dev, wanted.st_ino):
                found.append(int(proc.name))
                break
    return found


def end_orphans(lock: FileLock) -> int:
    """End what an XSC that was killed left running under `lock`; return how many were ended.

    Nothing happens while the owner that took the lock is alive: then its children are at work.
    """
    owner = lock.owner()
    pids = holders(lock.path)
    if owner is None or owner in pids:
        return 0
    for pid in pids:
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            continue
    return len(pids)


@contextmanager
def held(path: Path, on_wait: Callable[[int | None], None]) -> Iterator[FileLock]:
    """Hold `path` exclusively; `on_wait(owner's process id)` is called once if that takes waiting.

    Survivors of a run that was killed are ended instead of being waited for. An interruption of
    this process ends the waiting: KeyboardInterrupt is raised, in whichever thread waits.
    """
    lock = FileLock(path)
    told = False
    try:
        while not lock.try_exclusive():
            if stopping():
                raise KeyboardInterrupt
            if end_orphans(lock):
                continue
            if not told:
                on_wait(lock.owner())
                told = True
            time.sleep(POLL_SECONDS)
        lock.note_owner()
        yield lock
    finally:
        lock.close()
