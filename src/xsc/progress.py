# SPDX-License-Identifier: MIT
"""What the user sees while steps run: plain lines, JSON lines, or bars on a terminal."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TextIO

PLAIN_INTERVAL_SECONDS = 15.0
CLOCK_SHARE = 0.9
TRUSTED_FRACTION = 0.3


class Mode(StrEnum):
    """How progress is shown."""

    AUTO = "auto"
    RICH = "rich"
    PLAIN = "plain"
    JSON = "json"


def human_seconds(seconds: float) -> str:
    """Return a duration for people: `8 s`, `3 min 05 s`, `1 h 02 min`."""
    whole = max(0, round(seconds))
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02} min"


@dataclass(frozen=True)
class Row:
    """Where a step is made, and what it waits for; an empty state means that it is being made."""

    step: str
    where: str
    state: str


class Reporter:
    """Takes events from the runner (any thread) and keeps the estimates; subclasses show them."""

    def __init__(self, stream: TextIO) -> None:
        self.stream = stream
        self.lock = threading.RLock()
        self.estimates: dict[str, float] = {}
        self.begun: dict[str, float] = {}
        self.done: set[str] = set()
        self.fractions: dict[str, float] = {}
        self.updated: dict[str, float] = {}
        self.texts: dict[str, str] = {}
        self.rows: Sequence[Row] = ()
        self.stuck: dict[str, str] = {}

    def fraction(self, name: str) -> float:
        """Return how far a running step is: what it said last, carried on by the clock.

        The clock runs at the speed of the estimate and never gets through more than most of what
        is left, so that neither a silent step nor a slow machine makes the display lie for long.
        """
        if name in self.done:
            return 1.0
        if name not in self.begun:
            return 0.0
        return self.fractions.get(name, 0.0) + min(self._by_clock(name), self._clock_end(name))

    def _by_clock(self, name: str) -> float:
        since = time.monotonic() - self.updated.get(name, self.begun[name])
        return since / max(self.estimates[name], 0.1)

    def _clock_end(self, name: str) -> float:
        return CLOCK_SHARE * (1.0 - self.fractions.get(name, 0.0))

    def late(self, name: str) -> bool:
        """Return whether a running step has used up its estimate: nobody knows its end."""
        running = name in self.begun and name not in self.done and name not in self.stuck
        if not running or self._by_clock(name) <= self._clock_end(name):
            return False
        return not self.fractions.get(name) or self._by_speed(name) == 0.0

    def outlook(self) -> str:
        """Return what is known of the time left, for people."""
        now = time.monotonic()
        late = [
            f"{name} takes longer than estimated ({human_seconds(now - begun)} so far)"
            for name, begun in self.begun.items()
            if self.late(name)
        ]
        return ", ".join(late) or f"about {human_seconds(self.remaining())} left"

    def remaining(self) -> float:
        """Return the seconds of work left."""
        return sum(self._seconds_left(name) for name in self.estimates)

    def _seconds_left(self, name: str) -> float:
        """Return what is left of a step: by estimate, and the further it is, by its own speed."""
        by_estimate = self.estimates[name] * (1.0 - self.fraction(name))
        said = self.fractions.get(name, 0.0)
        if name in self.done or not said:
            return by_estimate
        trust = min(1.0, said / TRUSTED_FRACTION)
        return trust * self._by_speed(name) + (1.0 - trust) * by_estimate

    def _by_speed(self, name: str) -> float:
        said = self.fractions[name]
        taken = self.updated[name] - self.begun[name]
        since = time.monotonic() - self.updated[name]
        return max(0.0, taken * (1.0 - said) / said - since)

    def plan(self, steps: Sequence[tuple[str, float]], cached: int) -> None:
        """Learn what is going to run: names with estimated seconds, and how many are cached."""
        with self.lock:
            self.estimates = dict(steps)
            self.show_plan(cached)

    def started(self, name: str, estimate: float) -> None:
        """Note that a step has begun."""
        with self.lock:
            self.estimates[name] = estimate
            self.begun[name] = time.monotonic()
            self.show_started(name)

    def update(self, name: str, fraction: float | None, text: str) -> None:
        """Note how far a step is."""
        with self.lock:
            if fraction is not None and fraction != self.fractions.get(name):
                self.fractions[name] = min(1.0, max(0.0, fraction))
                self.updated[name] = time.monotonic()
            changed = self.texts.get(name) != text
            self.texts[name] = text
            self.show_update(name, changed)

    def finished(self, name: str, seconds: float) -> None:
        """Note that a step succeeded."""
        with self.lock:
            self.done.add(name)
            self.show_finished(name, seconds)

    def failed(self, name: str, message: str) -> None:
        """Note that a step failed."""
        with self.lock:
            self.done.add(name)
            self.show_failed(name, message)

    def left_out(self, name: str, message: str) -> None:
        """Note that a step is not made in this run."""
        with self.lock:
            self.done.add(name)
            self.stuck.pop(name, None)
            self.show_left_out(name, message)

    def table(self, rows: Sequence[Row]) -> None:
        """Learn where the steps are made and what waits for what, when more than one place is."""
        with self.lock:
            self.rows = rows
            self.show_table()

    def waits(self, name: str, what: str) -> None:
        """Note that a step which has begun can go on only when `what` has come to pass."""
        with self.lock:
            if self.stuck.get(name) != what:
                self.stuck[name] = what
                self.show_table()

    def resumes(self, name: str) -> None:
        """Note that a step goes on which waits() has stopped."""
        with self.lock:
            if self.stuck.pop(name, None) is not None:
                self.show_table()

    def table_lines(self) -> list[str]:
        """Return the table of steps for people."""
        width = max((len(row.step) for row in self.rows), default=0)
        place = max((len(row.where) for row in self.rows), default=0)
        lines = []
        for row in self.rows:
            state = row.state or f"being made, {self.fraction(row.step):.0%}"
            if row.step in self.stuck:
                state = f"waits for {self.stuck[row.step]}"
            lines.append(f"  {row.step:<{width}}  {row.where:<{place}}  {state}")
        return lines

    def tick(self) -> None:
        """Called twice a second while steps run."""

    def close(self) -> None:
        """Leave the terminal as it was."""

    def show_plan(self, cached: int) -> None:
        """Show the plan."""

    def show_started(self, name: str) -> None:
        """Show the beginning of a step."""

    def show_update(self, name: str, changed: bool) -> None:
        """Show an update; `changed` says that its text is a new one."""

    def show_finished(self, name: str, seconds: float) -> None:
        """Show the success of a step."""

    def show_failed(self, name: str, message: str) -> None:
        """Show the failure of a step."""

    def show_left_out(self, name: str, message: str) -> None:
        """Show that a step is not made in this run."""

    def show_table(self) -> None:
        """Show where the steps are made and what waits for what."""


class PlainReporter(Reporter):
    """One line per event, and one every few seconds for a step that says nothing."""

    def __init__(self, stream: TextIO) -> None:
        super().__init__(stream)
        self._last = time.monotonic()

    def _line(self, text: str) -> None:
        print(text, file=self.stream, flush=True)
        self._last = time.monotonic()

    def show_plan(self, cached: int) -> None:
        if self.estimates:
            names = ", ".join(self.estimates)
            left = human_seconds(self.remaining())
            self._line(f"xsc: {cached} up to date; to build: {names} (about {left})")

    def show_started(self, name: str) -> None:
        self._line(f"{name}: started (about {human_seconds(self.estimates[name])})")

    def show_update(self, name: str, changed: bool) -> None:
        if changed:
            self._line(f"{name}: {self.fraction(name):.0%} {self.texts[name]}")

    def show_finished(self, name: str, seconds: float) -> None:
        self._line(f"{name}: done in {human_seconds(seconds)}")

    def show_failed(self, name: str, message: str) -> None:
        self._line(f"{name}: FAILED: {message.splitlines()[0]}")

    def show_left_out(self, name: str, message: str) -> None:
        self._line(f"{name}: left out: {message.splitlines()[0]}")

    def show_table(self) -> None:
        if self.rows:
            self._line("\n".join(["xsc: steps to make:", *self.table_lines()]))

    def tick(self) -> None:
        with self.lock:
            if time.monotonic() - self._last < PLAIN_INTERVAL_SECONDS:
                return
            busy = [
                f"{name} {self.fraction(name):.0%}" for name in self.begun if name not in self.done
            ]
            self._line(f"xsc: {', '.join(busy)}; {self.outlook()}")


class JsonReporter(Reporter):
    """One JSON object per line on the stream, for programs."""

    def _event(self, event: str, **facts: object) -> None:
        print(json.dumps({"event": event, **facts}), file=self.stream, flush=True)

    def show_plan(self, cached: int) -> None:
        self._event("plan", steps=self.estimates, cached=cached, remaining=self.remaining())

    def show_started(self, name: str) -> None:
        self._event("started", step=name, estimate=self.estimates[name])

    def show_update(self, name: str, changed: bool) -> None:
        self._event("progress", step=name, fraction=self.fraction(name), text=self.texts[name])

    def show_finished(self, name: str, seconds: float) -> None:
        self._event("finished", step=name, seconds=seconds, remaining=self.remaining())

    def show_failed(self, name: str, message: str) -> None:
        self._event("failed", step=name, message=message)

    def show_left_out(self, name: str, message: str) -> None:
        self._event("left out", step=name, message=message)

    def show_table(self) -> None:
        rows = [
            {"step": row.step, "where": row.where, "state": row.state}
            | ({"stuck": self.stuck[row.step]} if row.step in self.stuck else {})
            for row in self.rows
        ]
        self._event("table", steps=rows)
