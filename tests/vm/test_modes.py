# SPDX-License-Identifier: MIT
"""Modes: what a trap does in each, and that the same system boots in all and on Debian's kernel."""

from __future__ import annotations

import re

import pytest
from vmkit import PROGRAMS, Built, Lab, Setting, laboratory, run_program

from xsc.vm.klog import shutdown_counts, splats

pytest_plugins = ("labs",)
pytestmark = [pytest.mark.vm, pytest.mark.timeout(900)]


def test_a_trap_is_counted_in_permissive_mode(permissive: Lab) -> None:
    run_program(permissive, "mode_traps", "permissive")


def test_a_trap_is_refused_in_enforcing_mode(enforcing: Lab) -> None:
    refused = int(enforcing.shell("cat /sys/kernel/xsc/execs_refused"))
    run_program(enforcing, "mode_traps", "enforcing")
    assert int(enforcing.shell("cat /sys/kernel/xsc/execs_refused")) == refused + 1


def test_the_mode_can_be_tightened_at_run_time(built: Built) -> None:
    """On a processor of Intel's, which has sysenter for 64-bit programs; the others' have not."""
    with laboratory(Setting(args=("xsc=permissive",), cpu="Nehalem"), built) as lab:
        run_program(lab, "mode_traps", "permissive")
        lab.shell("echo 2 > /proc/sys/kernel/xsc_mode")
        assert lab.shell("cat /sys/kernel/xsc/mode").strip() == "enforcing"
        run_program(lab, "mode_traps", "enforcing")


def test_switched_off_is_plain_linux(switched_off: Lab) -> None:
    done = switched_off.run([f"{PROGRAMS}/mode_traps", "off"])
    assert done.code == 0, done.stdout.decode()
    assert "[xsc]" not in switched_off.shell("cat /proc/self/maps")
    assert switched_off.kernel_trouble() == []


@pytest.mark.parametrize("name", ["life_fork", "life_exec", "sig_restart", "sig_cancel", "sig_cxx"])
@pytest.mark.parametrize("where", ["switched_off", "stock"])
def test_the_library_works_without_a_gate(
    request: pytest.FixtureRequest, where: str, name: str
) -> None:
    """The same binaries on the fallback path: plain traps through libc's own stub."""
    lab: Lab = request.getfixturevalue(where)
    done = lab.run([f"{PROGRAMS}/{name}"], 180)
    assert done.code == 0, done.stdout.decode()[-3000:]
    assert lab.kernel_trouble() == []


def test_traps_on_debians_kernel_are_what_they_are_without_a_gate(stock: Lab) -> None:
    done = stock.run([f"{PROGRAMS}/mode_traps", "off"])
    assert done.code == 0, done.stdout.decode()


def test_stock_kernel_is_debians(stock: Lab) -> None:
    assert re.fullmatch(r"6\.1\.0-\d+-\S*amd64", stock.shell("uname -r").strip())


SYSTEMS = [
    ("permissive", "xsc", ("xsc=permissive",)),
    ("enforcing", "xsc", ("xsc=enforcing",)),
    ("off", "xsc", ("xsc=off",)),
    ("stock", "stock", ()),
]
# The shutdown count is an informational message; the console normally shows warnings only.
LOUD = ("loglevel=7",)
SCRIPT = """
systemctl is-system-running --wait || systemctl --failed --no-legend
ls / > /dev/null && ps aux > /dev/null
python3 -c 'import threading, subprocess
t = threading.Thread(target=lambda: subprocess.run(["true"], check=True))
t.start(); t.join()'
"""


@pytest.mark.parametrize(("name", "kernel", "args"), SYSTEMS, ids=[row[0] for row in SYSTEMS])
def test_systemd_boots_to_power_off(
    built: Built, name: str, kernel: str, args: tuple[str, ...]
) -> None:
    """From exec of PID 1 to power-off; on a kernel with gates nothing may trap in all that time."""
    setting = Setting(kernel, (*args, *LOUD), init="systemd", steps=())
    with laboratory(setting, built) as lab:
        print(lab.shell(SCRIPT, 300))
        counts = "cat /sys/kernel/xsc/calls /sys/kernel/xsc/traps 2>/dev/null || true"
        near_end = lab.shell(counts).split()
        assert lab.kernel_trouble() == []
        lab.end()
        log = lab.console.read_text(errors="replace")
        assert splats(log) == []
        if name in ("permissive", "enforcing"):
            last = shutdown_counts(log)
            assert last is not None, f"the kernel said no last word:\n{log[-2000:]}"
            print(f"near the end {near_end}, at power-off calls {last[0]} traps {last[1]}")
            assert int(near_end[1]) == 0
            assert last[1] == 0
            assert last[0] >= int(near_end[0]) > 10_000
