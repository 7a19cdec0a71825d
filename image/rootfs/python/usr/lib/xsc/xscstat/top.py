# SPDX-License-Identifier: MIT
"""`xsc top`: the processes that make the most calls."""

from __future__ import annotations

import json
import os
import pwd
import select
import sys
import termios
import time
import tty
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, TextIO

from xscstat.counters import Process, Reading, System, ordered
from xscstat.rates import Busy, busy, by_rate, human, rates, worker_share

if TYPE_CHECKING:
    from rich.table import Table

# Columns that tell most. A terminal shows as many as it is wide, everything else shows all.
PREFERRED = ("calls", "worker", "caller_class", "caller_idle", "parked", "punted", "bells", "traps")
INTERVAL = 2.0


@dataclass(frozen=True)
class Options:
    """What the user asked for. Without `count`, for ever on a terminal and once elsewhere."""

    interval: float = INTERVAL
    count: int | None = None
    lines: int | None = None
    sort: str = "calls"
    as_json: bool = False


@dataclass(frozen=True)
class Picture:
    """The system over one interval of `seconds`."""

    seconds: float
    facts: dict[str, str]
    rates: dict[str, float]
    found: list[Busy]


def picture(
    before: tuple[Reading, dict[int, Process]],
    after: tuple[Reading, dict[int, Process]],
    seconds: float,
    sort: str,
) -> Picture:
    """Compare two looks at the system."""
    found = by_rate(busy(before[1], after[1], seconds), sort)
    return Picture(seconds, after[0].facts, rates(before[0], after[0], seconds), found)


def columns(shown: Picture) -> list[str]:
    """Return the counters that some process has, the most telling first."""
    names = {name for one in shown.found for name in one.rates}
    first = [name for name in PREFERRED if name in names]
    return first + ordered(names.difference(first))


def user_name(number: int) -> str:
    """Return a user's name, or its number if it has none."""
    try:
        return pwd.getpwuid(number).pw_name
    except KeyError:
        return str(number)


def summary(shown: Picture) -> list[str]:
    """Return the lines above the table."""
    total = [f"{human(rate)} {name}" for name, rate in shown.rates.items() if rate]
    busy_now = sum(1 for one in shown.found if one.rates.get("calls"))
    mode = shown.facts.get("mode", "unknown")
    workers = shown.facts.get("workers")
    share = worker_share(shown.rates)
    first = f"mode {mode}" + (f", workers {workers}" if workers else "")
    if share is not None:
        first += f", {share:.0%} of calls by workers"
    first += f"; {len(shown.found)} processes, {busy_now} made calls in {shown.seconds:.1f} s"
    return [first, "per second: " + (", ".join(total) or "nothing")]


def cells(one: Busy, names: list[str]) -> list[str]:
    """Return one row."""
    process = one.process
    values = [human(one.rates.get(name, 0.0)) for name in names]
    head = [str(process.pid), user_name(process.user), process.state, f"{one.cpu:.0%}"]
    return [*head, *values, process.command]


def titles(names: list[str]) -> list[str]:
    """Return the titles above what cells() makes."""
    return ["PID", "USER", "S", "CPU", *names, "COMMAND"]


def plain(shown: Picture, lines: int | None) -> str:
    """Return one block of text with columns as wide as they have to be."""
    names = columns(shown)
    rows = [titles(names), *(cells(one, names) for one in shown.found[:lines])]
    widths = [max(len(row[n]) for row in rows) for n in range(len(rows[0]))]
    text = summary(shown)
    for row in rows:
        left = [row[0].rjust(widths[0]), row[1].ljust(widths[1]), row[2].ljust(widths[2])]
        right = [row[n].rjust(widths[n]) for n in range(3, len(row) - 1)]
        text.append(" ".join([*left, *right, row[-1]]))
    return "\n".join(text)


def as_record(shown: Picture, lines: int | None) -> dict[str, object]:
    """Return one interval as a JSON object."""
    processes = [
        {
            "pid": one.process.pid,
            "user": user_name(one.process.user),
            "state": one.process.state,
            "command": one.process.command,
            "cpu": round(one.cpu, 4),
            "totals": one.process.reading.counters,
            "rates": {name: round(rate, 3) for name, rate in one.rates.items()},
        }
        for one in shown.found[:lines]
    ]
    rounded = {name: round(rate, 3) for name, rate in shown.rates.items()}
    seconds = round(shown.seconds, 3)
    return {"seconds": seconds, "facts": shown.facts, "rates": rounded, "processes": processes}


