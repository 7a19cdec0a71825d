# SPDX-License-Identifier: MIT
"""How far a compilation is, told by the commands in its log."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from xsc.graph.step import StepContext

INTERVAL_SECONDS = 2.0


@contextmanager
def meter(
    ctx: StepContext, mark: bytes, expected: int, span: tuple[float, float], text: str
) -> Iterator[None]:
    """Report progress while the body runs a build that prints one `mark` per unit of work.

    `expected` marks make the whole of `span`, a range of fractions of the step. The number need
    not be exact: it is a display.
    """
    log = Path(ctx.log.name)
    start = log.stat().st_size
    done = threading.Event()
    first, last = span

    def report() -> None:
        count = 0
        position = start
        while not done.wait(INTERVAL_SECONDS):
            with log.open("rb") as stream:
                stream.seek(position)
                news = stream.read()
            count += news.count(mark)
            position += len(news)
            ctx.progress(first + (last - first) * min(count / expected, 1.0), text)

    thread = threading.Thread(target=report, name="meter", daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()
