# SPDX-License-Identifier: MIT
"""Lanes: a guest that is not in its lane is refused, never taken for another one."""

from __future__ import annotations

import pytest

from xsc.errors import InfraError
from xsc.suites import delays
from xsc.suites.lanes import CONDITIONS, FACTS, KNOB, Facts, Lane, parse_facts, require, set_lane

XSC_LIBC = "2.36-9+deb12u14+xsc1"
DEBIAN = Facts("6.1.0-56-amd64", "2.36-9+deb12u14", "", "", "", "")
SLOW = delays.SLOWED


def on_xsc(
    workers: str = "", mode: str = "permissive", tagged: str = "1", slow: str = "0,0,0"
) -> Facts:
    return Facts("6.1.192-xsc", XSC_LIBC, mode, tagged, workers, slow)


def said(facts: Facts) -> str:
    return "".join(f"{name}={value}\n" for name, value in facts.__dict__.items())


def test_every_lane_has_conditions() -> None:
    assert set(CONDITIONS) == set(Lane)


def test_facts_are_read() -> None:
    assert parse_facts("noise\n" + said(on_xsc("off"))) == on_xsc("off")


def test_a_missing_fact_is_an_error() -> None:
    with pytest.raises(InfraError, match="tagged"):
        parse_facts(said(DEBIAN).replace("tagged=", "tagged"))


@pytest.mark.parametrize(
    ("lane", "facts"),
    [
        (Lane.STOCK, DEBIAN),
        (Lane.CALLER, on_xsc()),
        (Lane.CALLER, on_xsc("off")),
        (Lane.WORKER, on_xsc("force", slow=SLOW)),
        (Lane.RANDOM, on_xsc("random", slow=SLOW)),
    ],
)
def test_a_guest_in_its_lane_is_accepted(lane: Lane, facts: Facts) -> None:
    require(lane, facts)


@pytest.mark.parametrize(
    ("lane", "facts", "why"),
    [
        (Lane.STOCK, on_xsc(), "XSC's kernel"),
        (Lane.STOCK, Facts("6.1.0-56-amd64", XSC_LIBC, "", "", "", ""), "C library is XSC's"),
        (Lane.CALLER, DEBIAN, "has no gate"),
        (Lane.CALLER, on_xsc(tagged="0"), "programs have no gate"),
        (Lane.CALLER, on_xsc("auto"), "reads 'auto', not 'off'"),
        (Lane.WORKER, on_xsc(), f"has no {KNOB}"),
        (Lane.WORKER, on_xsc("off"), "reads 'off', not 'force'"),
        (Lane.RANDOM, on_xsc("force"), "reads 'force', not 'random'"),
        (Lane.WORKER, on_xsc("force"), "delays at hand-overs are '0,0,0', not '200,200,200'"),
        (Lane.RANDOM, on_xsc("random", slow=""), "delays at hand-overs are ''"),
    ],
)
def test_a_guest_in_another_lane_is_refused(lane: Lane, facts: Facts, why: str) -> None:
    with pytest.raises(InfraError, match=why) as caught:
        require(lane, facts)
    assert f"not in lane {lane}" in caught.value.message
    assert caught.value.hint


def test_stock_with_the_library_of_xsc_must_be_asked_for() -> None:
    require(Lane.STOCK, Facts("6.1.0-56-amd64", XSC_LIBC, "", "", "", ""), own_libc=False)


def test_the_caller_lane_turns_the_knob_and_the_others_are_slowed() -> None:
    for lane, workers in ((Lane.CALLER, "off"), (Lane.WORKER, "force"), (Lane.RANDOM, "random")):
        scripts: list[str] = []

        def shell(script: str, scripts: list[str] = scripts, workers: str = workers) -> str:
            scripts.append(script)
            slow = SLOW if delays.SLOW in scripts else "0,0,0"
            return said(on_xsc(workers, slow=slow)) if script == FACTS else ""

        assert set_lane(lane, shell).workers == workers
        assert any("echo off" in script for script in scripts) == (lane is Lane.CALLER)
        assert (delays.SLOW in scripts) == (lane is not Lane.CALLER)
