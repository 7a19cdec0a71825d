# SPDX-License-Identifier: MIT
"""Keys that another machine has computed: would a build here make the same thing?"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from xsc.errors import InfraError
from xsc.graph.key import StepKey
from xsc.graph.plan import Plan
from xsc.graph.why import compare_facts

SHOWN = 8


def describe(step: str, keys: Mapping[str, StepKey]) -> str:
    """Return keys and facts of `step` and all it is made from, for check() elsewhere."""
    facts: dict[str, object] = {}
    pending = [step]
    while pending:
        name = pending.pop()
        if name not in facts:
            facts[name] = {"key": keys[name].key, "facts": dict(keys[name].facts)}
            pending += _needs(keys[name].facts)
    return json.dumps(facts, sort_keys=True)


def check(plan: Plan, text: str) -> None:
    """Raise InfraError, naming the differences, unless the targets have the keys in `text`."""
    theirs = json.loads(text)
    for target in plan.targets:
        if target in theirs and theirs[target]["key"] != plan.keys[target].key:
            changes = list(_differences(target, plan.keys, theirs))
            raise InfraError(
                f"this machine would make another {target} than the one that is asked for: "
                + "; ".join(changes[:SHOWN]),
                hint="bring both machines to the same versions of Debian's packages (apt-get "
                "update and upgrade), or build where the command was given",
            )


def _differences(
    target: str, ours: Mapping[str, StepKey], theirs: Mapping[str, Mapping[str, Any]]
) -> Iterable[str]:
    """Yield what differs in the facts of `target` and its needs, asked value first."""
    seen = set()
    pending = [target]
    while pending:
        name = pending.pop()
        if name in seen or name not in theirs or theirs[name]["key"] == ours[name].key:
            continue
        seen.add(name)
        for change in compare_facts(theirs[name]["facts"], ours[name].facts):
            yield f"{name}: {change}"
        pending += _needs(ours[name].facts)


def _needs(facts: Mapping[str, object]) -> list[str]:
    needs = facts["needs"]
    assert isinstance(needs, dict)
    return list(needs)
