# SPDX-License-Identifier: MIT
"""Whole systems beside each other: what of a boot counts, and how it is judged."""

from __future__ import annotations

from pathlib import Path

from xsc.bench import beside, guest
from xsc.bench.samples import Output, Sample
from xsc.commands.bench import boot_specifications
from xsc.vm.accel import Accel
from xsc.vm.copies import Copy
from xsc.vm.machine import MachineSpec
from xsc.vm.qemu import Hardware


def samples(measure: str, lane: str, *costs: int) -> tuple[Sample, ...]:
    return tuple(
        Sample(measure=measure, lane=lane, rep=rep, count=1, ns=ns) for rep, ns in enumerate(costs)
    )


def test_the_lane_of_a_system_is_the_one_its_user_gets() -> None:
    """Traps and bells of the XSC system are no part of the comparison."""
    output = Output(
        lanes=("trap", "bell", "ring"),
        samples=(*samples("mix", "trap", 1, 1, 1), *samples("mix", "ring", 50, 70, 60)),
    )
    assert beside.one_of_each(output, "xsc", 4) == (
        Sample(measure="mix", lane="xsc", rep=4, count=1, ns=60),
    )


def test_debians_system_has_one_lane() -> None:
    output = Output(lanes=("trap",), samples=samples("find", "trap", 9, 7, 8))
    (found,) = beside.one_of_each(output, "stock", 0)
    assert (found.lane, found.ns) == ("stock", 8)


def test_only_what_was_asked_for_is_measured() -> None:
    assert beside.wanted(guest.Settings()) == beside.MEASURES
    assert beside.wanted(guest.Settings(measures=("tar", "getpid"))) == ("tar",)
    assert beside.systems({}, guest.Settings(measures=("getpid",)), print) == ()


def test_its_measures_are_those_of_the_standard_image() -> None:
    here = {
        name
        for program in guest.SUITE
        if program.profile == guest.STANDARD
        for name in program.measures
    }
    assert set(beside.MEASURES) <= here


def test_a_boot_that_is_compared_brings_in_no_programs(tmp_path: Path) -> None:
    """What is brought in after a boot is no part of a boot to multi-user."""
    file = tmp_path / "file"
    spec = MachineSpec(
        Hardware(Accel("tcg")),
        *(file, file, file, file),
        kernel_args=("xsc=permissive",),
        copies=(Copy(tmp_path, guest.PROGRAMS),),
    )
    kernels = boot_specifications({"xsc": spec, "stock": spec})
    assert set(kernels) == {"xsc", "off", "stock"}
    assert not any(each.copies for each in kernels.values())
    assert kernels["off"].kernel_args == ("xsc=permissive", "xsc=off")
