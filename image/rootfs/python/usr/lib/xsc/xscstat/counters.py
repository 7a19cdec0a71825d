# SPDX-License-Identifier: MIT
"""The kernel's counters as it shows them: /proc/<pid>/xsc, /sys/kernel/xsc/.

No name of a counter is required: a kernel that counts something new has it shown.
"""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass, field
from pathlib import Path

# Numbers that say what something is, not how often it happened.
FACTS = frozenset({"abi", "tagged"})
HISTOGRAM = "wake_latency"

# The order people want; what is not here comes behind it.
ORDER = (
    *("calls", "worker", "caller_class", "caller_idle", "handed", "punted", "parks", "cancels"),
    *("taken_back", "bells", "spins", "rebuilt", "traps", "starts", "retirements"),
    *("poll_ns", "untagged_calls", "execs_refused"),
)


class Missing(Exception):
    """Something that is not there, with what to do about it and the exit code."""

    def __init__(self, message: str, remedy: str, exit_code: int) -> None:
        super().__init__(message)
        self.remedy = remedy
        self.exit_code = exit_code


@dataclass(frozen=True)
class Reading:
    """Counters by name, and what else is said as words."""

    counters: dict[str, int] = field(default_factory=dict)
    facts: dict[str, str] = field(default_factory=dict)
    histogram: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True)
class Process:
    """One process. `started` tells two processes apart that had the same number."""

    pid: int
    started: int
    command: str
    state: str
    user: int
    cpu_ticks: int
    reading: Reading


def ordered(names: set[str]) -> list[str]:
    """Return names in the order in which they are shown."""
    known = [name for name in ORDER if name in names]
    return known + sorted(names.difference(known))


def _number(text: str) -> int | None:
    try:
        return int(text)
    except ValueError:
        return None


def parse_lines(text: str) -> Reading:
    """Return `name: value` lines. A value that is no number is a fact, as the mode is."""
    counters, facts = {}, {}
    for line in text.splitlines():
        name, colon, value = (part.strip() for part in line.partition(":"))
        if not colon or not name:
            continue
        number = _number(value)
        if number is None or name in FACTS:
            facts[name] = value
        else:
            counters[name] = number
    return Reading(counters, facts)


def parse_histogram(text: str) -> tuple[tuple[str, int], ...]:
    """Return `<=usec count` lines as (limit, count); the last limit may be a word such as inf."""
    rows = []
    for line in text.splitlines():
        words = line.split()
        count = _number(words[-1]) if len(words) == 2 else None
        if count is not None:
            rows.append((words[0].removeprefix("<="), count))
    return tuple(rows)


class System:
    """The files of one system. `root` is / except in tests and for copies of another machine's."""

    def __init__(self, root: Path = Path("/")) -> None:
        self.proc = root / "proc"
        self.sys = root / "sys/kernel/xsc"

    def check(self) -> None:
        """Raise Missing on a kernel that is not XSC's."""
        own = self.proc / "self/xsc"
        if not own.exists():
            raise Missing(
                f"{own} does not exist: this kernel is not XSC's, or /proc is not mounted",
                "boot XSC's kernel: in its boot menu, an entry that says XSC",
                2,
            )

    def totals(self) -> Reading:
        """Return what /sys/kernel/xsc/ says of the whole system.

        A number in a file that can be written is a setting and not a counter.
        """
        counters, facts = {}, {}
        histogram: tuple[tuple[str, int], ...] = ()
        for path in sorted(self.sys.iterdir()) if self.sys.is_dir() else ():
            if not path.is_file():
                continue
            try:
                text, mode = path.read_text().strip(), path.stat().st_mode
            except OSError:
                continue  # a setting that can only be written
            number = _number(text)
            if path.name == HISTOGRAM:
                histogram = parse_histogram(text)
            elif number is None or path.name in FACTS or mode & stat.S_IWUSR:
                facts[path.name] = text
            else:
                counters[path.name] = number
        return Reading(counters, facts, histogram)

    def uptime(self) -> float:
        """Return the seconds since boot."""
        return float((self.proc / "uptime").read_text().split()[0])

    def process(self, pid: int) -> Process | None:
        """Return one process, None if it has ended or may not be read."""
        folder = self.proc / str(pid)
        try:
            reading = parse_lines((folder / "xsc").read_text())
            line = (folder / "stat").read_text(errors="replace")
            user = folder.stat().st_uid
        except OSError:
            return None
        # The name may hold blanks and parentheses: the last one ends it.
        name = line[line.index("(") + 1 : line.rindex(")")]
        rest = line[line.rindex(")") + 2 :].split()
        ticks = int(rest[11]) + int(rest[12])
        return Process(pid, int(rest[19]), name, rest[0], user, ticks, reading)

    def wanted(self, pid: int) -> Process:
        """Return one process. Raises Missing if there is none."""
        found = self.process(pid)
        if found is None:
            raise Missing(
                f"{self.proc / str(pid) / 'xsc'} cannot be read: no such process, or not yours",
                "look for its number with `ps -e`; the processes of others are root's to see",
                1,
            )
        return found

    def processes(self) -> dict[int, Process]:
        """Return all processes that can be read, without kernel threads, which make no calls."""
        found = {}
        for name in os.listdir(self.proc):
            process = self.process(int(name)) if name.isdigit() else None
            if process is not None and (process.reading.counters.get("calls") or _is_user(process)):
                found[process.pid] = process
        return found


def _is_user(process: Process) -> bool:
    return process.reading.facts.get("tagged", "0") != "0"
