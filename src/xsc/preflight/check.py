# SPDX-License-Identifier: MIT
"""What a check of the machine says."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Verdict(StrEnum):
    """OK: as needed. WARN: works, with a drawback. FAIL: a build or a boot will fail."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True)
class Finding:
    """The result of one check; a verdict other than OK carries a remedy."""

    check: str
    verdict: Verdict
    text: str
    remedy: str | None = None


def ok(check: str, text: str) -> Finding:
    """All is well."""
    return Finding(check, Verdict.OK, text)


def warn(check: str, text: str, remedy: str) -> Finding:
    """It works, but."""
    return Finding(check, Verdict.WARN, text, remedy)


def fail(check: str, text: str, remedy: str) -> Finding:
    """It will not work."""
    return Finding(check, Verdict.FAIL, text, remedy)
