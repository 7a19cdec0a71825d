# SPDX-License-Identifier: MIT
"""Have the missing steps of a plan made, each by the executor that wants it, several at a time."""

from __future__ import annotations

import graphlib
import os
from collections.abc import Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import ExitStack

from xsc import run as gateway
from xsc.errors import InfraError, XscError
from xsc.graph.executor import Declined, Executor, Job, LeftOut, LocalExecutor
from xsc.graph.history import History
from xsc.graph.key import StepKey
from xsc.graph.plan import Plan
from xsc.graph.store import Entry, Store
from xsc.paths import Paths
from xsc.progress import Reporter, Row

TICK_SECONDS = 0.5


def build(
    plan: Plan,
    paths: Paths,
    history: History,
    reporter: Reporter,
    jobs: int,
    helpers: Sequence[Executor] = (),
) -> None:
    """Bring all targets of `plan` up to date and record the success.

    Each step is made by the first of `helpers` that wants it, else on this machine.

    Raises the error of the first step that failed, after the steps running beside it have ended.
    KeyboardInterrupt ends the children and is passed on.
    """
    store = Store(paths.store)
    entries: dict[str, Entry] = dict(plan.cached)
    reporter.plan([(name, plan.estimates[name]) for name in plan.missing], len(plan.cached))
    executors = (*helpers, LocalExecutor(2 if jobs > 1 else 1))
    with store.in_use():
        if plan.missing:
            scheduler = Scheduler(plan, paths, store, history, reporter, jobs, executors)
            scheduler.run(entries)
    # Also what a cached output was made from and nobody had to look at: `why` asks for it.
    history.record(*(plan.keys[name] for name in plan.order))
    for name, entry in entries.items():
        link_output(paths, name, entry)


