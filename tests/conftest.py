# SPDX-License-Identifier: MIT
"""Fixtures and rules for all tests."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from xsc.config import Settings, default_jobs
from xsc.paths import default_paths
from xsc.progress import Mode
from xsc.session import ensure

NO_TEST_RAN = 5


@pytest.fixture(scope="session")
def settings() -> Settings:
    """The settings `./xsc test` was started with, or the defaults under plain pytest."""
    build = os.environ.get("XSC_BUILD_DIR")
    jobs = int(os.environ.get("XSC_JOBS", default_jobs()))
    return Settings(default_paths(Path(build) if build else None), jobs, Mode.PLAIN, False)


@pytest.fixture(scope="session")
def built(settings: Settings) -> Callable[[str], Path]:
    """A function from a step name to its output directory; `./xsc test` has built most of them."""

    @functools.cache
    def output(step: str) -> Path:
        return ensure(settings, [step])[step]

    return output


class Count:
    """Counts tests that ran, so that a run which skipped everything is no success."""

    def __init__(self) -> None:
        self.ran = 0

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.when == "call" and not report.skipped:
            self.ran += 1

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session, exitstatus: int) -> None:
        if exitstatus == 0 and self.ran == 0 and not session.config.option.collectonly:
            session.exitstatus = NO_TEST_RAN


def pytest_configure(config: pytest.Config) -> None:
    config.pluginmanager.register(Count(), "xsc-count")
