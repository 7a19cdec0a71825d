# SPDX-License-Identifier: MIT
"""Build what is missing of a selection of packages, one after the other, whatever fails."""

from __future__ import annotations

import resource
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from xsc import run as gateway
from xsc.build import registry
from xsc.errors import InfraError, XscError
from xsc.graph.executor import Job, LocalExecutor
from xsc.graph.history import History
from xsc.graph.plan import Plan, make_plan
from xsc.graph.runner import link_output, note_success
from xsc.graph.store import Entry, Store
from xsc.packages import lost
from xsc.packages.attempts import Attempt, Attempts, Times
from xsc.packages.classify import ENDED, Cause, Failure, classify, classify_fetch
from xsc.packages.steps import Planned
from xsc.paths import Paths
from xsc.progress import Reporter

TICK_SECONDS = 0.5
Retry = Callable[[Attempt], bool]


@dataclass(frozen=True)
class Site:
    """Where packages are built and remembered."""

    paths: Paths
    history: History
    reporter: Reporter
    jobs: int

    @property
    def attempts(self) -> Attempts:
        """The record of attempts of this build directory."""
        return Attempts(self.paths.build)


def graph_plan(planned: Sequence[Planned], paths: Paths, history: History) -> Plan:
    """Return the plan of all packages that can be built."""
    steps = dict(registry())
    for package in planned:
        steps |= {step.name: step for step in package.steps}
    # The scan of packages that somebody has deleted since would otherwise stand for them.
    targets = [step.name for package in planned for step in package.steps]
    return make_plan(targets, steps, paths, history)


def failed_before(package: Planned, plan: Plan, attempts: Attempts) -> Attempt | None:
    """Return the last attempt on exactly this input if it failed, else None."""
    last = attempts.last(package.name, plan.keys[package.build_step].key)
    return None if last is None or last.cause is None else last


def _is_fresh(package: Planned, last: Attempt | None) -> bool:
    """Say whether a package is to be tried, of which `last` is the failure on its input.

    What another index named, and the archive had not, it may have now that this one names it.
    """
    if last is None:
        return True
    version = package.source_version
    return last.cause is Cause.SOURCE and version not in ("", *package.lost)


def to_build(
    planned: Sequence[Planned], plan: Plan, attempts: Attempts, retry: Retry, only_failed: bool
) -> list[Planned]:
    """Return the packages to try now: never tried, or failed such that `retry` takes them."""
    wanted = []
    for package in planned:
        if not package.steps or not {package.build_step, package.scan_step} & set(plan.missing):
            continue
        last = failed_before(package, plan, attempts)
        if (last is not None and retry(last)) or (_is_fresh(package, last) and not only_failed):
            wanted.append(package)
    return wanted


def build_packages(wanted: Sequence[Planned], plan: Plan, site: Site) -> None:
    """Build packages in turn; a failure is recorded and the next one begins.

    Raises InfraError when the disk is full: everything after that would fail too.
    """
    store = Store(site.paths.store)
    names = [step.name for package in wanted for step in package.steps if step.name in plan.missing]
    site.reporter.plan([(name, plan.estimates[name]) for name in names], len(plan.cached))
    entries = dict(plan.cached)
    # At once: others may want what is there while this goes on for hours, and nobody deletes it.
    keep(plan, site, entries)
    with store.in_use(), ThreadPoolExecutor(1, thread_name_prefix="package") as pool:
        try:
            for package in wanted:
                _build_one(package, plan, site, (pool, store), entries)
        except BaseException:
            gateway.stop_all()
            raise


def keep(plan: Plan, site: Site, entries: Mapping[str, Entry]) -> None:
    """Show outputs in the build directory, and save them from being cleaned away.

    Also those that an earlier build has made, of this directory or of another one.
    """
    site.history.record(*(plan.keys[name] for name in plan.order if name in entries))
    for name, entry in entries.items():
        link_output(site.paths, name, entry)


def _build_one(
    package: Planned,
    plan: Plan,
    site: Site,
    tools: tuple[ThreadPoolExecutor, Store],
    entries: dict[str, Entry],
) -> None:
    watch = Watch()
    key = plan.keys[package.build_step].key
    for step in package.steps:
        if step.name in entries:
            continue
        try:
            entry = _run_step(step.name, plan, site, tools, entries)
        except XscError as error:
            log = site.paths.logs / f"{step.name}.log"
            failure = explain(error, log)
            site.reporter.failed(step.name, f"{failure.cause}: {failure.reason}")
            if failure.cause is Cause.SOURCE and package.source_version:
                lost.note(package.name, package.source_version)
            site.attempts.add(package.name, key, watch.times(), failure, log)
            if "disk is full" in error.message:
                raise
            return
        entries[step.name] = entry
        note_success(plan.keys[step.name], entry, site.history, site.reporter)
        link_output(site.paths, step.name, entry)
    log = entries[package.build_step].path / "log"
    site.attempts.add(package.name, key, watch.times(), None, log)


class Watch:
    """What an attempt takes, from now on. Of the programs that were started, those that have ended
    count; packages are built one after the other, so they are all of this one.
    """

    def __init__(self) -> None:
        self._began = datetime.now(UTC).isoformat(timespec="seconds")
        self._start = time.monotonic()
        self._used = self._processors()

    @staticmethod
    def _processors() -> float:
        used = resource.getrusage(resource.RUSAGE_CHILDREN)
        return used.ru_utime + used.ru_stime

    def times(self) -> Times:
        """Return what it has taken up to now."""
        elapsed = round(time.monotonic() - self._start, 1)
        return Times(self._began, elapsed, round(self._processors() - self._used, 1))


def _run_step(
    name: str,
    plan: Plan,
    site: Site,
    tools: tuple[ThreadPoolExecutor, Store],
    entries: Mapping[str, Entry],
) -> Entry:
    pool, store = tools
    step = plan.steps[name]
    job = Job(
        step=step,
        key=plan.keys[name],
        keys=plan.keys,
        paths=site.paths,
        store=store,
        jobs=site.jobs,
        reporter=site.reporter,
    )
    upstream = {need: entries[need].out for need in step.needs}
    site.reporter.started(name, plan.estimates[name])
    future = pool.submit(LocalExecutor(1).execute, job, upstream)
    while not wait([future], TICK_SECONDS).done:
        site.reporter.tick()
    return future.result()


def explain(error: XscError, log: Path) -> Failure:
    """Return whose fault a failed step is: what the machine says, else what the log says."""
    text = log.read_text(errors="replace") if log.exists() else ""
    if isinstance(error, InfraError):
        missing = classify_fetch(text)
        if missing is not None:
            return missing
        said = [line for line in text.splitlines() if line.startswith("E: ")]
        return Failure(Cause.INFRASTRUCTURE, said[0] if said else error.message.splitlines()[0])
    if ENDED not in text:
        return Failure(Cause.INFRASTRUCTURE, error.message.splitlines()[0])
    return classify(text)
