# SPDX-License-Identifier: MIT
"""Which steps a target needs, their keys, and which of them still have to run."""

from __future__ import annotations

import graphlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from xsc.errors import StepFailed, UsageError
from xsc.graph.digest import DigestCache
from xsc.graph.history import History
from xsc.graph.key import StepKey, step_key
from xsc.graph.step import Step
from xsc.graph.store import Entry, Store
from xsc.paths import Paths
from xsc.version import source_date_epoch


@dataclass(frozen=True)
class Plan:
    """The closure of the targets in build order, split into what is there and what is not."""

    targets: tuple[str, ...]
    steps: Mapping[str, Step]
    order: tuple[str, ...]
    keys: Mapping[str, StepKey]
    cached: Mapping[str, Entry]
    missing: tuple[str, ...]
    estimates: Mapping[str, float]


def closure(targets: Iterable[str], registry: Mapping[str, Step]) -> tuple[str, ...]:
    """Return the targets and everything they need, needs first.

    Raises UsageError for an unknown target, StepFailed for an unknown need or a cycle.
    """
    graph: dict[str, tuple[str, ...]] = {}
    pending = list(targets)
    for name in pending:
        if name not in registry:
            known = ", ".join(sorted(registry))
            raise UsageError(f"there is no step {name!r}", hint=f"steps: {known}")
    while pending:
        name = pending.pop()
        if name in graph:
            continue
        graph[name] = registry[name].needs
        for need in registry[name].needs:
            if need not in registry:
                raise StepFailed(f"step {name!r} needs {need!r}, which is no step")
            pending.append(need)
    try:
        return tuple(graphlib.TopologicalSorter(graph).static_order())
    except graphlib.CycleError as error:
        raise StepFailed(f"the build graph has a cycle: {' -> '.join(error.args[1])}") from error


def compute_keys(
    order: Iterable[str], registry: Mapping[str, Step], paths: Paths
) -> dict[str, StepKey]:
    """Return the key of every step in `order` (needs first)."""
    keys: dict[str, StepKey] = {}
    epoch = source_date_epoch()
    with DigestCache(paths.cache / "digests.db") as digests:
        for name in order:
            keys[name] = step_key(registry[name], keys, paths.root, epoch, digests)
    return keys


def make_plan(
    targets: Iterable[str], registry: Mapping[str, Step], paths: Paths, history: History
) -> Plan:
    """Decide what has to run. A step whose output is there does not ask for its own needs."""
    wanted = tuple(dict.fromkeys(targets))
    order = closure(wanted, registry)
    keys = compute_keys(order, registry, paths)
    store = Store(paths.store)
    cached: dict[str, Entry] = {}
    missing: set[str] = set()
    pending = list(wanted)
    while pending:
        name = pending.pop()
        if name in cached or name in missing:
            continue
        entry = store.get(keys[name].key)
        if entry is not None:
            cached[name] = entry
        else:
            missing.add(name)
            pending.extend(registry[name].needs)
    todo = tuple(name for name in order if name in missing)
    return Plan(
        targets=wanted,
        steps={name: registry[name] for name in order},
        order=order,
        keys=keys,
        cached=cached,
        missing=todo,
        estimates={name: history.duration(name) or registry[name].estimate for name in todo},
    )
