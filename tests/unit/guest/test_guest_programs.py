# SPDX-License-Identifier: MIT
"""The guest programs on this host: their bodies work over traps, and their harness can fail."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
GUEST = ROOT / "tests/guest"
SKIPPED = 77

pytestmark = [
    pytest.mark.timeout(300),
    pytest.mark.skipif(shutil.which("gcc") is None, reason="gcc is not installed"),
]

TWINS = sorted(p.stem for p in GUEST.glob("twin_*.c"))
# Programs whose trap half says whether the body itself is right; the rest needs a window.
BODIES = [
    "gate_regs",
    "life_clone",
    "life_fork",
    "obs_ptrace",
    "obs_seccomp",
    "sig_cxx",
    "sig_fault",
    "sig_handlers",
    "sig_step",
    "work_passed",
    "work_terminal",
    "work_waits",
]

# A body whose record differs between two runs: the comparison has to notice.
UNSTABLE = """
#include "twin.h"
static void body(void)
{
	C(SYS_getppid);
	OBS("pid", getpid());
}
static const struct twin_row rows[] = { { "unstable", body } };
int main(int argc, char **argv) { return twin_main(argc, argv, rows, 1); }
"""
BROKEN = """
#include "twin.h"
static void body(void) { CHECK(C(SYS_close, -1) == 0); }
static const struct twin_row rows[] = { { "broken", body } };
int main(int argc, char **argv) { return twin_main(argc, argv, rows, 1); }
"""


@pytest.fixture(scope="module")
def programs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("guest")
    names = [f"{out}/{name}" for name in (*TWINS, *BODIES)]
    argv = ["make", "-s", "-C", str(GUEST), "-j2", f"O={out}", *names]
    made = subprocess.run(argv, capture_output=True, text=True)
    assert made.returncode == 0, made.stderr
    assert "warning:" not in made.stderr, made.stderr
    return out


def run(program: Path, *args: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([str(program), *args], capture_output=True, text=True, timeout=120)


def failures(output: str) -> list[str]:
    return [line for line in output.splitlines() if line.startswith("not ok")]


def compile_twin(source: str, where: Path) -> Path:
    program = where / "probe"
    file = where / "probe.c"
    file.write_text(source)
    headers = [f"-I{GUEST}", f"-I{ROOT / 'guest/include'}"]
    argv = ["gcc", "-std=gnu11", *headers, "-o", str(program), str(file), str(GUEST / "twin.c")]
    subprocess.run(argv, check=True)
    return program


needs_root = pytest.mark.skipif(os.getuid() != 0, reason="the bodies need root")


@needs_root
@pytest.mark.parametrize("name", TWINS)
def test_twin_bodies_observe_the_same_in_two_runs(programs: Path, name: str) -> None:
    done = run(programs / name, "--trap-twice")
    assert failures(done.stdout) == []
    assert done.returncode == 0
    assert "nothing was compared with a gate" in done.stdout
    assert "# compared" not in done.stdout


@needs_root
@pytest.mark.parametrize("name", TWINS)
def test_without_a_gate_a_twin_is_skipped_and_never_passed(programs: Path, name: str) -> None:
    assert run(programs / name).returncode == SKIPPED
    required = run(programs / name, "--require-gate")
    assert required.returncode == 1
    assert failures(required.stdout)


@needs_root
@pytest.mark.parametrize("name", BODIES)
def test_other_bodies_work_over_traps(programs: Path, name: str) -> None:
    done = run(programs / name)
    assert failures(done.stdout) == []
    assert done.returncode in (0, SKIPPED)
    assert re.search(r"^1\.\.\d+$", done.stdout, re.MULTILINE)


def test_a_difference_between_the_halves_fails(tmp_path: Path) -> None:
    done = run(compile_twin(UNSTABLE, tmp_path), "--trap-twice")
    assert done.returncode == 1
    assert re.search(r"not ok \d+ - unstable: equal # record 1: trap \"pid\"", done.stdout)


def test_a_failed_check_fails_although_both_halves_agree(tmp_path: Path) -> None:
    done = run(compile_twin(BROKEN, tmp_path), "--trap-twice")
    assert done.returncode == 1
    assert "not ok 1 - broken: trap # 1 checks failed" in done.stdout


def test_every_program_says_what_it_tests() -> None:
    silent = [
        path.name
        for path in sorted([*GUEST.glob("*.c"), *GUEST.glob("*.cc")])
        if path.name != "twin.c" and " * Description: " not in path.read_text()
    ]
    assert silent == []


def test_every_program_about_workers_runs_in_the_lanes() -> None:
    lanes = (ROOT / "tests/vm/test_lanes.py").read_text()
    names = {path.stem for path in GUEST.glob("work_*.c")}
    assert len(names) > 20
    assert {name for name in names if f'"{name}"' not in lanes} == set()


def test_the_twins_cover_enough_call_numbers() -> None:
    """Numbers written in the bodies: what a guest really compared is counted there."""
    called: set[str] = set()
    for name in TWINS:
        text = (GUEST / f"{name}.c").read_text()
        called |= set(re.findall(r"\bCQ?\(SYS_(\w+)", text))
    assert len(called) >= 150, f"only {len(called)}"
