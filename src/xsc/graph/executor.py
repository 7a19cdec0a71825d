# SPDX-License-Identifier: MIT
"""Who makes the output of a step: this machine, or somebody who does it for this machine."""

from __future__ import annotations

import shutil
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from xsc.errors import InfraError, StepFailed, XscError
from xsc.graph.digest import DigestCache
from xsc.graph.key import StepKey, changed_inputs
from xsc.graph.step import Step, StepContext
from xsc.graph.store import Entry, Store, remove_tree
from xsc.lock import held
from xsc.paths import Paths
from xsc.progress import Reporter
from xsc.version import source_date_epoch

NO_SPACE = "No space left on device"
HERE = "here"


@dataclass(frozen=True)
class Job:
    """Everything one step needs to run, apart from the results of its needs."""

    step: Step
    key: StepKey
    paths: Paths
    store: Store
    jobs: int
    reporter: Reporter
    keys: Mapping[str, StepKey] = field(default_factory=dict)
    """The keys of all steps of the plan: what this one is made from, and from what that is made.
    Only who has it made elsewhere asks for them."""

    def waiting(self, owner: int | None) -> None:
        """Tell the user that another process is at work on the same thing."""
        name = self.step.name
        self.reporter.update(name, None, f"waiting for the xsc with process id {owner}")


class Declined(InfraError):
    """An executor cannot make the step now; the next one that would is to do it."""


class LeftOut(InfraError):
    """An executor cannot make the step now, and nobody else is to do it; the others go on."""


class Executor(Protocol):
    """Makes outputs of steps. One object serves all steps of a build, from several threads."""

    @property
    def name(self) -> str:
        """What the user calls it."""

    @property
    def width(self) -> int:
        """How many steps it takes at a time."""

    def wants(self, step: Step) -> bool:
        """Say whether the step should be made by this one."""

    def execute(self, job: Job, upstream: Mapping[str, Path]) -> Entry:
        """Bring the output into the store, or raise: Declined, LeftOut, or what went wrong."""


@dataclass(frozen=True)
class LocalExecutor:
    """Runs every step on this machine."""

    width: int
    name: str = HERE

    def wants(self, step: Step) -> bool:
        """Refuse nothing."""
        return True

    def execute(self, job: Job, upstream: Mapping[str, Path]) -> Entry:
        """Run the step's function."""
        return execute(job, upstream)


def execute(job: Job, upstream: Mapping[str, Path]) -> Entry:
    """Run one step here under its locks and return its entry; another xsc may have made it."""
    with held(job.store.lock_path(job.key.key), job.waiting):
        entry = job.store.get(job.key.key)
        if entry is not None:
            return entry
        with held(job.paths.work / f"{job.step.name}.lock", job.waiting) as work_lock:
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
