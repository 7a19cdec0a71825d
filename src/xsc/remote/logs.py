# SPDX-License-Identifier: MIT
"""Logs of jobs: they arrive in a file of the same bytes, in as many pieces as the link allows."""

from __future__ import annotations

import re
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from xsc.remote import failure
from xsc.remote.link import Link
from xsc.remote.protocol import Status
from xsc.remote.records import Record
from xsc.run import stopping

POLL_SECONDS = 0.1
Sink = Callable[[bytes], None]

_PROGRESS = re.compile(r"^(\S+): (\d+)% (.*)$")
_ERROR = "xsc: error: "
_REMEDY = "  remedy: "


def _ignore(data: bytes) -> None:
    del data


def follow(link: Link, record: Record, status: Status, sink: Sink = _ignore) -> None:
    """Let the log arrive until the job has ended; `sink` is given what is new.

    Raises LinkLost if the link breaks before that. What has arrived stays.
    """
    offset = record.align(status.log_id)
    with record.log.open("ab") as file, tempfile.TemporaryFile("w+") as complaints:
        follower = link.follow(record.key, offset, file, complaints)
        news = _news(record.log, offset)
        try:
            while not follower.ended():
                if stopping():
                    raise KeyboardInterrupt
                time.sleep(POLL_SECONDS)
                sink(next(news))
        finally:
            came_to_the_end = follower.end()
        sink(next(news))
        if not came_to_the_end:
            complaints.seek(0)
            raise failure.from_ssh(link.address, complaints.read())


def _news(file: Path, offset: int) -> Iterator[bytes]:
    """Yield what has been added to a file since the last time, without an end."""
    with file.open("rb") as stream:
        stream.seek(offset)
        while True:
            yield stream.read()


def complete(link: Link, record: Record, status: Status, sink: Sink = _ignore) -> None:
    """Have the whole log of a job that has ended; its sum decides whether it is whole.

    A log that was damaged here, by a loss of power for example, is fetched anew.
    """
    if status.log_sum is None:
        return
    record.align(status.log_id)
    if not record.has_whole_log(status.log_sum):
        follow(link, record, status, sink)
    if not record.has_whole_log(status.log_sum):
        record.align("")
        follow(link, record, status)


class Progress:
    """Reads the lines of a builder with --progress=plain; tells how far one step is."""

    def __init__(self, step: str, tell: Callable[[float | None, str], None]) -> None:
        self._step = step
        self._tell = tell
        self._rest = b""

    def feed(self, data: bytes) -> None:
        """Take the next bytes of the log."""
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            match = _PROGRESS.match(line.decode(errors="replace"))
            if match is None:
                continue
            name, percent, text = match.groups()
            if name == self._step:
                self._tell(int(percent) / 100, text)
            else:
                self._tell(None, f"first {name}: {percent}% {text}")


def verdict(log: Path) -> tuple[str, str | None]:
    """Return message and remedy of the last error in a log."""
    lines = log.read_text(errors="replace").splitlines() if log.exists() else []
    starts = [number for number, line in enumerate(lines) if line.startswith(_ERROR)]
    if not starts:
        return "\n".join(lines[-10:]) or "it left no message", None
    message = [lines[starts[-1]].removeprefix(_ERROR)]
    for line in lines[starts[-1] + 1 :]:
        if line.startswith(_REMEDY):
            return "\n".join(message), line.removeprefix(_REMEDY)
        message.append(line)
    return "\n".join(message), None
