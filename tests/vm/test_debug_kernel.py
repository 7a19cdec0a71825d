# SPDX-License-Identifier: MIT
"""The slow lane: twins, life and window abuse under KASAN, lockdep and sleep checks.

Building that kernel takes longer than all other tests together, so this runs on request only:
`XSC_TEST_DEBUG=1 ./xsc test --vm -k debug_kernel`.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from test_lanes import ABOUT_THE_GATE, slow_hand_overs
from vmkit import Built, Lab, Setting, laboratory, run_program

pytestmark = [
    pytest.mark.vm,
    pytest.mark.timeout(3600),
    pytest.mark.skipif(
        not os.environ.get("XSC_TEST_DEBUG"), reason="runs with XSC_TEST_DEBUG=1 only"
    ),
]

GUEST = Path(__file__).resolve().parent.parent / "guest"
TWINS = sorted(path.stem for path in GUEST.glob("twin_*.c"))
# Shorter loops than in the fast lane: each step is several times slower here.
OTHERS = [
    ("life_fork", "--forks", "50"),
    ("life_clone", "--rounds", "500"),
    ("life_exec",),
    ("life_maps",),
    ("life_threads", "--threads", "3000", "--wave", "200"),
    ("sig_restart",),
    ("sig_handlers", "--rounds", "100"),
    ("sig_storm", "--seconds", "5", "--interval", "500"),
    ("sig_fault",),
    ("sig_cancel", "--rounds", "20"),
    ("win_ops",),
    ("win_race",),
    ("win_entry",),
    ("win_detach",),
    ("gate_astray",),
    ("win_hammer", "--rounds", "10"),
    ("obs_ptrace",),
    ("obs_seccomp",),
    ("obs_ftrace",),
    ("obs_audit",),
]
# Before the others: obs_audit leaves audit on, and who is audited has no worker.
WORKERS = [
    ("work_hidden",),
    ("work_unseen",),
    ("work_identity", "--rounds", "3"),
    ("work_raised", "--rounds", "5"),
    ("work_interrupted", "--rounds", "300"),
    ("work_storm",),
    ("work_stopkill", "--stops", "5", "--rounds", "10"),
    ("work_exec", "--rounds", "3"),
    ("work_close", "--rounds", "5"),
    ("work_waits", "--rounds", "3"),
    ("work_freezer", "--rounds", "2"),
    ("work_place", "--rounds", "1"),
    ("work_hotplug", "--rounds", "2"),
    ("work_groups", "--rounds", "1"),
    ("obs_tid",),
]


@pytest.fixture(scope="module", params=["off", "random"])
def debug(built: Built, request: pytest.FixtureRequest) -> Iterator[Lab]:
    """A machine with the checking kernel, by caller and by chance; the first builds that kernel."""
    args = ("xsc=permissive", f"xsc.workers={request.param}")
    setting = Setting(kernel="debug", args=args, memory="2G")
    with laboratory(setting, built, request.session) as lab:
        if request.param != "off":
            slow_hand_overs(lab)
        yield lab


@pytest.mark.parametrize("name", TWINS)
def test_twins_on_the_debug_kernel(debug: Lab, name: str) -> None:
    run_program(debug, name, timeout=600)


@pytest.mark.parametrize("debug", ["random"], indirect=True)
@pytest.mark.parametrize("command", WORKERS, ids=" ".join)
def test_workers_on_the_debug_kernel(debug: Lab, command: tuple[str, ...]) -> None:
    name, *args = command
    run_program(debug, name, *args, timeout=1200)


@pytest.mark.parametrize("command", OTHERS, ids=" ".join)
def test_programs_on_the_debug_kernel(
    debug: Lab, command: tuple[str, ...], request: pytest.FixtureRequest
) -> None:
    name, *args = command
    if name in ABOUT_THE_GATE and request.node.callspec.params["debug"] != "off":
        pytest.skip("looks at the gate that rings; runs by caller")
    run_program(debug, name, *args, timeout=900)


def test_nothing_is_leaked(debug: Lab) -> None:
    """What kmemleak misses a reference to after all of the above, twice in a row."""
    debug.shell("mountpoint -q /sys/kernel/debug || mount -t debugfs none /sys/kernel/debug")
    for _ in range(2):
        debug.shell("echo scan > /sys/kernel/debug/kmemleak", 300)
    found = debug.shell("cat /sys/kernel/debug/kmemleak", 300)
    assert "xsc" not in found, found[:4000]


def test_the_debug_kernel_checks(debug: Lab) -> None:
    """The checks this lane is for are really on."""
    config = debug.shell("zcat /proc/config.gz")
    for option in ("KASAN", "PROVE_LOCKING", "DEBUG_ATOMIC_SLEEP", "DEBUG_KMEMLEAK"):
        assert f"CONFIG_{option}=y" in config
    assert "turning off the locking correctness validator" not in debug.shell("dmesg")
