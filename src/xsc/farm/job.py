# SPDX-License-Identifier: MIT
"""What a farm is given to do: programs, whose exit codes say whether it was done."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass

from xsc.errors import UsageError


@dataclass(frozen=True)
class Job:
    """A program to be run on any worker. It must be harmless to run it again from the start."""

    name: str
    """What people call it; not empty."""
    argv: tuple[str, ...]
    workdir: str
    """An absolute path that exists on every worker."""

    @property
    def digest(self) -> str:
        """Equal for equal jobs: who hands over the same job again joins it."""
        return hashlib.sha256(self.text.encode()).hexdigest()[:32]

    @property
    def text(self) -> str:
        """The job as JSON."""
        facts = {"name": self.name, "argv": list(self.argv), "workdir": self.workdir}
        return json.dumps(facts, sort_keys=True)


def read_jobs(text: str, source: str) -> list[Job]:
    """Read one JSON object per line with `name`, `argv` and `workdir`; `source` is for messages.

    Raises UsageError for a line that is no job, or a job that is there twice.
    """
    jobs: dict[str, Job] = {}
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip():
            continue
        try:
            job = parse(json.loads(line))
        except (ValueError, KeyError, TypeError) as error:
            raise UsageError(
                f"{source}:{number} is no job: {error}",
                hint='write {"name": "...", "argv": ["...", "..."], "workdir": "/..."}',
            ) from error
        if job.digest in jobs:
            raise UsageError(f"{source}:{number}: the job {job.name!r} is there twice")
        jobs[job.digest] = job
    return list(jobs.values())


def parse(facts: dict[str, object]) -> Job:
    """Return the job that a JSON object describes; raise ValueError or KeyError if it is none."""
    name, argv, workdir = facts["name"], facts["argv"], facts["workdir"]
    if not isinstance(name, str) or not name or not isinstance(workdir, str):
        raise ValueError("name and workdir are strings, and a name is not empty")
    if not workdir.startswith("/"):
        raise ValueError("workdir is not absolute")
    if not isinstance(argv, Sequence) or isinstance(argv, str) or not argv:
        raise ValueError("argv is a list of at least one word")
    if not all(isinstance(word, str) for word in argv):
        raise ValueError("the words of argv are strings")
    return Job(name, tuple(str(word) for word in argv), workdir)
