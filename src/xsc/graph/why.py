# SPDX-License-Identifier: MIT
"""Explain a rebuild: which facts of a key changed since the last success, down to the files."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

from xsc.graph.history import History
from xsc.graph.key import StepKey
from xsc.graph.plan import Plan
from xsc.graph.step import Json

FACTS = {
    "format": "the format of keys",
    "version": "the version of the step",
    "source": "the code of the step",
    "epoch": "the release date",
    "step": "the name of the step",
}


@dataclass(frozen=True)
class Change:
    """One difference between the facts of two keys of a step."""

    what: str
    before: str | None
    now: str | None

    def __str__(self) -> str:
        if self.before is None:
            return f"{self.what} is new"
        if self.now is None:
            return f"{self.what} is gone"
        if max(len(self.before), len(self.now)) > 60:
            return f"{self.what} changed"
        return f"{self.what} changed: {self.before} -> {self.now}"


def _text(value: Json) -> str:
    return value if isinstance(value, str) else json.dumps(value, sort_keys=True)


def _compare(label: str, before: Json, now: Json) -> list[Change]:
    """Return the changes between two values, entering objects name by name."""
    if before == now:
        return []
    if isinstance(before, dict) and isinstance(now, dict):
        changes = []
        for name in sorted({*before, *now}):
            if name not in now:
                changes.append(Change(f"{label} {name}", _text(before[name]), None))
            elif name not in before:
                changes.append(Change(f"{label} {name}", None, _text(now[name])))
            else:
                changes += _compare(f"{label} {name}", before[name], now[name])
        return changes
    return [Change(label, _text(before), _text(now))]


def compare_facts(before: Mapping[str, Json], now: Mapping[str, Json]) -> list[Change]:
    """Return what differs between the facts of two keys, upstream keys left out."""
    changes: list[Change] = []
    for fact, label in FACTS.items():
        if before.get(fact) != now.get(fact):
            changes.append(Change(label, _text(before.get(fact)), _text(now.get(fact))))
    changes += _compare("input", before.get("inputs", {}), now.get("inputs", {}))
    changes += _compare("parameter", before.get("params", {}), now.get("params", {}))
    needs_before, needs_now = before.get("needs", {}), now.get("needs", {})
    if isinstance(needs_before, dict) and isinstance(needs_now, dict):
        for name in sorted(set(needs_before) ^ set(needs_now)):
            old_need, new_need = needs_before.get(name), needs_now.get(name)
            changes.append(
                Change(
                    f"the need {name}",
                    None if old_need is None else str(old_need),
                    None if new_need is None else str(new_need),
                )
            )
    return changes


def changed_needs(before: Mapping[str, Json], now: Mapping[str, Json]) -> list[str]:
    """Return the needs whose keys differ."""
    old, new = before.get("needs", {}), now.get("needs", {})
    assert isinstance(old, dict) and isinstance(new, dict)
    return [name for name in new if name in old and old[name] != new[name]]


def explain(plan: Plan, history: History) -> list[str]:
    """Return, for every target of `plan`, why it is or is not up to date, one line per fact."""
    lines: list[str] = []
    seen: set[str] = set()
    for target in plan.targets:
        _explain_step(target, plan, history, 0, seen, lines)
    return lines


def _explain_step(
    name: str, plan: Plan, history: History, depth: int, seen: set[str], lines: list[str]
) -> None:
    pad = "  " * depth
    key: StepKey = plan.keys[name]
    last = history.last(name)
    if name in seen:
        lines.append(f"{pad}{name}: see above")
        return
    seen.add(name)
    if last is not None and last[0] == key.key:
        state = "its output is in the store" if name in plan.cached else _absent(name, plan)
        lines.append(f"{pad}{name}: nothing changed since the last build; {state}")
        return
    if last is None:
        if name in plan.cached:
            lines.append(f"{pad}{name}: first build in this directory; its output is in the store")
        else:
            lines.append(f"{pad}{name}: never built in this directory")
        return
    state = "changed; its output is in the store" if name in plan.cached else "will be rebuilt"
    lines.append(f"{pad}{name}: {state}, because since the last build")
    for change in compare_facts(last[1], key.facts):
        lines.append(f"{pad}  {change}")
    for need in changed_needs(last[1], key.facts):
        lines.append(f"{pad}  what it needs changed: {need}")
        _explain_step(need, plan, history, depth + 2, seen, lines)


def _absent(name: str, plan: Plan) -> str:
    if name in plan.missing:
        return "but its output is not in the store (cleaned), so it will be built again"
    return "its output is not needed now"
