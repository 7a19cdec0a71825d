# SPDX-License-Identifier: MIT
"""What happened between two readings, per second."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass

from xscstat.counters import Process, Reading

TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Busy:
    """A process with its rates per second and the share of one CPU that it used."""

    process: Process
    rates: dict[str, float]
    cpu: float


def rates(before: Reading, after: Reading, seconds: float) -> dict[str, float]:
    """Return the rate of every counter of `after`, in events per second.

    One that is new, or less than before, has begun anew: it counts from zero.
    """
    found = {}
    for name, value in after.counters.items():
        start = before.counters.get(name, 0)
        found[name] = (value - start if value >= start else value) / seconds
    return found


def worker_share(values: Mapping[str, float]) -> float | None:
    """Return which part of the requests workers executed, None where nothing says so."""
    calls = values.get("calls", 0)
    return values["worker"] / calls if calls and "worker" in values else None


def busy(before: Mapping[int, Process], after: Mapping[int, Process], seconds: float) -> list[Busy]:
    """Return the processes that are there now. A new one counts from its start."""
    found = []
    for pid, process in after.items():
        old = before.get(pid)
        if old is not None and old.started != process.started:
            old = None
        reading, ticks = (old.reading, old.cpu_ticks) if old else (Reading(), 0)
        cpu = (process.cpu_ticks - ticks) / TICKS / seconds
        found.append(Busy(process, rates(reading, process.reading, seconds), cpu))
    return found


def by_rate(found: list[Busy], name: str) -> list[Busy]:
    """Return processes with the greatest rate of a counter (or `cpu`) first."""

    def key(one: Busy) -> tuple[float, float, int]:
        value = one.cpu if name == "cpu" else one.rates.get(name, 0.0)
        return (-value, -one.cpu, one.process.pid)

    return sorted(found, key=key)


def human(value: float) -> str:
    """Write a rate in at most six characters."""
    for unit, size in (("G", 1e9), ("M", 1e6), ("k", 1e3)):
        if value >= 10 * size:
            scaled = value / size
            return f"{scaled:.1f}{unit}" if scaled < 100 else f"{scaled:.0f}{unit}"
    if value >= 10 or value == 0:
        return f"{value:.0f}"
    return f"{value:.1f}" if value >= 1 else f"{max(value, 0.01):.2f}"
