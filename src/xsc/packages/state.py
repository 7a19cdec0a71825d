# SPDX-License-Identifier: MIT
"""How each package of a selection stands: built, explained, failed, not tried."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from xsc.graph.plan import Plan
from xsc.graph.store import Store
from xsc.packages import scanning
from xsc.packages.attempts import Attempts
from xsc.packages.builder import failed_before
from xsc.packages.classify import Cause
from xsc.packages.sets import Kind, Known
from xsc.packages.steps import Planned


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
    programs: int | None = None
    traps: int | None = None
    finds: tuple[str, ...] = ()
    debs: Path | None = None
    log: Path | None = None

    @property
    def settled(self) -> bool:
        """Say whether nothing is left to do."""
        return self.state is State.BUILT or bool(self.explained)

    @property
    def words(self) -> str:
        """The state in words, with the cause of a failure."""
        return f"{self.state}: {self.cause}" if self.cause else str(self.state)


def rows(
    planned: Iterable[Planned], plan: Plan, attempts: Attempts, store: Store, known: Known
) -> list[Row]:
    """Return how every package stands."""
    return [_row(package, plan, attempts, store, known) for package in planned]


def _row(package: Planned, plan: Plan, attempts: Attempts, store: Store, known: Known) -> Row:
    name, version = package.name, package.version
    fact = known.facts.get(name)
    fails = fact.reason if fact and fact.kind is Kind.FAILS else ""
    if not package.steps:
        waits = Row(name, version, State.FAILED, Cause.DEP_WAIT, package.waits)
        return Row(**{**vars(waits), "explained": fails})
    scanned = store.get(plan.keys[package.scan_step].key)
    built = store.get(plan.keys[package.build_step].key)
    if scanned is not None and built is not None:
        traps = scanning.read(scanned.out)
        return Row(
            name,
            version,
            State.TRAPS if traps.count else State.BUILT,
            detail=next(iter(traps.finds), ""),
            explained=fact.reason if fact and fact.kind is Kind.TRAPS and traps.count else "",
            seconds=built.seconds,
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
        failed.reason,
        fails,
        failed.seconds,
        log=attempts.log(failed),
    )


def totals(found: Sequence[Row]) -> str:
    """Return how many packages stand how, as one line."""
    counts = Counter(row.words for row in found)
    parts = [f"{count} {words}" for words, count in sorted(counts.items())]
    explained = sum(1 for row in found if row.explained)
    if explained:
        parts.append(f"{explained} of these explained")
    seconds = sum(row.seconds or 0.0 for row in found)
    return f"{len(found)} packages: {', '.join(parts)}; {seconds / 60:.0f} min of building"
