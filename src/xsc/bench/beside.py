# SPDX-License-Identifier: MIT
"""Whole systems measured beside each other: XSC, and Debian's kernel with Debian's C library.

The lanes of `bench core` share one kernel, so that a ratio says what the way into the kernel costs.
Here each system is booted in turn and gets what its user gets.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from xsc.bench.guest import STANDARD, SUITE, Say, Settings, visit
from xsc.bench.samples import Output, Sample
from xsc.vm.machine import MachineSpec

SYSTEMS = ("xsc", "stock")
MEASURES = ("mix", "find", "tar", "sqlite")
"""What is measured in both. `git-status` and `compile` have a goal as well, but an image of their
own, and would take minutes in each boot: they are measured by lanes only."""
TURN_REPS = 3
"""Samples of each measure per boot; the median counts."""


def own_lane(output: Output) -> str:
    """Return the lane that a user of the measured system gets: the last that it offers."""
    return output.lanes[-1]


def one_of_each(output: Output, system: str, rep: int) -> tuple[Sample, ...]:
    """Return the median sample of each measure, as repetition `rep` of the lane `system`."""
    found: dict[str, list[Sample]] = {}
    for sample in output.typical:
        if sample.lane == own_lane(output):
            found.setdefault(sample.measure, []).append(sample)
    return tuple(
        sorted(each, key=lambda one: one.cost)[len(each) // 2].model_copy(
            update={"lane": system, "rep": rep}
        )
        for each in found.values()
    )


def wanted(settings: Settings) -> tuple[str, ...]:
    """Return which of MEASURES are asked for."""
    return tuple(name for name in MEASURES if not settings.measures or name in settings.measures)


def systems(specs: Mapping[str, MachineSpec], settings: Settings, say: Say) -> tuple[Sample, ...]:
    """Boot each of SYSTEMS `settings.reps` times, in turns, and measure in it.

    Returns one sample of each measure for each boot; its lane is the name of the system. Raises
    StepFailed if a program fails, and what Machine raises.
    """
    inside = replace(settings, reps=TURN_REPS, measures=wanted(settings))
    programs = [each for each in SUITE if each.profile == STANDARD and inside.wants(each)]
    if not inside.measures:
        return ()
    samples: list[Sample] = []
    for rep in range(settings.reps):
        for name in _turn(rep):
            say(f"system {rep + 1} of {settings.reps}: {name}")
            for output in visit(specs[name], programs, inside, say).outputs:
                samples += one_of_each(output, name, rep)
    return tuple(samples)


def _turn(rep: int) -> Sequence[str]:
    return SYSTEMS[rep % 2 :] + SYSTEMS[: rep % 2]
