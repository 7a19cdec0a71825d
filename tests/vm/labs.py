# SPDX-License-Identifier: MIT
"""Fixtures: machines shared by test modules, one per kind, booted when first used.

A module asks for them with `pytest_plugins = ("labs",)`.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from vmkit import Built, Lab, Setting


def _lab(setting: Setting, built: Built) -> Iterator[Lab]:
    lab = Lab(setting, built)
    yield lab
    lab.end()


@pytest.fixture(scope="session")
def permissive(built: Built) -> Iterator[Lab]:
    """The XSC kernel in its default mode."""
    yield from _lab(Setting(args=("xsc=permissive",)), built)


@pytest.fixture(scope="session")
def enforcing(built: Built) -> Iterator[Lab]:
    """The XSC kernel that refuses traps."""
    yield from _lab(Setting(args=("xsc=enforcing",)), built)


@pytest.fixture(scope="session")
def switched_off(built: Built) -> Iterator[Lab]:
    """The XSC kernel as plain Linux."""
    yield from _lab(Setting(args=("xsc=off",)), built)


@pytest.fixture(scope="session")
def stock(built: Built) -> Iterator[Lab]:
    """Debian's own kernel under the same root file system."""
    yield from _lab(Setting(kernel="stock"), built)
