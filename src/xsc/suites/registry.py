# SPDX-License-Identifier: MIT
"""All suites by name."""

from __future__ import annotations

from collections.abc import Mapping

from xsc.errors import UsageError
from xsc.suites import cpython, glibc, kselftests, strace, stress, trinity
from xsc.suites.model import Suite

SUITES: Mapping[str, Suite] = {
    module.SUITE.name: module.SUITE
    for module in (kselftests, cpython, glibc, stress, strace, trinity)
}


def find(name: str) -> Suite:
    """Return a suite. Raises UsageError that names those there are."""
    if name in SUITES:
        return SUITES[name]
    raise UsageError(f"there is no suite {name!r}", hint=f"suites: {', '.join(SUITES)}")
