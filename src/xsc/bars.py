# SPDX-License-Identifier: MIT
"""Progress bars on a terminal."""

from __future__ import annotations

from typing import TextIO

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Column

from xsc.progress import Reporter, human_seconds


class RichReporter(Reporter):
    """A bar per running step and one for everything; finished steps scroll away above them."""

    def __init__(self, stream: TextIO) -> None:
        super().__init__(stream)
        self._console = Console(file=stream, force_terminal=True, highlight=False)
        self._progress = Progress(
            TextColumn("{task.description:<15}", markup=False, table_column=Column(no_wrap=True)),
            BarColumn(bar_width=16),
            TextColumn("{task.percentage:>3.0f}%", table_column=Column(min_width=4)),
            TimeElapsedColumn(table_column=Column(min_width=7)),
            # Only this one gives way on a narrow terminal.
            TextColumn(
                "{task.fields[note]}",
                markup=False,
                table_column=Column(no_wrap=True, overflow="ellipsis", ratio=1),
            ),
            expand=True,
            console=self._console,
            transient=True,
        )
        self._tasks: dict[str, TaskID] = {}
        self._total: TaskID | None = None

    def show_plan(self, cached: int) -> None:
        if self.estimates:
            self._progress.start()
            self._total = self._progress.add_task("everything", total=1.0, note="")
            self.tick()

    def show_started(self, name: str) -> None:
        self._tasks[name] = self._progress.add_task(name, total=1.0, note="")

    def show_update(self, name: str, changed: bool) -> None:
        if name in self._tasks:
            self._progress.update(
                self._tasks[name], completed=self.fraction(name), note=self.texts[name]
            )

    def _remove(self, name: str) -> None:
        task = self._tasks.pop(name, None)
        if task is not None:
            self._progress.remove_task(task)

    def show_finished(self, name: str, seconds: float) -> None:
        self._remove(name)
        self._console.print(f"{name}: done in {human_seconds(seconds)}", markup=False)

    def show_failed(self, name: str, message: str) -> None:
        self._remove(name)
        self._console.print(f"{name}: FAILED: {message.splitlines()[0]}", markup=False)

    def show_left_out(self, name: str, message: str) -> None:
        self._remove(name)
        self._console.print(f"{name}: left out: {message.splitlines()[0]}", markup=False)

    def show_table(self) -> None:
        # A step that waits has its reason beside its bar; the others stand above the bars.
        for name, task in self._tasks.items():
            if name in self.stuck:
                self._progress.update(task, note=f"waits for {self.stuck[name]}")
        for line in self.table_lines() if self.stuck else ():
            self._console.print(line, markup=False)

    def tick(self) -> None:
        with self.lock:
            for name, task in self._tasks.items():
                self._progress.update(task, completed=self.fraction(name))
            if self._total is not None:
                whole = sum(self.estimates.values()) or 1.0
                done = 1.0 - self.remaining() / whole
                self._progress.update(self._total, completed=done, note=self.outlook())

    def close(self) -> None:
        self._progress.stop()
