# SPDX-License-Identifier: MIT
"""What a suite is to the runner: tests to run, and words for how each of them ended."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from xsc.suites.rows import Outcome

Shell = Callable[[str], str]


@dataclass(frozen=True)
class Case:
    """One thing to run. `limit` is in seconds on a machine with KVM; emulation stretches it."""

    name: str
    argv: tuple[str, ...]
    limit: float
    env: Mapping[str, str] = field(default_factory=dict)
    cwd: str | None = None


@dataclass(frozen=True)
class Ended:
    """How the run of a test ended: its exit code (128+n for signal n) and what it wrote."""

    code: int
    stdout: str
    stderr: str

    @property
    def text(self) -> str:
        """Both streams."""
        return f"{self.stdout}\n{self.stderr}"


@dataclass(frozen=True)
class Verdict:
    """The outcome of a test, or of a part of it, whose name then is not empty."""

    outcome: Outcome
    detail: str = ""
    part: str = ""


@dataclass(frozen=True)
class Suite:
    """A suite. `tests` may ask the guest what there is; the first verdict is the whole test's."""

    name: str
    title: str
    tests: Callable[[Shell], Sequence[Case]]
    judge: Callable[[Case, Ended], Sequence[Verdict]]
    steps: tuple[str, ...] = ()
    """Build steps whose outputs the guest finds under /opt."""
    set_up: str = ""
    """A shell script that runs once after each boot."""
    memory: str = "2G"


def last_line(text: str, limit: int = 200) -> str:
    """Return the last line that is not blank, at most `limit` characters of it."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1][:limit] if lines else ""
