# SPDX-License-Identifier: MIT
"""Lanes: on what a suite runs, and the proof inside the guest that it really is that."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from xsc.errors import InfraError
from xsc.suites import delays

KNOB = "/sys/kernel/xsc/workers"
# Runs in the guest: prints `name=value` lines, a value is empty where there is no such file.
FACTS = f"""\
echo "kernel=$(uname -r)"
echo "libc=$(dpkg-query -W -f '${{Version}}' libc6)"
echo "mode=$(cat /sys/kernel/xsc/mode 2>/dev/null)"
echo "tagged=$(sed -n 's/^tagged: //p' /proc/self/xsc 2>/dev/null)"
echo "workers=$(cat {KNOB} 2>/dev/null)"
echo "delays=$( ({delays.READ}) | paste -sd ,)"
"""


class Lane(StrEnum):
    """Who executes the system calls of the tests."""

    STOCK = "stock"
    CALLER = "caller"
    WORKER = "worker"
    RANDOM = "random"


@dataclass(frozen=True)
class Conditions:
    """What to boot for a lane, and what the workers' knob and the delays must read there."""

    kernel: str
    profile: str
    args: tuple[str, ...]
    workers: str
    delays: str = ""


CONDITIONS = {
    Lane.STOCK: Conditions("stock", "suites-stock", (), ""),
    Lane.CALLER: Conditions("xsc", "suites", ("xsc=permissive",), "off"),
    Lane.WORKER: Conditions(
        "xsc", "suites", ("xsc=permissive", "xsc.workers=force"), "force", delays.SLOWED
    ),
    Lane.RANDOM: Conditions(
        "xsc", "suites", ("xsc=permissive", "xsc.workers=random"), "random", delays.SLOWED
    ),
}


@dataclass(frozen=True)
class Facts:
    """What a guest says of itself; a field is empty where the guest has no such thing."""

    kernel: str
    libc: str
    mode: str
    tagged: str
    workers: str
    delays: str


def parse_facts(text: str) -> Facts:
    """Return the facts in the output of FACTS. Raises InfraError when one is missing."""
    found = dict(line.split("=", 1) for line in text.splitlines() if "=" in line)
    try:
        return Facts(**{name: found[name] for name in Facts.__dataclass_fields__})
    except KeyError as error:
        raise InfraError(
            f"the guest did not say its {error.args[0]}: {text!r}", hint="boot it with `vm exec`"
        ) from error


def _wrong_stock(facts: Facts, own_libc: bool) -> str | None:
    if facts.mode or "xsc" in facts.kernel:
        return f"this is XSC's kernel, {facts.kernel}"
    if own_libc and "xsc" in facts.libc:
        return f"its C library is XSC's, {facts.libc}"
    return None


def _wrong_xsc(lane: Lane, facts: Facts) -> str | None:
    if not facts.mode:
        return f"kernel {facts.kernel} has no gate"
    if facts.tagged != "1":
        return f"programs have no gate (mode {facts.mode}, C library {facts.libc})"
    wanted = CONDITIONS[lane].workers
    if lane is Lane.CALLER and not facts.workers:
        return None  # a kernel without workers executes everything in the caller
    if not facts.workers:
        return f"kernel {facts.kernel} has no {KNOB}"
    if facts.workers != wanted:
        return f"{KNOB} reads {facts.workers!r}, not {wanted!r}"
    slow = CONDITIONS[lane].delays
    if slow and facts.delays != slow:
        return f"the delays at hand-overs are {facts.delays!r}, not {slow!r}"
    return None


def require(lane: Lane, facts: Facts, own_libc: bool = True) -> None:
    """Raise InfraError unless the guest is in the lane.

    `own_libc` says that the lane stock shall have Debian's C library.
    """
    wrong = _wrong_stock(facts, own_libc) if lane is Lane.STOCK else _wrong_xsc(lane, facts)
    if wrong is not None:
        raise InfraError(
            f"the guest is not in lane {lane}: {wrong}",
            hint="use a kernel that has this lane, or run another lane",
        )


def set_lane(lane: Lane, shell: Callable[[str], str], own_libc: bool = True) -> Facts:
    """Bring a guest that has booted into its lane, prove it and return the facts.

    The command line has chosen the lane already, but for `caller`: its kernel may have no knob yet,
    and a kernel that has one starts with its own default. Where requests change hands, delays are
    set.
    """
    if lane is Lane.CALLER:
        shell(f"if [ -w {KNOB} ]; then echo off > {KNOB}; fi")
    if CONDITIONS[lane].delays:
        shell(delays.SLOW)
    facts = parse_facts(shell(FACTS))
    require(lane, facts, own_libc)
    return facts
