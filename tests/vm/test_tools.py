# SPDX-License-Identifier: MIT
"""`xsc stat` and `xsc top` in the guest: what they show is what the kernel counted."""

from __future__ import annotations

import json
import re

import pytest
from vmkit import Lab

pytest_plugins = ("labs",)
pytestmark = [pytest.mark.vm, pytest.mark.timeout(300)]

# Makes calls until it is killed.
BUSY = "while :; do read -r line < /proc/self/comm; done"


def on_a_terminal(command: str) -> str:
    """Return a shell command that runs another one on a terminal of 100 columns."""
    return f"script -qec 'stty cols 100 rows 24; TERM=xterm {command}' /dev/null"


def test_stat_shows_the_files_of_the_kernel(permissive: Lab) -> None:
    shown = json.loads(permissive.shell("xsc stat --json"))
    files = permissive.shell("ls /sys/kernel/xsc").split()
    assert {"calls", "traps"} <= set(shown["totals"])
    # Other tests trap on purpose, in the same machine.
    assert shown["totals"]["traps"] == int(permissive.shell("cat /sys/kernel/xsc/traps"))
    assert shown["facts"]["mode"] == "permissive"
    assert set(files) - {"wake_latency"} == set(shown["totals"]) | set(shown["facts"])
    # A number that can be written is a setting and no counter.
    assert not {"hot_calls", "max_pollers"} & set(shown["totals"])
    assert {"worker", "parks", "retirements"} <= set(shown["totals"])


def test_stat_of_a_process_is_its_own(permissive: Lab) -> None:
    output = permissive.shell("sleep inf & xsc stat --json -p $!; cat /proc/$!/xsc; kill $!")
    first, _, lines = output.partition("\n")
    calls = re.search(r"^calls: (\d+)$", lines, re.MULTILINE)
    assert calls is not None
    assert json.loads(first)["totals"]["calls"] == int(calls.group(1))


def test_stat_at_intervals(permissive: Lab) -> None:
    lines = permissive.shell("xsc stat 0.2 3").splitlines()
    assert lines[0].split()[0] == "calls"
    assert len(lines) == 4


def test_top_finds_the_process_that_makes_calls(permissive: Lab) -> None:
    script = f"sh -c '{BUSY}' & xsc top --json -n 1 1; kill $!; echo $!"
    first, _, pid = permissive.shell(script).partition("\n")
    (busiest,) = json.loads(first)["processes"]
    assert busiest["pid"] == int(pid)
    assert busiest["rates"]["calls"] > 0


def test_top_and_stat_draw_on_a_terminal(permissive: Lab) -> None:
    """With the rich of Debian, which is not the version of the host's tests."""
    script = f"sh -c '{BUSY}' & {on_a_terminal('xsc top 0.5 2')}; kill $!"
    shown = permissive.shell(script, 120)
    assert "COMMAND" in shown and "mode permissive" in shown
    assert "\x1b[?1049h" in shown and "\x1b[?1049l" in shown
    assert "untagged_calls" in permissive.shell(on_a_terminal("xsc stat"), 120)


def test_scripts_do_not_load_rich(permissive: Lab) -> None:
    script = "strace -f -e trace=openat -o /tmp/o xsc stat; cat /tmp/o"
    traced = permissive.shell(script, 240)
    assert "/usr/lib/xsc/xscstat/" in traced
    assert "dist-packages/rich/" not in traced


def test_another_kernel_is_an_error(stock: Lab) -> None:
    done = stock.run(["xsc", "stat"])
    assert done.code == 2
    assert b"this kernel is not XSC's" in done.stderr
