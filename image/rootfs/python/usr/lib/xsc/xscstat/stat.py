# SPDX-License-Identifier: MIT
"""`xsc stat`: counters of the system or of one process, once or at intervals."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TextIO

from xscstat.counters import Reading, System, ordered
from xscstat.rates import human, rates, worker_share

HEADER_EVERY = 20
MIN_COLUMN = 6


@dataclass(frozen=True)
class Moment:
    """A reading at a time, in seconds since some beginning."""

    at: float
    reading: Reading


def source(system: System, pid: int | None) -> Callable[[], Reading]:
    """Return what to read: the system, or one process, whose end raises Missing."""
    if pid is None:
        return system.totals
    return lambda: system.wanted(pid).reading


def moments(read: Callable[[], Reading], interval: float, count: int | None) -> Iterator[Moment]:
    """Yield a reading now and one after each interval, `count` intervals or for ever."""
    yield Moment(time.monotonic(), read())
    done = 0
    while count is None or done < count:
        time.sleep(interval)
        yield Moment(time.monotonic(), read())
        done += 1


def record(reading: Reading, seconds: float, found: dict[str, float]) -> dict[str, object]:
    """Return everything known as one JSON object. `seconds` is what the rates are over."""
    values: dict[str, object] = {
        "seconds": round(seconds, 3),
        "facts": reading.facts,
        "totals": reading.counters,
        "rates": {name: round(rate, 3) for name, rate in found.items()},
    }
    share = worker_share(found)
    if share is not None:
        values["worker_share"] = round(share, 4)
    if reading.histogram:
        values["wake_latency_us"] = [list(row) for row in reading.histogram]
    return values


def describe(facts: dict[str, str]) -> str:
    """Return facts on one line, the mode first."""
    names = sorted(facts, key=lambda name: (name != "mode", name))
    return ", ".join(f"{name} {facts[name]}" for name in names)


def totals_plain(reading: Reading, found: dict[str, float], out: TextIO) -> None:
    """Print every counter with its total and its mean rate."""
    print(describe(reading.facts), file=out)
    names = ordered(set(reading.counters))
    width = max([len(name) for name in names] + [7])
    print(f"{'counter':<{width}} {'total':>15} {'per second':>12}", file=out)
    for name in names:
        rate = human(found[name])
        print(f"{name:<{width}} {reading.counters[name]:>15} {rate:>12}", file=out)
    if reading.histogram:
        print("\nwake-ups of workers, microseconds", file=out)
        for limit, count in reading.histogram:
            print(f"{'<= ' + limit:<{width}} {count:>15}", file=out)


def totals_rich(reading: Reading, found: dict[str, float], out: TextIO) -> None:
    """The same for a terminal."""
    from rich.console import Console
    from rich.table import Table

    console = Console(file=out, highlight=False)
    console.print(describe(reading.facts))
    table = Table("counter", box=None, header_style="bold")
    table.add_column("total", justify="right")
    table.add_column("per second", justify="right")
    for name in ordered(set(reading.counters)):
        style = "red" if name == "traps" and reading.counters[name] else ""
        table.add_row(name, str(reading.counters[name]), human(found[name]), style=style)
    console.print(table)
    if reading.histogram:
        _bars(console, reading.histogram)


def _bars(console: object, histogram: tuple[tuple[str, int], ...]) -> None:
    """Draw the histogram with bars whose longest is as wide as a third of a terminal."""
    from rich.console import Console
    from rich.table import Table

    assert isinstance(console, Console)
    most = max(count for _, count in histogram) or 1
    table = Table("microseconds", box=None, header_style="bold", title="wake-ups of workers")
    table.add_column("times", justify="right")
    table.add_column("")
    for limit, count in histogram:
        table.add_row(f"<= {limit}", str(count), "#" * round(26 * count / most))
    console.print(table)


def line(names: list[str], found: dict[str, float]) -> str:
    """Return the rates under the columns that header() made."""
    share = worker_share(found)
    cells = [human(found.get(name, 0.0)).rjust(max(len(name), MIN_COLUMN)) for name in names]
    if "worker" in names:
        cells.append(
            f"{share:.0%}".rjust(MIN_COLUMN) if share is not None else "-".rjust(MIN_COLUMN)
        )
    return " ".join(cells)


def header(names: list[str]) -> str:
    """Return the titles of the columns."""
    cells = [name.rjust(max(len(name), MIN_COLUMN)) for name in names]
    if "worker" in names:
        cells.append("work%".rjust(MIN_COLUMN))
    return " ".join(cells)


def show_totals(system: System, pid: int | None, as_json: bool, out: TextIO) -> None:
    """Print what has been counted since boot, or since a process began."""
    reading = source(system, pid)()
    seconds = system.uptime()
    if pid is not None:
        from xscstat.rates import TICKS

        seconds -= system.wanted(pid).started / TICKS
    found = rates(Reading(), reading, max(seconds, 0.01))
    if as_json:
        print(json.dumps(record(reading, seconds, found)), file=out)
    elif out.isatty():
        totals_rich(reading, found, out)
    else:
        totals_plain(reading, found, out)


def show_rates(
    system: System, pid: int | None, interval: float, count: int | None, as_json: bool, out: TextIO
) -> None:
    """Print one line per interval: each counter's rate."""
    before: Moment | None = None
    lines, titles = 0, ""
    for now in moments(source(system, pid), interval, count):
        if before is None:
            before = now
            continue
        seconds = now.at - before.at
        found = rates(before.reading, now.reading, seconds)
        if as_json:
            print(json.dumps(record(now.reading, seconds, found)), file=out, flush=True)
        else:
            names = ordered(set(found))
            # A counter that has appeared makes another set of columns.
            if lines % HEADER_EVERY == 0 or header(names) != titles:
                titles = header(names)
                print(titles, file=out)
            print(line(names, found), file=out, flush=True)
            lines += 1
        before = now


def run(
    system: System,
    pid: int | None,
    interval: float | None,
    count: int | None,
    as_json: bool,
    out: TextIO | None = None,
) -> int:
    """Do what the command line asks for."""
    target = out if out is not None else sys.stdout
    system.check()
    if interval is None:
        show_totals(system, pid, as_json, target)
    else:
        show_rates(system, pid, interval, count, as_json, target)
    return 0
