# SPDX-License-Identifier: MIT
"""Runs made of numbers chosen by the test."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from xsc.bench.report import Guest, Host, Run
from xsc.bench.samples import LANES, Counter, Output, Sample, Share

HOST = Host(cpu="some processor", cpus=2, load=0.5)
GUEST = Guest(
    accel="tcg",
    accel_reason="/dev/kvm does not exist",
    qemu_cpu="EPYC",
    cpus=2,
    memory="1G",
    kernel="6.1-xsc",
    kernel_args=(),
    mode="permissive",
    workers="auto",
)


def samples(measure: str, costs: Mapping[str, Sequence[int]]) -> tuple[Sample, ...]:
    """Return samples of ten operations from the cost of one, by lane and repetition."""
    return tuple(
        Sample(measure=measure, lane=lane, rep=rep, count=10, ns=10 * ns)
        for lane, values in costs.items()
        for rep, ns in enumerate(values)
    )


def counter(lane: str, name: str, delta: int, measure: str = "getppid", rep: int = 0) -> Counter:
    """Return how far a counter moved."""
    return Counter(measure=measure, lane=lane, rep=rep, name=name, delta=delta)


def make_run(
    *parts: tuple[Sample, ...],
    lanes: tuple[str, ...] = LANES,
    shares: tuple[Share, ...] = (),
    counters: tuple[Counter, ...] = (),
    absent: Mapping[str, str] | None = None,
    clock: float | None = 1.0,
    waited: float | None = 0.0,
    guest: Guest = GUEST,
) -> Run:
    """Return a run with these records."""
    return Run(
        version="7.0.0",
        started="2026-11-22T00:00:00Z",
        quick=False,
        ring="auto",
        host=HOST,
        guest=guest,
        clock=clock,
        waited=waited,
        output=Output(
            lanes=lanes,
            samples=tuple(sample for part in parts for sample in part),
            shares=shares,
            counters=counters,
            absent=dict(absent or {}),
        ),
    )
