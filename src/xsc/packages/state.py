# SPDX-License-Identifier: MIT
"""How each package of a selection stands: built, explained, failed, not tried."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path

from xsc.errors import EXIT_FAILED, EXIT_INFRA, EXIT_OK
from xsc.graph.plan import Plan
from xsc.graph.store import Store
from xsc.packages import scanning
from xsc.packages.attempts import Attempt, Attempts
from xsc.packages.builder import failed_before
from xsc.packages.classify import Cause
from xsc.packages.sets import Kind, Known
from xsc.packages.steps import Planned

NOT_OURS = {Cause.INFRASTRUCTURE, Cause.SOURCE}
"""Causes that no change of this tree mends."""


class State(StrEnum):
    """How a package stands."""

    BUILT = "built"
    TRAPS = "traps"
    """Built, and its programs hold trap instructions."""
    FAILED = "failed"
    UNTRIED = "not tried"


@dataclass(frozen=True)
class Row:
    """One package. It is settled if it is built without traps, or a known fact explains it."""

    source: str
    version: str
    state: State
    cause: Cause | None = None
    detail: str = ""
    explained: str = ""
    seconds: float | None = None
    processor_seconds: float | None = None
    """Of all processors together, where the build was made from this build directory."""
    programs: int | None = None
    traps: int | None = None
    finds: tuple[str, ...] = ()
    debs: Path | None = None
    log: Path | None = None
    lost: tuple[str, ...] = ()
    """Newer versions of the source, newest first, which the index names and the archive has not."""

    @property
    def settled(self) -> bool:
        """Say whether nothing is left to do."""
        return self.state is State.BUILT or bool(self.explained)

    @property
    def is_explained(self) -> bool:
        """Say whether it is known why it is as it is: by a fact, or by what the archive answered.

        An archive without the source explains it and settles nothing: another one may have it.
        """
        return bool(self.explained) or self.cause is Cause.SOURCE

    @property
    def words(self) -> str:
        """The state in words, with the cause of a failure."""
        return f"{self.state}: {self.cause}" if self.cause else str(self.state)

    @property
    def remark(self) -> str:
        """What is known of it: why it is as it is, else what was found."""
        return _joined(self.explained, _older(self.lost)) if self.explained else self.detail


def rows(
    planned: Iterable[Planned], plan: Plan, attempts: Attempts, store: Store, known: Known
) -> list[Row]:
    """Return how every package stands."""
    return [
        _with_lost(_row(package, plan, attempts, store, known), package.newer)
        for package in planned
    ]


def _with_lost(row: Row, newer: tuple[str, ...]) -> Row:
    return replace(row, detail=_joined(row.detail, _older(newer)), lost=newer)


def _older(newer: Sequence[str]) -> str:
    return f"older than Debian's {newer[0]}, of which the archive has no source" if newer else ""


def _joined(*texts: str) -> str:
    return "; ".join(filter(None, texts))


def _row(package: Planned, plan: Plan, attempts: Attempts, store: Store, known: Known) -> Row:
    name, version = package.name, package.version
    if not package.steps:
        explained = known.reason(name, Kind.FAILS, Cause.DEP_WAIT)
        return Row(name, version, State.FAILED, Cause.DEP_WAIT, package.waits, explained)
    scanned = store.get(plan.keys[package.scan_step].key)
    key = plan.keys[package.build_step].key
    built = store.get(key)
    if scanned is not None and built is not None:
        traps = scanning.read(scanned.out)
        return Row(
            name,
            version,
            State.TRAPS if traps.count else State.BUILT,
            detail=next(iter(traps.finds), ""),
            explained=known.reason(name, Kind.TRAPS) if traps.count else "",
            seconds=built.seconds,
            processor_seconds=_processor_seconds(attempts.last(name, key), built.seconds),
            programs=traps.programs,
            traps=traps.count,
            finds=tuple(word for words in traps.finds.values() for word in words),
            debs=built.out / "debs",
            log=built.path / "log",
        )
    failed = failed_before(package, plan, attempts)
    if failed is None:
        return Row(name, version, State.UNTRIED)
    return Row(
        name,
        version,
        State.FAILED,
        failed.cause,
        _dated(failed),
        known.reason(name, Kind.FAILS, failed.cause),
        failed.seconds,
        log=attempts.log(failed),
    )


def _dated(failed: Attempt) -> str:
    """Return why an attempt failed, with the day if another day may give another answer."""
    day = failed.began.partition("T")[0]
    return f"{failed.reason} (asked on {day})" if failed.cause is Cause.SOURCE else failed.reason


def _processor_seconds(last: Attempt | None, seconds: float) -> float | None:
    """Return what the attempt that made an output has used, if it is the last one on its input.

    One that found the packages and only had to scan them took less time than they did.
    """
    if last is None or last.seconds < seconds:
        return None
    return last.processor_seconds


def exit_code(found: Sequence[Row]) -> int:
    """Return the code of a command about these packages: whose fault is what is not settled?"""
    causes = {row.cause for row in found if not row.settled}
    if not causes:
        return EXIT_OK
    return EXIT_INFRA if causes <= NOT_OURS else EXIT_FAILED


def totals(found: Sequence[Row]) -> str:
    """Return how many packages stand how, as one line."""
    counts = Counter(row.words for row in found)
    parts = [f"{count} {words}" for words, count in sorted(counts.items())]
    explained = sum(1 for row in found if row.is_explained)
    if explained:
        parts.append(f"{explained} of these explained")
    older = sum(1 for row in found if row.lost)
    if older:
        parts.append(f"{older} older than Debian's")
    seconds = sum(row.seconds or 0.0 for row in found)
    return f"{len(found)} packages: {', '.join(parts)}; {seconds / 60:.0f} min of building"
