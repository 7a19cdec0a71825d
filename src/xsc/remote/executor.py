# SPDX-License-Identifier: MIT
"""Has steps made on a build server, whatever happens to it, to the link or to this process."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Container, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from xsc.errors import EXIT_FAILED, InfraError, StepFailed
from xsc.graph.executor import Declined, Job, LeftOut
from xsc.graph.expect import describe
from xsc.graph.step import Step
from xsc.graph.store import Entry
from xsc.lock import held
from xsc.paths import Paths
from xsc.remote import logs, protocol
from xsc.remote.address import Address
from xsc.remote.backoff import Backoff, Pauses
from xsc.remote.failure import Cancelled, Damaged, LinkLost, NeedsPerson
from xsc.remote.fetch import fetch
from xsc.remote.link import Link
from xsc.remote.protocol import Status
from xsc.remote.records import Record, record_for
from xsc.remote.tree import Tree, send, take

WIDTH = 2
# Starts of one job in one life of the server, before it is the job that is at fault.
STARTS = 4
FULL_BYTES = 32 << 20
PAUSES = Pauses()


class Policy(StrEnum):
    """What becomes of steps for a server that does not answer, or cannot make them."""

    WAIT = "wait"
    FALLBACK = "fallback-local"
    SKIP = "skip"


@dataclass
class Course:
    """What has happened to one job so far."""

    job: Job
    record: Record
    backoff: Backoff
    joined: bool = False
    """This process has started the job or read its log: how it ended is news."""
    starts: int = 0

    def say(self, text: str, fraction: float | None = None) -> None:
        """Tell the user how far the step is."""
        self.job.reporter.update(self.job.step.name, fraction, text)


class RemoteExecutor:
    """Makes steps on one server. Give it back with close(): jobs go on, the connection ends."""

    width = WIDTH

    def __init__(
        self,
        address: Address,
        paths: Paths,
        policy: Policy = Policy.WAIT,
        minimum: float = 0.0,
        pauses: Pauses = PAUSES,
        names: Container[str] | None = None,
    ) -> None:
        """Take steps of at least `minimum` seconds, and only of `names` if these are given."""
        self.name = address.label
        self._paths = paths
        self._policy = policy
        self._minimum = minimum
        self._pauses = pauses
        self._names = names
        self._link = Link(address)
        self._tree: Tree | None = None
        self._tree_lock = threading.Lock()

    def __enter__(self) -> RemoteExecutor:
        return self

    def __exit__(self, *_: object) -> None:
        self._link.close()

    def wants(self, step: Step) -> bool:
        """Take what is worth the way there and back.

        The declared estimate decides, not the measured one, which may be this server's.
        """
        known = self._names is None or step.name in self._names
        return known and step.estimate >= self._minimum

    def execute(self, job: Job, upstream: Mapping[str, Path]) -> Entry:
        """Bring the output of a step into the store.

        Raises StepFailed if the step fails on the server, Declined or LeftOut by policy if the
        server is of no use, InfraError otherwise.
        """
        del upstream
        with held(job.store.lock_path(job.key.key), job.waiting):
            entry = job.store.get(job.key.key)
            return entry if entry is not None else self._persist(job)

    def _persist(self, job: Job) -> Entry:
        """Make the output, through as many losses of the link as there are."""
        record = record_for(self._paths, job.key.key, job.step.name, self._link.address)
        record.save()
        course = Course(job, record, Backoff(self._pauses))
        while True:
            try:
                return self._make(course)
            except LinkLost as error:
                if self._policy is not Policy.WAIT:
                    raise self._give_up(error) from error
                job.reporter.waits(job.step.name, f"{self.name}: {error.cause}")
                course.backoff.pause()
            except NeedsPerson:
                raise
            except InfraError as error:
                raise self._give_up(error) from error
            finally:
                self._keep_log(record)

    def _give_up(self, error: InfraError) -> InfraError:
        if self._policy is Policy.FALLBACK:
            return Declined(f"{error.message}; made here instead", hint=error.hint)
        if self._policy is Policy.SKIP:
            return LeftOut(error.message, hint=error.hint)
        return error

    def _make(self, course: Course) -> Entry:
        """Take the job from whatever state it is in to its end, as long as the link lasts."""
        key = course.record.key
        while True:
            tree = self._checkout(course.job)
            status = protocol.probe(self._link, key, tree.digest)
            course.backoff.reset()
            course.job.reporter.resumes(course.job.step.name)
            if status.state == "running":
                course.joined = True
                course.say(f"being made by {self.name}")
                progress = logs.Progress(
                    course.job.step.name, lambda fraction, text: course.say(text, fraction)
                )
                logs.follow(self._link, course.record, status, progress.feed)
                continue
            logs.complete(self._link, course.record, status)
            if status.entry:
                try:
                    return fetch(self._link, course.record, course.job.store, course.say)
                except Damaged:
                    self._link.call("discard", key)
                    self._start(course, status, tree)
            elif course.joined and (status.cancelled or status.failed):
                raise self._failure(course.record, status)
            else:
                self._start(course, status, tree)

    def _checkout(self, job: Job) -> Tree:
        """Return the checkout as it was when the first step was to be made."""
        with self._tree_lock:
            if self._tree is None:
                self._tree = take(self._paths, job.keys.values())
            return self._tree

    def _start(self, course: Course, status: Status, tree: Tree) -> None:
        """Start the job, for the first time or again. A restart of the server is not its fault."""
        if course.joined and status.same_boot:
            course.starts += 1
        if course.starts >= STARTS or (course.joined and status.free < FULL_BYTES):
            raise self._hopeless(status)
        unfinished = status.state == "lost" or (status.state == "ended" and course.joined)
        if unfinished and not status.entry:
            why = "was killed" if status.same_boot else "did not survive a restart of the server"
            course.say(f"the job {why}: starting it again")
        if not status.tree:
            course.say(f"sending the checkout to {self.name}")
            send(self._link, tree)
        job, key = course.job, course.record.key
        course.joined = True
        protocol.start(
            self._link, key, job.step.name, tree.digest, describe(job.step.name, job.keys)
        )

    def _hopeless(self, status: Status) -> InfraError:
        if status.free < FULL_BYTES:
            return InfraError(
                f"the disk of {self.name} is full",
                hint="free some space there; its directory for jobs is named by "
                "`./xsc remote status`",
            )
        return InfraError(
            f"the job ended {STARTS} times at {self.name} without a result",
            hint="look there for what kills it (`journalctl -k` shows a lack of memory)",
        )

    def _failure(self, record: Record, status: Status) -> InfraError | StepFailed:
        message, remedy = logs.verdict(record.log)
        where = self._paths.logs / f"{record.step}.log"
        if status.cancelled:
            return Cancelled(
                f"the job of {record.step} was cancelled at {self.name}",
                hint="the same command starts it again",
            )
        hint = "; ".join(filter(None, [remedy, f"the log of {self.name} is {where}"]))
        kind = StepFailed if status.code == EXIT_FAILED else InfraError
        return kind(f"at {self.name}: {message}", hint=hint)

    def _keep_log(self, record: Record) -> None:
        """Put what is known of the log where logs of steps are."""
        if record.log.exists():
            self._paths.logs.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(record.log, self._paths.logs / f"{record.step}.log")
