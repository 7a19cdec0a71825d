# SPDX-License-Identifier: MIT
"""The model of the worker protocol holds, and without any one of its steps it does not.

Spin's own verdict counts: "errors: N", of a search that has seen every state. Each search is its
own small program, generated from the model, compiled and run in a directory of its own.
"""

from __future__ import annotations

import functools
import re
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from xsc.paths import ROOT

MODEL = ROOT / "linux/model/xsc.pml"
DEPTH = 20_000
MEMORY_MIB = 1500
SEARCH_SECONDS = 100

# Bounds under which the protocol holds. Each adds what makes the others too large.
NESTED = "DEPTH=3 SIGNALS=2 JUMPS=1"
HOLDS = {
    "nested handlers and siglongjmp": NESTED,
    "retirement and handover": "SIGNALS=2 CALLS=1 HANDOVER=1 RETIRES=1 STARTS=2 STOPS=1",
    "death at any moment": "KILL=1 HANDOVER=1 RETIRES=1 STARTS=2",
    "stores that arrive late": f"{NESTED} TSO=1",
    "longer runs, stray interruptions": "CALLS=3 SLEEPS=2 STRAYS=1 FORWARDS=1",
    "another thread writes into the slot": "CALLS=1 HOSTILE=2",
}

# What goes wrong without a step: by spin's own words, and under the bounds that show it.
WRONG_RESULT = "rax[top]==call[top]"
MADE_TWICE = "!(made[top])"
NOT_THIS_CALL = "arg==call[top]"
MIXTURE = "arg==arg2"
WRONG_COPY = "copy_of_b[top]=="
STUCK = "invalid end state"
BREAKS = {
    "RING_BEFORE_SEQ": (WRONG_RESULT, ""),
    "WAIT_BEFORE_SEQ": (WRONG_COPY, ""),
    "PUNT_CLAIM_FIRST": (WRONG_RESULT, ""),
    "CLAIM_BEFORE_CQE": (WRONG_RESULT, ""),
    "CLAIM_BESIDE_SEQ": (NOT_THIS_CALL, ""),
    "BLIND_TAKE_BACK": ("claim!=3", ""),
    "ONE_BELL": (MADE_TWICE, ""),
    "NO_INVALIDATE": (MIXTURE, ""),
    "TORN_LOOK NO_SNAPSHOT_CHECK": (MIXTURE, ""),
    "NO_SETTLE": (WRONG_COPY, ""),
    "TRUST_SLOT": ("copy==call[top]", NESTED),
    "LEAVE_POLL": ("claim!=3", NESTED),
    "NO_CANCEL": (STUCK, ""),
    "STALE_NOTIFY NO_GUARD": ("(pending||cancel)||killed", ""),
    "FORWARD_QUIETLY": ("!(sent)", "FORWARDS=1"),
    "WITHDRAW_BLIND": ("hand==call[top]", "HANDOVER=1"),
    "RETIRE_WAKES_ONCE": (STUCK, "RETIRES=1 STOPS=1"),
    "NO_WAKE": (STUCK, ""),
    "WAKE_NO_BARRIER": (STUCK, ""),
    "PARK_LATE": (STUCK, ""),
    "NO_DRAIN": ("claim!=1", ""),
}

# Steps that save time, or of which any one would do: README.md says why each is there.
SPARE = ("NO_RECHECK", "TORN_LOOK", "NO_SNAPSHOT_CHECK", "STALE_NOTIFY", "NO_GUARD")


@dataclass(frozen=True)
class Verdict:
    """What a search said. `unreached`: lines of which some step was never taken."""

    errors: int
    text: str
    unreached: frozenset[int]


def blank(found: re.Match[str]) -> str:
    """Replace a text by as many empty lines."""
    return "\n" * found.group().count("\n")


def run(directory: Path, *argv: str) -> str:
    """Run a program in `directory` and return what it printed."""
    done = subprocess.run(
        argv,
        cwd=directory,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=SEARCH_SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    return done.stdout


def search(directory: Path, bounds: str, mutations: str = "", *, cycles: bool = False) -> Verdict:
    """Search every state of the model; with `cycles`, for runs without an end instead."""
    defines = [f"-D{word}" for word in bounds.split()]
    defines += [f"-DMUT_{word}" for word in mutations.split()]
    run(directory, "spin", "-a", *defines, str(MODEL))
    # A mutation is found long before optimised code would have been compiled.
    speed = "-O0" if mutations else "-O2"
    kind = ("-DNP", "-DNOFAIR") if cycles else ("-DSAFETY",)
    flags = (*kind, "-DCOLLAPSE", f"-DMEMLIM={MEMORY_MIB}")
    run(directory, "gcc", speed, "-w", *flags, "-o", "pan", "pan.c")
    text = run(directory, "./pan", f"-m{DEPTH}", *(["-l"] if cycles else []))
    assert "max search depth too small" not in text, text
    assert "out of memory" not in text, text
    errors = re.search(r"errors: (\d+)$", text, re.MULTILINE)
    assert errors, text
    # pan stops at the first error; without one it must have gone through.
    assert int(errors[1]) or "Search not completed" not in text, text
    lines = re.findall(r"xsc\.pml:(\d+), state", text)
    return Verdict(int(errors[1]), text, frozenset(int(line) for line in lines))


@pytest.fixture(scope="module")
def complete(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Verdict]:
    """The verdict on the protocol as it is, under bounds from `HOLDS`."""

    @functools.cache
    def verdict(name: str) -> Verdict:
        return search(tmp_path_factory.mktemp("spin"), HOLDS[name])

    return verdict


@pytest.mark.timeout(120)
@pytest.mark.parametrize("name", HOLDS)
def test_the_protocol_holds(name: str, complete: Callable[[str], Verdict]) -> None:
    assert complete(name).errors == 0, complete(name).text


@pytest.mark.timeout(300)
def test_no_step_of_the_model_is_dead(complete: Callable[[str], Verdict]) -> None:
    never = frozenset.intersection(*(complete(name).unreached for name in HOLDS))
    # A line of an inline is listed when any of its copies was not reached.
    text = re.sub(r"^inline .*?^}$", blank, MODEL.read_text(), flags=re.MULTILINE | re.DOTALL)
    lines = text.splitlines()
    dead = {lines[number - 1].strip() for number in never} - {""}
    assert dead == {"}"}  # the end of the worker, which waits for its next life instead


@pytest.mark.parametrize("mutations", BREAKS)
def test_a_step_left_out_is_found(mutations: str, tmp_path: Path) -> None:
    trouble, bounds = BREAKS[mutations]
    verdict = search(tmp_path, bounds, mutations)
    assert verdict.errors > 0
    assert trouble in verdict.text


def test_every_mutation_of_the_model_is_tried() -> None:
    named = set(re.findall(r"\bMUT_([A-Z_]+)\b", MODEL.read_text()))
    tried = {word for mutations in BREAKS for word in mutations.split()}
    assert named == tried | {"REWIND_BUSY", "NO_RECHECK"}
    assert set(SPARE) <= named


def test_every_run_ends(tmp_path: Path) -> None:
    assert search(tmp_path, "", cycles=True).errors == 0


def test_a_bell_that_sends_back_while_the_worker_finishes_need_not_end(tmp_path: Path) -> None:
    verdict = search(tmp_path, "", "REWIND_BUSY", cycles=True)
    assert verdict.errors > 0
    assert "non-progress cycle" in verdict.text


@pytest.mark.parametrize("mutation", SPARE)
def test_a_step_that_another_one_covers(mutation: str, tmp_path: Path) -> None:
    assert search(tmp_path, "", mutation).errors == 0
