# SPDX-License-Identifier: MIT
"""The kernel's own selftests: the same binaries on Debian's kernel and on ours, every result."""

from __future__ import annotations

import functools
import json
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from vmkit import Built, Lab, Setting, laboratory

from xsc.build.kselftests import PROGRAMS
from xsc.vm.errors import CommandTimeout
from xsc.vm.ktap import Excuse, Outcome, differences, outcome, unexcused

pytestmark = [pytest.mark.vm, pytest.mark.timeout(1200)]

REVIEWED = Path(__file__).resolve().parent.parent / "data/kselftest-exceptions.toml"
# Seconds one test may take under emulation; seccomp_bpf is a hundred tests.
SECONDS = 60.0
LONGER = {"seccomp:seccomp_bpf": 300.0, "timers:posix_timers": 120.0}


@functools.cache
def excuses() -> tuple[Excuse, ...]:
    """Return the reviewed differences."""
    listed = tomllib.loads(REVIEWED.read_text())
    return tuple(Excuse(**entry) for entry in listed.get("difference", []))


def run_one(lab: Lab, suite: str, command: str) -> Outcome:
    test = f"{suite}:{command}"
    script = f"cd /opt/kselftests/{suite} && exec ./{command}"
    try:
        done = lab.run(["sh", "-c", script], LONGER.get(test, SECONDS))
        print(f"{test}: {done.seconds:.1f} s")
    except CommandTimeout:
        return outcome(None, "")
    output = (done.stdout + b"\n" + done.stderr).decode(errors="replace")
    return outcome(done.code, output)


def run_suites(lab: Lab) -> dict[str, Outcome]:
    # pidfd_test forks until it gets a certain pid again; with few pids that is soon.
    lab.shell("echo 3000 > /proc/sys/kernel/pid_max")
    return {
        f"{suite}:{command}": run_one(lab, suite, command)
        for suite, commands in sorted(PROGRAMS.items())
        for command in commands
    }


def confirmed(lab: Lab, test: str, expected: Outcome) -> bool:
    """Say whether a difference is there again in most of three runs.

    Some of these tests sleep a few milliseconds and hope that another thread got somewhere
    meanwhile, which a busy host denies them on any kernel.
    """
    suite, _, command = test.partition(":")
    again = [run_one(lab, suite, command) != expected for _ in range(3)]
    print(f"{test}: differs in {sum(again)} of 3 further runs")
    return sum(again) > 1


@pytest.fixture(scope="module")
def on_xsc(built: Built, request: pytest.FixtureRequest) -> Iterator[Lab]:
    with laboratory(
        Setting(args=("xsc=permissive",), steps=("kselftests",)), built, request.session
    ) as lab:
        yield lab


@pytest.fixture(scope="module")
def on_stock(built: Built, request: pytest.FixtureRequest) -> Iterator[Lab]:
    with laboratory(Setting(kernel="stock", steps=("kselftests",)), built, request.session) as lab:
        yield lab


def test_selftests_end_as_on_debians_kernel(on_stock: Lab, on_xsc: Lab) -> None:
    stock = run_suites(on_stock)
    xsc = run_suites(on_xsc)
    trouble = on_xsc.kernel_trouble()
    passed = sum(result.whole == "pass" for result in stock.values())
    every = sum(max(1, len(result.parts)) for result in stock.values())
    print(f"{len(stock)} selftests with {every} results, {passed} of them pass on Debian's kernel")
    found = differences(stock, xsc)
    print(json.dumps([difference.__dict__ for difference in found], indent=1))
    assert passed > len(stock) * 2 / 3, {name: result.whole for name, result in stock.items()}
    left = unexcused(found, excuses())
    noise = {test for test in {d.test for d in left} if not confirmed(on_xsc, test, stock[test])}
    assert [difference for difference in left if difference.test not in noise] == []
    assert trouble == []
