# SPDX-License-Identifier: MIT
"""How long a farm takes, by the times that jobs have been measured to take."""

from __future__ import annotations

import heapq
import itertools
import json
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from statistics import mean, median

from xsc.errors import UsageError


@dataclass(frozen=True)
class Forecast:
    """What so many jobs take on so many workers. Times are in seconds."""

    measured: int
    jobs: int
    workers: int
    mean: float
    median: float
    longest: float
    work: float
    """Of all jobs together."""
    elapsed: float
    """From the first start to the last end, without any waiting for each other's output."""


class Times(StrEnum):
    """Which of the times that are known of a package."""

    ELAPSED = "seconds"
    PROCESSOR = "processor_seconds"


def measured_seconds(text: str, times: Times = Times.ELAPSED) -> list[float]:
    """Return the times in what `xsc packages status --json` writes: an object per line.

    Packages without such a time, as they have not been built, are left out. Raises UsageError if
    none has one.
    """
    try:
        rows = [json.loads(line) for line in text.splitlines() if line.strip()]
        known = [row.get(times) for row in rows if row.get("state") != "failed"]
        found = [float(seconds) for seconds in known if seconds is not None]
    except (ValueError, TypeError, AttributeError) as error:
        raise UsageError(f"this is not what packages status writes: {error}") from error
    if not found:
        raise UsageError(f"no package in the file has {times}", hint="build some first")
    return found


def forecast(seconds: Sequence[float], jobs: int, workers: int) -> Forecast:
    """Return what `jobs` jobs take if their times are spread like `seconds`.

    The longest start first, each on the worker that is free first.
    """
    times = sorted(itertools.islice(itertools.cycle(sorted(seconds)), jobs), reverse=True)
    free = [0.0] * workers
    for time in times:
        heapq.heapreplace(free, free[0] + time)
    return Forecast(
        measured=len(seconds),
        jobs=jobs,
        workers=workers,
        mean=mean(seconds),
        median=median(seconds),
        longest=max(seconds),
        work=sum(times),
        elapsed=max(free),
    )
