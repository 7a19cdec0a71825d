# SPDX-License-Identifier: MIT
"""The settings of one invocation, from the global options."""

from __future__ import annotations

import os
from dataclasses import dataclass

from xsc.paths import Paths
from xsc.progress import Mode


@dataclass(frozen=True)
class Settings:
    """What the global options say. Commands find it in `ctx.obj`."""

    paths: Paths
    jobs: int
    progress: Mode
    dry_run: bool


def default_jobs() -> int:
    """Return the number of CPUs this process may use."""
    return len(os.sched_getaffinity(0))
