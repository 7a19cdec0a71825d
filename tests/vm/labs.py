# SPDX-License-Identifier: MIT
"""Fixtures: machines shared by test modules, one per kind, booted when first used.

A module asks for them with `pytest_plugins = ("labs",)`.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from vmkit import Built, Lab, Setting, laboratory


@pytest.fixture(scope="session")
def permissive(built: Built, request: pytest.FixtureRequest) -> Iterator[Lab]:
    """The XSC kernel in its default mode, in the lane `caller`: each task makes its own calls."""
    with laboratory(
        Setting(args=("xsc=permissive", "xsc.workers=off")), built, request.session
    ) as lab:
        yield lab


@pytest.fixture(scope="session")
def enforcing(built: Built, request: pytest.FixtureRequest) -> Iterator[Lab]:
    """The XSC kernel that refuses traps."""
    with laboratory(
        Setting(args=("xsc=enforcing", "xsc.workers=off")), built, request.session
    ) as lab:
        yield lab


@pytest.fixture(scope="session")
def switched_off(built: Built, request: pytest.FixtureRequest) -> Iterator[Lab]:
    """The XSC kernel as plain Linux."""
    with laboratory(Setting(args=("xsc=off",)), built, request.session) as lab:
        yield lab


@pytest.fixture(scope="session")
def stock(built: Built, request: pytest.FixtureRequest) -> Iterator[Lab]:
    """Debian's own kernel under the same root file system."""
    with laboratory(Setting(kernel="stock"), built, request.session) as lab:
        yield lab
