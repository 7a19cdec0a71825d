# SPDX-License-Identifier: MIT
"""Run the missing steps of a plan, two at a time, and put their outputs into the store."""

from __future__ import annotations

import graphlib
import os
import shutil
import time
from collections.abc import Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from pathlib import Path

from xsc import run as gateway
from xsc.errors import InfraError, StepFailed, XscError
from xsc.graph.digest import DigestCache
from xsc.graph.history import History
from xsc.graph.key import StepKey, changed_inputs
from xsc.graph.plan import Plan
from xsc.graph.step import Step, StepContext
from xsc.graph.store import Entry, Store, remove_tree
from xsc.lock import held
from xsc.paths import Paths
from xsc.progress import Reporter
from xsc.version import source_date_epoch

TICK_SECONDS = 0.5
NO_SPACE = "No space left on device"


@dataclass(frozen=True)
class Job:
    """Everything one step needs to run, apart from the results of its needs."""

    step: Step
    key: StepKey
    paths: Paths
    store: Store
    jobs: int
    reporter: Reporter


def build(plan: Plan, paths: Paths, history: History, reporter: Reporter, jobs: int) -> None:
    """Bring all targets of `plan` up to date and record the success.

    Raises the error of the first step that failed, after the steps running beside it have ended.
    KeyboardInterrupt ends the children and is passed on.
    """
    store = Store(paths.store)
    entries: dict[str, Entry] = dict(plan.cached)
    reporter.plan([(name, plan.estimates[name]) for name in plan.missing], len(plan.cached))
    with store.in_use():
        if plan.missing:
            _run_missing(plan, Scheduler(plan, paths, store, history, reporter, jobs), entries)
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
    ) -> None:
        self.plan = plan
        self.paths = paths
        self.store = store
        self.history = history
        self.reporter = reporter
        self.jobs = jobs
        self.running: dict[Future[Entry], str] = {}
        self.failure: XscError | None = None

    def start(self, pool: ThreadPoolExecutor, name: str, entries: Mapping[str, Entry]) -> None:
        """Hand one step to the pool."""
        step = self.plan.steps[name]
        job = Job(step, self.plan.keys[name], self.paths, self.store, self.jobs, self.reporter)
        upstream = {need: entries[need].out for need in step.needs}
        self.reporter.started(name, self.plan.estimates[name])
        self.running[pool.submit(execute, job, upstream)] = name

    def collect(self, future: Future[Entry]) -> tuple[str, Entry | None]:
        """Take one finished step off the list; remember the first failure."""
        name = self.running.pop(future)
        try:
            entry = future.result()
        except XscError as error:
            self.reporter.failed(name, error.message)
            self.failure = self.failure or error
            return name, None
        self.history.record_duration(name, entry.seconds)
        # At once: a later failure must not turn this output into garbage.
        self.history.record(self.plan.keys[name])
        self.reporter.finished(name, entry.seconds)
        return name, entry


def _run_missing(plan: Plan, scheduler: Scheduler, entries: dict[str, Entry]) -> None:
    missing = set(plan.missing)
    graph = {name: missing.intersection(plan.steps[name].needs) for name in plan.missing}
    sorter = graphlib.TopologicalSorter(graph)
    sorter.prepare()
    ready: list[str] = []
    width = 2 if scheduler.jobs > 1 else 1
    with ThreadPoolExecutor(width, thread_name_prefix="step") as pool:
        try:
            while sorter.is_active():
                ready += sorter.get_ready()
                # The longest first: it is the one that others will wait for.
                ready.sort(key=lambda name: plan.estimates[name])
                while ready and len(scheduler.running) < width and scheduler.failure is None:
                    scheduler.start(pool, ready.pop(), entries)
                if not scheduler.running:
                    break
                done, _ = wait(scheduler.running, TICK_SECONDS, FIRST_COMPLETED)
                scheduler.reporter.tick()
                for future in done:
                    name, entry = scheduler.collect(future)
                    if entry is not None:
                        entries[name] = entry
                        sorter.done(name)
        except BaseException:
            gateway.stop_all()
            raise
    if scheduler.failure is not None:
        raise scheduler.failure


def execute(job: Job, upstream: Mapping[str, Path]) -> Entry:
    """Run one step under its locks and return its entry; another xsc may have made it meanwhile."""
    name = job.step.name

    def waiting(owner: int | None) -> None:
        job.reporter.update(name, None, f"waiting for the xsc with process id {owner}")

    with held(job.store.lock_path(job.key.key), waiting):
        entry = job.store.get(job.key.key)
        if entry is not None:
            return entry
        with held(job.paths.work / f"{name}.lock", waiting) as work_lock:
            return _execute_locked(job, upstream, work_lock.fd)


def _execute_locked(job: Job, upstream: Mapping[str, Path], lock_fd: int) -> Entry:
    name = job.step.name
    work = job.paths.work / name
    work.mkdir(parents=True, exist_ok=True)
    job.paths.logs.mkdir(parents=True, exist_ok=True)
    log_path = job.paths.logs / f"{name}.log"
    scratch = job.store.scratch(name)
    began = time.monotonic()
    try:
        with log_path.open("w", encoding="utf-8") as log:
            context = StepContext(
                root=job.paths.root,
                out=scratch / "out",
                work=work,
                jobs=job.jobs,
                epoch=source_date_epoch(),
                log=log,
                upstream=dict(upstream),
                report=lambda fraction, text: job.reporter.update(name, fraction, text),
                keep_fds=(lock_fd,),
            )
            job.step.run(context)
        _check_inputs(job)
        shutil.copyfile(log_path, scratch / "log")
        return job.store.commit(scratch, job.key, time.monotonic() - began)
    except OSError as error:
        raise _explain(error, name, log_path) from error
    except XscError as error:
        raise _located(error, name, log_path) from error
    finally:
        # After a commit the directory has been renamed away and nothing is left to delete.
        if scratch.exists():
            remove_tree(scratch)


def _check_inputs(job: Job) -> None:
    """Refuse an output whose inputs were edited meanwhile: its key would not tell the truth."""
    with DigestCache(job.paths.cache / "digests.db") as digests:
        changed = changed_inputs(job.step, job.key, job.paths.root, digests)
    if changed:
        raise StepFailed(
            f"inputs changed while they were being used: {', '.join(changed[:5])}",
            hint="run the same command again; the work directory is kept, so it goes on from there",
        )


def _located(error: XscError, name: str, log_path: Path) -> XscError:
    hints = [error.hint] if error.hint else []
    if str(log_path) not in (error.hint or ""):
        hints.append(f"the whole log is {log_path}")
    return type(error)(
        f"step {name!r}: {error.message}", hint="; ".join(hints), exit_code=error.exit_code
    )


def _explain(error: OSError, name: str, log_path: Path) -> XscError:
    hint = f"the whole log is {log_path}"
    if error.strerror == NO_SPACE:
        return InfraError(
            f"step {name!r}: the disk is full ({error.filename})",
            hint="`./xsc clean --store` frees outputs that no build directory uses",
        )
    return StepFailed(f"step {name!r}: {error}", hint=hint)


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
