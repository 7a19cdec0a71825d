# SPDX-License-Identifier: MIT
"""The slow lane for data races: twins and the edges of workers under KCSAN.

Runs on request only, for its kernel has to be built:
`XSC_TEST_RACE=1 ./xsc test --vm -k race_kernel`.
Races of the kernel's own that KCSAN knows to report are not ours: a report counts when the access
is made by XSC (`xsc.vm.klog.data_races`).
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator

import pytest
from test_lanes import WORKERS, slow_hand_overs
from test_twins import TWINS
from vmkit import PROGRAMS, Built, Lab, Setting, failures, laboratory

from xsc.vm.klog import data_races

pytestmark = [
    pytest.mark.vm,
    pytest.mark.timeout(3600),
    pytest.mark.skipif(
        not os.environ.get("XSC_TEST_RACE"), reason="runs with XSC_TEST_RACE=1 only"
    ),
]

OTHERS = [
    ("life_threads", ("--threads", "2000", "--wave", "200")),
    ("sig_handlers", ("--rounds", "100")),
    ("sig_storm", ("--seconds", "5", "--interval", "500")),
    ("win_hammer", ("--rounds", "10")),
    ("win_race", ()),
    ("win_detach", ()),
    ("gate_astray", ()),
    *((name, args) for name, args, _ in WORKERS),
]


@pytest.fixture(scope="module")
def race(built: Built, request: pytest.FixtureRequest) -> Iterator[Lab]:
    """A machine with the race-detecting kernel in the lane `random`, with slow hand-overs."""
    setting = Setting(kernel="race", args=("xsc=permissive", "xsc.workers=random"), memory="2G")
    with laboratory(setting, built, request.session) as lab:
        assert "CONFIG_KCSAN=y" in lab.shell("zcat /proc/config.gz")
        slow_hand_overs(lab)
        yield lab


def run_without_races(lab: Lab, name: str, *args: str) -> None:
    """Run a guest test that must pass; no report since the last one may be about XSC."""
    done = lab.run([f"{PROGRAMS}/{name}", *args, "--require-gate"], 900)
    log = lab.run(["dmesg", "--read-clear"]).stdout.decode(errors="replace")
    assert not data_races(log), "\n".join(data_races(log))
    output = done.stdout.decode(errors="replace")
    assert failures(output) == []
    assert done.code == 0, output[-2000:]


@pytest.mark.parametrize("name", TWINS)
def test_twins_have_no_races(race: Lab, name: str) -> None:
    run_without_races(race, name)


@pytest.mark.parametrize(("name", "args"), OTHERS, ids=lambda value: str(value))
def test_programs_have_no_races(race: Lab, name: str, args: tuple[str, ...]) -> None:
    run_without_races(race, name, *args)


def test_the_detector_detects(race: Lab) -> None:
    """A machine as busy as this one meets races of the kernel's own: KCSAN set watchpoints."""
    race.shell("mountpoint -q /sys/kernel/debug || mount -t debugfs none /sys/kernel/debug")
    found = re.search(r"^setup_watchpoints: (\d+)", race.shell("cat /sys/kernel/debug/kcsan"), re.M)
    assert found is not None
    assert int(found[1]) > 10_000
