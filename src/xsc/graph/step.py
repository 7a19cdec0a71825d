# SPDX-License-Identifier: MIT
"""What a build step is, and what it is given while it runs."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TextIO, TypeAlias

from xsc.errors import StepFailed
from xsc.run import kept_env, run

Json: TypeAlias = dict[str, "Json"] | list["Json"] | str | int | float | bool | None

ProgressSink = Callable[[float | None, str], None]


def _no_params() -> Mapping[str, Json]:
    return {}


def _ignore_progress(fraction: float | None, text: str) -> None:
    del fraction, text


@dataclass(frozen=True)
class Step:
    """One node of the build graph: a function from declared inputs to a directory of outputs."""

    name: str
    run: Callable[[StepContext], None]
    inputs: tuple[str, ...] = ()
    """Files and directories relative to the checkout, hashed by names, modes and bytes."""
    needs: tuple[str, ...] = ()
    """Names of the steps whose outputs are read; their keys enter this key."""
    params: Callable[[], Mapping[str, Json]] = _no_params
    """Everything else the output depends on: tool versions, package versions, profile content."""
    version: int = 1
    estimate: float = 10.0
    """Seconds on two cores, used until a real duration is known."""


@dataclass
class StepContext:
    """What a running step may use. It reads inputs and writes into `out`, nowhere else."""

    root: Path
    out: Path
    """Empty directory; on success it becomes `<store>/<key>/out`."""
    work: Path
    """Scratch that persists between attempts; it may be deleted at any time."""
    jobs: int
    epoch: int
    """SOURCE_DATE_EPOCH in seconds; constant for equal inputs."""
    log: TextIO
    upstream: Mapping[str, Path] = field(default_factory=dict)
    report: ProgressSink = _ignore_progress
    keep_fds: Sequence[int] = ()
    """Descriptors every child inherits: the lock of `work` lives until the last one is gone."""

    def input(self, step: str) -> Path:
        """Return the output directory of the upstream step `step`.

        Raises StepFailed if `step` is not among the needs of this step.
        """
        try:
            return self.upstream[step]
        except KeyError:
            raise StepFailed(f"the step reads {step!r} without naming it in `needs`") from None

    def run(
        self,
        argv: Sequence[str | Path],
        *,
        cwd: Path | None = None,
        env: Mapping[str, str | None] | None = None,
        input: str | None = None,
        check: bool = True,
        capture: bool = False,
    ) -> subprocess.CompletedProcess[str]:
        """Run a program with fixed locale, time zone and SOURCE_DATE_EPOCH; output goes to the log.

        With `capture`, stdout is in the result too. `cwd` is `work` unless given. The program sees
        nothing of the user's environment but what the network needs, and `env`.

        Raises StepFailed if `check` is set and the exit code is not 0.
        """
        fixed = {"LC_ALL": "C.UTF-8", "TZ": "UTC", "SOURCE_DATE_EPOCH": str(self.epoch)}
        return run(
            argv,
            cwd=cwd or self.work,
            env={**fixed, **(env or {})},
            base_env=kept_env(),
            input=input,
            check=check,
            log=self.log,
            capture=capture,
            keep_fds=self.keep_fds,
        )

    def progress(self, fraction: float | None, text: str) -> None:
        """Tell the user how far the step is: 0.0 to 1.0, or None if unknown."""
        self.report(fraction, text)
