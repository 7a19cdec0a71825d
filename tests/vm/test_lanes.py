# SPDX-License-Identifier: MIT
"""Lanes: the same programs whoever executes their calls, and with hand-overs delayed.

`caller` is the reference, and where the other modules run. In `worker` each call that may run in a
worker does; in `random` a coin decides for each. What is compared is what the programs compare
themselves: a trap with the gate, and side effects with their number. In `stock`, Debian's kernel,
the bodies run by trap twice: that a record is the same in two runs is what the comparison rests on.
"""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from test_life import LIFE, SIGNALS, WINDOW
from test_twins import TWINS
from vmkit import PROGRAMS, Built, Lab, Setting, failures, laboratory, run_program

from xsc.suites import delays

pytest_plugins = ("labs",)
pytestmark = [pytest.mark.vm, pytest.mark.timeout(900)]

SETTINGS = {"worker": "force", "random": "random"}
"""What `xsc.workers=` is in each lane."""
EAGER = {"hot_calls": 1, "poll_window_us": 50_000, "spin_max_us": 10_000}
"""Tunables with which workers serve by the gate even where a busy host seldom runs both CPUs."""

# Program, arguments, seconds it may take under emulation with delays.
WORKERS = [
    ("work_hidden", (), 180.0),
    ("work_unseen", (), 180.0),
    ("work_identity", ("--rounds", "30"), 300.0),
    ("work_shared", ("--rounds", "60"), 180.0),
    ("work_raised", ("--rounds", "30"), 180.0),
    ("work_interrupted", ("--rounds", "300"), 180.0),
    ("work_storm", (), 120.0),
    ("work_stopkill", ("--stops", "20", "--rounds", "40"), 300.0),
    ("work_exec", ("--rounds", "20"), 300.0),
    ("work_close", ("--rounds", "30"), 180.0),
    ("work_idle", (), 120.0),
    ("work_locks", ("--rounds", "20"), 180.0),
    ("work_passed", ("--rounds", "20"), 180.0),
    ("work_terminal", ("--rounds", "8"), 180.0),
    ("work_waits", ("--rounds", "10"), 180.0),
    ("work_freezer", ("--rounds", "4"), 300.0),
    ("work_suspend", ("--rounds", "3"), 300.0),
    ("work_place", ("--rounds", "3"), 180.0),
    ("work_hotplug", ("--rounds", "3"), 180.0),
    ("work_priority", ("--rounds", "2"), 180.0),
    ("work_groups", ("--rounds", "3"), 180.0),
    ("work_charge", ("--calls", "30000"), 180.0),
    ("obs_tid", ("--rounds", "6"), 180.0),
]
# They look at the gate itself: where CTRL points, and where in gate A a signal finds them.
ABOUT_THE_GATE = {"life_maps", "life_threads", "sig_step", "win_ops", "win_entry"}
BODIES = [
    *((name, (), 180.0) for name in TWINS),
    *((name, args, seconds * 2.0) for name, args, seconds in LIFE if name not in ABOUT_THE_GATE),
    ("life_threads", ("--threads", "5000", "--wave", "250"), 300.0),
]
EDGES = [
    *(
        (name, args, seconds * 2.0)
        for name, args, seconds in (*SIGNALS, *WINDOW)
        if name not in ABOUT_THE_GATE
    ),
    *WORKERS,
]


@pytest.fixture(scope="session")
def whole(request: pytest.FixtureRequest) -> None:
    """What takes long runs when a lane was asked for by name, or all of them."""
    if not (request.config.getoption("--lane") or os.environ.get("XSC_TEST_LANES")):
        pytest.skip("runs with --lane, or with XSC_TEST_LANES=1, only")


def counter(lab: Lab, name: str) -> int:
    """Return a total of the running kernel."""
    return int(lab.shell(f"cat /sys/kernel/xsc/{name}"))


def slow_hand_overs(lab: Lab) -> None:
    """Let requests change hands slowly, and workers and gates wait for it."""
    for name, value in EAGER.items():
        lab.shell(f"echo {value} > /sys/kernel/xsc/{name}")
    lab.shell(delays.SLOW)
    assert lab.shell(delays.READ).split() == delays.SLOWED.split(",")


@pytest.fixture(scope="module", params=SETTINGS)
def lane(request: pytest.FixtureRequest, built: Built) -> Iterator[Lab]:
    """A machine in one lane, where requests change hands slowly."""
    workers = SETTINGS[request.param]
    setting = Setting(args=("xsc=permissive", f"xsc.workers={workers}"))
    with laboratory(setting, built, request.session) as lab:
        assert lab.shell("cat /sys/kernel/xsc/workers").strip() == workers
        slow_hand_overs(lab)
        yield lab


@pytest.fixture(scope="module")
def earned(request: pytest.FixtureRequest, built: Built) -> Iterator[Lab]:
    """The default machine: calls earn their worker."""
    with laboratory(Setting(args=("xsc=permissive",)), built, request.session) as lab:
        assert lab.shell("cat /sys/kernel/xsc/workers").strip() == "auto"
        yield lab


@pytest.mark.parametrize(("name", "args", "seconds"), BODIES, ids=lambda value: str(value))
def test_programs(lane: Lab, name: str, args: tuple[str, ...], seconds: float) -> None:
    run_program(lane, name, *args, timeout=seconds)


@pytest.mark.parametrize("name", TWINS)
def test_bodies_are_the_same_twice_on_debians_kernel(stock: Lab, name: str) -> None:
    done = stock.run([f"{PROGRAMS}/{name}", "--trap-twice"], 180)
    output = done.stdout.decode(errors="replace")
    assert failures(output) == []
    assert done.code == 0, output[-2000:]
    assert stock.kernel_trouble() == []


@pytest.mark.parametrize(("name", "args", "seconds"), EDGES, ids=lambda value: str(value))
def test_edges(lane: Lab, name: str, args: tuple[str, ...], seconds: float) -> None:
    run_program(lane, name, *args, timeout=seconds)


@pytest.mark.usefixtures("whole")
@pytest.mark.parametrize(("name", "args", "seconds"), WORKERS, ids=lambda value: str(value))
def test_earned_workers(earned: Lab, name: str, args: tuple[str, ...], seconds: float) -> None:
    """Workers come and go as calls earn them, and nothing is delayed."""
    run_program(earned, name, *args, timeout=seconds)


def test_windows_follow_the_wake_up(earned: Lab) -> None:
    """Not in the lanes: their delays are longer than the windows that it is about."""
    run_program(earned, "work_window", timeout=180)


def test_the_lane_was_the_lane(lane: Lab) -> None:
    """The counters say who executed the calls of the programs above, and of a loop."""
    lane.shell("python3 -c 'import os; [os.getppid() for _ in range(20_000)]'", 120)
    by_worker = counter(lane, "worker") + counter(lane, "handed")
    assert by_worker > 10_000
    assert counter(lane, "retirements") > 0
