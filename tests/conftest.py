# SPDX-License-Identifier: MIT
"""Fixtures and rules for all tests."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from xsc.build import registry
from xsc.build.rootfs import PROFILES
from xsc.commands.build import Origin, rebuilt_image
from xsc.config import Settings, default_jobs
from xsc.graph.step import Step
from xsc.packages.image import SUFFIX
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
def steps(settings: Settings) -> Mapping[str, Step]:
    """The steps by name. With XSC_TEST_PACKAGES=rebuilt an image is the one from rebuilt packages.

    What is missing of those packages is not built: Debian's are in the image in their place.
    """
    origin = os.environ.get("XSC_TEST_PACKAGES", Origin.DEBIAN)
    known = dict(registry())
    if origin != Origin.DEBIAN:
        assert origin == Origin.REBUILT, f"XSC_TEST_PACKAGES={origin}: there are debian and rebuilt"
        for profile in PROFILES:
            known |= rebuilt_image(settings, profile)
            for name in (f"rootfs-{profile}", f"iso-{profile}"):
                known[name] = known[name + SUFFIX]
    return known


@pytest.fixture(scope="session")
def built(settings: Settings, steps: Mapping[str, Step]) -> Callable[[str], Path]:
    """A function from a step name to its output directory; `./xsc test` has built most of them."""

    @functools.cache
    def output(step: str) -> Path:
        name = steps[step].name
        return ensure(settings, [name], known=steps)[name]

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


LANES = ("stock", "caller", "worker", "random")
"""Who makes the calls of a program: see docs/testing.md."""
_LAB_LANES = {"stock": "stock", "permissive": "caller", "enforcing": "caller"}
"""The lane of a machine from tests/vm/labs.py."""


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--lane", choices=LANES, help="only tests of this lane, and all of them")


def pytest_configure(config: pytest.Config) -> None:
    config.pluginmanager.register(Count(), "xsc-count")


def _lanes(item: pytest.Item) -> set[str]:
    """Return the lanes a test runs in: by its parameter, or by its machine."""
    params = getattr(item, "callspec", None)
    if params is not None and "lane" in params.params:
        return {params.params["lane"]}
    fixtures = getattr(item, "fixturenames", ())
    return {lane for name, lane in _LAB_LANES.items() if name in fixtures}


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    lane = config.getoption("--lane")
    if lane is None:
        return
    chosen = [item for item in items if lane in _lanes(item)]
    config.hook.pytest_deselected(items=[item for item in items if item not in set(chosen)])
    items[:] = chosen
