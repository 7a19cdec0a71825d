# SPDX-License-Identifier: MIT
"""Keys: the hash of everything a step's output depends on."""

from __future__ import annotations

import functools
import hashlib
import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from xsc.errors import StepFailed
from xsc.graph.digest import DigestCache
from xsc.graph.step import Json, Step

KEY_FORMAT = 1
KEY_LENGTH = 32


@dataclass(frozen=True)
class StepKey:
    """The key of one step and the facts it was computed from."""

    step: str
    key: str
    facts: Mapping[str, Json]


def canonical(value: Json | Mapping[str, Json]) -> bytes:
    """Return the one JSON spelling of `value`: sorted names, no white space."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True).encode()


def module_source(step: Step) -> Path:
    """Return the file that defines the step's function."""
    function = step.run
    while isinstance(function, functools.partial):
        function = function.func
    module = sys.modules[function.__module__]
    if module.__file__ is None:
        raise StepFailed(f"step {step.name!r} comes from a module without a source file")
    return Path(module.__file__)


def input_digests(step: Step, root: Path, digests: DigestCache) -> dict[str, Json]:
    """Return the entries of all inputs of `step` by name.

    Raises StepFailed if an input does not exist.
    """
    inputs: dict[str, Json] = {}
    for name in step.inputs:
        path = root / name
        if not path.exists():
            raise StepFailed(
                f"the input {name!r} of step {step.name!r} does not exist",
                hint="the checkout is incomplete: `git status` shows deleted files",
            )
        inputs.update(digests.tree(path, name))
    return inputs


def changed_inputs(step: Step, key: StepKey, root: Path, digests: DigestCache) -> list[str]:
    """Return the names of inputs that are not what they were when `key` was computed."""
    before, now = key.facts["inputs"], input_digests(step, root, digests)
    assert isinstance(before, dict)
    return sorted(name for name in {*before, *now} if before.get(name) != now.get(name))


def step_key(
    step: Step, upstream: Mapping[str, StepKey], root: Path, epoch: int, digests: DigestCache
) -> StepKey:
    """Compute the key of `step`, whose upstream keys are given.

    Raises StepFailed if an input does not exist.
    """
    facts: dict[str, Json] = {
        "format": KEY_FORMAT,
        "step": step.name,
        "version": step.version,
        "source": digests.file(module_source(step)),
        "epoch": epoch,
        "inputs": input_digests(step, root, digests),
        "params": dict(step.params()),
        "needs": {name: upstream[name].key for name in step.needs},
    }
    digest = hashlib.sha256(canonical(facts)).hexdigest()
    return StepKey(step.name, digest[:KEY_LENGTH], facts)
