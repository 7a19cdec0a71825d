# SPDX-License-Identifier: MIT
"""Reviewed exceptions: what of a suite is not run, and what may differ from Debian, and why."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from xsc.errors import UsageError
from xsc.paths import ROOT
from xsc.suites.lanes import Lane

FOLDER = ROOT / "tests/data/suites"


@dataclass(frozen=True)
class Excluded:
    """Tests, by a pattern as in a shell, that run in no lane."""

    test: str
    reason: str


@dataclass(frozen=True)
class Exempt:
    """A test, named exactly, that need not pass in some lanes although it passes in stock."""

    test: str
    lanes: frozenset[Lane]
    reason: str
    unsteady: bool = False
    """It fails by timing alone, and need not fail: a run in which it passes proves nothing."""


@dataclass(frozen=True)
class Reviewed:
    """The exception file of a suite."""

    excluded: tuple[Excluded, ...] = ()
    exempt: tuple[Exempt, ...] = ()

    def covers(self, test: str, lane: Lane) -> Exempt | None:
        """Return the exception for a test in a lane, if there is one."""
        for entry in self.exempt:
            if entry.test == test and lane in entry.lanes:
                return entry
        return None


def _text(entry: dict[str, Any], key: str) -> str:
    value = entry.pop(key, None)
    if not isinstance(value, str) or not value.strip():
        raise ValueError(f"{key} is missing or empty")
    return value


def _exempt(entry: dict[str, Any]) -> Exempt:
    lanes = entry.pop("lanes", None)
    if not isinstance(lanes, list) or not lanes:
        raise ValueError("lanes is missing or empty")
    found = frozenset(Lane(lane) for lane in lanes)
    if Lane.STOCK in found:
        raise ValueError("the lane stock is what the others are measured by")
    unsteady = entry.pop("unsteady", False)
    if not isinstance(unsteady, bool):
        raise ValueError("unsteady is neither true nor false")
    return Exempt(_text(entry, "test"), found, _text(entry, "reason"), unsteady)


def parse(text: str, source: str) -> Reviewed:
    """Return the exceptions in `text`. Raises UsageError that names the entry at fault."""
    entry: dict[str, Any] = {}
    try:
        tables = tomllib.loads(text)
        excluded, exempt = [], []
        for entry in tables.pop("excluded", []):
            excluded.append(Excluded(_text(entry, "test"), _text(entry, "reason")))
            if entry:
                raise ValueError(f"unknown key {next(iter(entry))}")
        for entry in tables.pop("exception", []):
            exempt.append(_exempt(entry))
            if entry:
                raise ValueError(f"unknown key {next(iter(entry))}")
        entry = tables
        if tables:
            raise ValueError(f"unknown table {next(iter(tables))}")
    except ValueError as error:
        raise UsageError(
            f"{source}: {error} (at {entry!r})",
            hint="[[excluded]]: test, reason; [[exception]]: test, lanes, reason, unsteady",
        ) from error
    return Reviewed(tuple(excluded), tuple(exempt))


def load(suite: str, folder: Path = FOLDER) -> Reviewed:
    """Return the exceptions of a suite; a suite without a file has none."""
    path = folder / f"{suite}.toml"
    return parse(path.read_text(encoding="utf-8"), path.name) if path.exists() else Reviewed()