class Scheduler:
    """Starts steps whose needs are met and collects their results, all from the main thread."""

    def __init__(
        self,
        plan: Plan,
        paths: Paths,
        store: Store,
        history: History,
        reporter: Reporter,
        jobs: int,
        executors: Sequence[Executor],
    ) -> None:
        self.plan = plan
        self.paths = paths
        self.store = store
        self.history = history
        self.reporter = reporter
        self.jobs = jobs
        self.executors = executors
        self.pools: dict[str, ThreadPoolExecutor] = {}
        self.running: dict[Future[Entry], str] = {}
        self.places = {name: self.first_that_wants(name) for name in plan.missing}
        self.done: set[str] = set()
        self.left_out: dict[str, LeftOut] = {}
        self.failure: XscError | None = None
        self.shown: list[Row] = []

    def first_that_wants(self, name: str, after: Executor | None = None) -> Executor:
        """Return who makes a step; `after` has declined it."""
        start = self.executors.index(after) + 1 if after is not None else 0
        step = self.plan.steps[name]
        return next(executor for executor in self.executors[start:] if executor.wants(step))

    def run(self, entries: dict[str, Entry]) -> None:
        """Have everything made that is missing, adding it to `entries`."""
        missing = set(self.plan.missing)
        graph = {name: missing.intersection(self.plan.steps[name].needs) for name in missing}
        sorter = graphlib.TopologicalSorter(graph)
        sorter.prepare()
        ready: list[str] = []
        with ExitStack() as stack:
            for executor in self.executors:
                pool = ThreadPoolExecutor(executor.width, thread_name_prefix="step")
                self.pools[executor.name] = stack.enter_context(pool)
            try:
                while sorter.is_active():
                    ready += sorter.get_ready()
                    self.start_ready(ready, entries)
                    if not self.running:
                        break
                    done, _ = wait(self.running, TICK_SECONDS, FIRST_COMPLETED)
                    self.reporter.tick()
                    for future in done:
                        self.collect(future, sorter, ready, entries)
            except BaseException:
                gateway.stop_all()
                raise
        self.raise_failure()

    def start_ready(self, ready: list[str], entries: Mapping[str, Entry]) -> None:
        """Start what can start: for each executor as many as it takes, the longest first."""
        # The longest is the one that others will wait for.
        for name in sorted(ready, key=lambda name: -self.plan.estimates[name]):
            place = self.places[name]
            busy = sum(self.places[other] is place for other in self.running.values())
            if busy < place.width and self.failure is None:
                ready.remove(name)
                self.start(name, entries)
        self.show_table(ready)

    def start(self, name: str, entries: Mapping[str, Entry]) -> None:
        """Hand one step to its executor."""
        step, place = self.plan.steps[name], self.places[name]
        job = Job(
            step=step,
            key=self.plan.keys[name],
            keys=self.plan.keys,
            paths=self.paths,
            store=self.store,
            jobs=self.jobs,
            reporter=self.reporter,
        )
        upstream = {need: entries[need].out for need in step.needs}
        self.reporter.started(name, self.plan.estimates[name])
        self.running[self.pools[place.name].submit(place.execute, job, upstream)] = name

    def collect(
        self,
        future: Future[Entry],
        sorter: graphlib.TopologicalSorter[str],
        ready: list[str],
        entries: dict[str, Entry],
    ) -> None:
        """Take one finished step off the list; remember the first failure."""
        name = self.running.pop(future)
        try:
            entry = future.result()
        except Declined as declined:
            self.reporter.update(name, None, declined.message)
            self.places[name] = self.first_that_wants(name, after=self.places[name])
            ready.append(name)
        except LeftOut as error:
            self.reporter.left_out(name, error.message)
            self.left_out[name] = error
        except XscError as error:
            self.reporter.failed(name, error.message)
            self.failure = self.failure or error
        else:
            note_success(self.plan.keys[name], entry, self.history, self.reporter)
            entries[name] = entry
            self.done.add(name)
            sorter.done(name)

    def show_table(self, ready: Sequence[str]) -> None:
        """Say where every step is made and what it waits for, whenever that has changed."""
        if len(self.executors) == 1:
            return
        rows = [Row(name, self.places[name].name, self.state(name, ready)) for name in self.todo()]
        if rows != self.shown:
            self.shown = rows
            self.reporter.table(rows)

    def todo(self) -> list[str]:
        """Return the steps that are not done, in build order."""
        return [name for name in self.plan.missing if name not in self.done]

    def state(self, name: str, ready: Sequence[str]) -> str:
        """Say in words what is going on with a step that is not done."""
        if name in self.running.values():
            return ""
        if name in self.left_out:
            return "left out"
        if name in ready:
            return f"waits for a place {self.places[name].name}"
        needs = [need for need in self.plan.steps[name].needs if need in set(self.todo())]
        return f"waits for {', '.join(needs)}" if needs else "stopped by a failure"

    def raise_failure(self) -> None:
        """Raise what went wrong, if anything did."""
        if self.failure is not None:
            raise self.failure
        if self.left_out:
            first = next(iter(self.left_out.values()))
            raise InfraError(
                f"left out: {', '.join(self.todo())}; {first.message}", hint=first.hint
            )


def note_success(key: StepKey, entry: Entry, history: History, reporter: Reporter) -> None:
    """Remember that a step was brought up to date, and tell it."""
    history.record_duration(key.step, entry.seconds)
    # At once: a later failure must not turn this output into garbage.
    history.record(key)
    reporter.finished(key.step, entry.seconds)


def link_output(paths: Paths, name: str, entry: Entry) -> None:
    """Point `<build>/out/<step>` at the newest output, by one rename."""
    paths.links.mkdir(parents=True, exist_ok=True)
    link = paths.links / name
    if link.is_symlink() and os.readlink(link) == str(entry.out):
        return
    fresh = paths.links / f".{name}.{os.getpid()}"
    fresh.unlink(missing_ok=True)
    fresh.symlink_to(entry.out)
    fresh.rename(link)