def fitting(names: list[str], width: int) -> list[str]:
    """Return as many columns as fit beside PID, USER, S, CPU and twelve letters of a name."""
    room = width - 42
    kept = []
    for name in names:
        room -= max(len(name), 6) + 1
        if room < 0:
            break
        kept.append(name)
    return kept


def table(shown: Picture, width: int, height: int, sort: str) -> Table:
    """Return one interval for a terminal of a size in characters."""
    from rich.table import Table
    from rich.text import Text

    names = fitting(columns(shown), width)
    heads = titles(names)
    drawn = Table(box=None, header_style="bold reverse", pad_edge=False, expand=True)
    drawn.title = "\n".join(summary(shown))
    drawn.title_style, drawn.title_justify = "", "left"
    for head in heads:
        style = "cyan" if head.lower() == sort else ""
        if head in ("USER", "S", "COMMAND"):
            drawn.add_column(head, no_wrap=True, ratio=1 if head == "COMMAND" else None)
        else:
            drawn.add_column(head, justify="right", no_wrap=True, style=style)
    # The title may take two lines more where it is folded.
    for one in shown.found[: max(1, height - 6)]:
        trapped = one.rates.get("traps", 0) > 0
        drawn.add_row(*map(Text, cells(one, names)), style="red" if trapped else "")
    return drawn


@contextmanager
def keys() -> Iterator[int | None]:
    """Let single keys through; yields the descriptor to read them from, if there is one."""
    if not os.isatty(0):
        yield None
        return
    before = termios.tcgetattr(0)
    tty.setcbreak(0)
    try:
        yield 0
    finally:
        termios.tcsetattr(0, termios.TCSADRAIN, before)


def wait(keyboard: int | None, seconds: float) -> bool:
    """Wait for some time. Returns whether the user pressed q, at once when that happens."""
    end = time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0:
        if keyboard is None:
            time.sleep(left)
        elif select.select([keyboard], [], [], left)[0]:
            pressed = os.read(keyboard, 64)
            if not pressed:
                keyboard = None
            elif b"q" in pressed.lower():
                return True
    return False


def pictures(system: System, options: Options, keyboard: int | None) -> Iterator[Picture]:
    """Yield a picture after each interval until there are enough or the user wants no more."""

    def look() -> tuple[Reading, dict[int, Process]]:
        return system.totals(), system.processes()

    at, before = time.monotonic(), look()
    done = 0
    while options.count is None or done < options.count:
        if wait(keyboard, options.interval):
            return
        now, after = time.monotonic(), look()
        yield picture(before, after, now - at, options.sort)
        at, before = now, after
        done += 1


def live(system: System, options: Options) -> None:
    """Fill the terminal until the user presses q."""
    from rich.console import Console
    from rich.live import Live

    console = Console(highlight=False)
    with keys() as keyboard, Live(console=console, screen=True, auto_refresh=False) as screen:
        screen.update("looking ...", refresh=True)
        for shown in pictures(system, options, keyboard):
            width, height = console.size
            limit = min(height, (options.lines or height) + 6)
            screen.update(table(shown, width, limit, options.sort), refresh=True)


def run(system: System, options: Options, out: TextIO | None = None) -> int:
    """Do what the command line asks for."""
    target = out if out is not None else sys.stdout
    system.check()
    terminal = target.isatty() and os.environ.get("TERM", "dumb") != "dumb"
    if terminal and not options.as_json:
        live(system, options)
        return 0
    count = options.count
    if count is None and not target.isatty():
        count = 1
    settings = Options(options.interval, count, options.lines, options.sort, options.as_json)
    for shown in pictures(system, settings, None):
        if options.as_json:
            print(json.dumps(as_record(shown, options.lines)), file=target, flush=True)
        else:
            print(plain(shown, options.lines), file=target, flush=True)
    return 0
