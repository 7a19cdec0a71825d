# SPDX-License-Identifier: MIT
"""What machine each lane boots, and that a suite's programs are in it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from xsc.build import registry
from xsc.suites import boot
from xsc.suites.lanes import CONDITIONS, Lane
from xsc.suites.registry import SUITES, find
from xsc.vm.accel import Accel
from xsc.vm.artifacts import Overrides
from xsc.vm.copies import Copy


def ensure(steps: Sequence[str]) -> Mapping[str, Path]:
    return {step: Path("/store") / step for step in steps}


@pytest.mark.parametrize("name", SUITES)
@pytest.mark.parametrize("lane", Lane)
def test_every_step_that_is_needed_exists(name: str, lane: Lane) -> None:
    assert set(boot.steps(find(name), lane, Overrides())) <= set(registry())


def test_stock_has_nothing_of_ours_but_the_initramfs() -> None:
    steps = boot.steps(find("cpython"), Lane.STOCK, Overrides())
    assert set(steps) == {"stock-kernel", "initramfs-stock", "rootfs-suites-stock", "agent"}
    assert registry()["rootfs-suites-stock"].needs == ()


def test_the_machine_of_a_lane(tmp_path: Path) -> None:
    for lane in Lane:
        describe = boot.machine(
            find("kselftests"), lane, Overrides(), ensure, Accel("tcg"), tmp_path, stretch=2.0
        )
        spec = describe()
        args = [word for word in spec.kernel_args if word.startswith("xsc")]
        assert tuple(args) == CONDITIONS[lane].args
        assert spec.copies == (Copy(Path("/store/kselftests"), "/opt/kselftests"),)
        assert (spec.boot_seconds, spec.log_dir, spec.console) == (600.0, tmp_path, None)


def test_only_worker_lanes_turn_workers_on_at_boot() -> None:
    words = {lane: [w for w in CONDITIONS[lane].args if "workers" in w] for lane in Lane}
    assert words == {
        Lane.STOCK: [],
        Lane.CALLER: [],
        Lane.WORKER: ["xsc.workers=force"],
        Lane.RANDOM: ["xsc.workers=random"],
    }
