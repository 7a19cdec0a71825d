# SPDX-License-Identifier: MIT
"""The benchmark programs, compiled for this host, where the trap lane works; and their options."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from pathlib import Path

import pytest

from xsc.bench.guest import MEASURES, SUITE, Meter, Program, Settings, arguments, facts, scheduled
from xsc.bench.samples import Output, parse
from xsc.errors import UsageError
from xsc.paths import ROOT

SOURCES = ROOT / "guest/bench"
# Run programs of images, which a host need not have, and read all of /usr.
ON_THE_HOST = [program for program in SUITE if program.name not in ("programs", "projects")]

pytestmark = [pytest.mark.timeout(120)]
needs_gcc = pytest.mark.skipif(shutil.which("gcc") is None, reason="gcc is not installed")


@pytest.fixture(scope="module")
def built_here(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("bench")
    argv = ["make", "-s", "-C", str(SOURCES), "-j2", f"O={out}"]
    subprocess.run(argv, check=True, capture_output=True)
    return out


def run(directory: Path, name: str, *options: str) -> subprocess.CompletedProcess[str]:
    argv = [str(directory / f"bench-{name}"), *options]
    return subprocess.run(argv, capture_output=True, text=True, timeout=60)


@needs_gcc
@pytest.mark.parametrize("program", ON_THE_HOST, ids=lambda program: program.name)
def test_programs_print_what_is_parsed(built_here: Path, program: Program) -> None:
    settings = Settings(reps=2, quick=True)
    done = run(built_here, program.name, *arguments(program, settings)[1:])
    assert done.returncode == 0, done.stderr
    output = parse(done.stdout)
    assert output.lanes == ("trap",)
    records = [*output.samples, *output.shares]
    assert {(r.measure, r.rep) for r in records} == {
        (name, rep) for name in program.measures for rep in range(2)
    }
    assert output.seconds > 0


@needs_gcc
def test_only_the_measures_asked_for_run(built_here: Path) -> None:
    done = run(built_here, "calls", "--count", "5", "--reps", "1", "--measure", "stat")
    assert [(s.measure, s.count) for s in parse(done.stdout).samples] == [("stat", 5)]


@needs_gcc
def test_a_sample_takes_about_the_time_asked_for(built_here: Path) -> None:
    """No judgement of speed: the number of calls is found out, and it is more than a handful."""
    options = ("--sample-ms", "30", "--reps", "1", "--measure", "getpid")
    (sample,) = parse(run(built_here, "calls", *options).stdout).samples
    assert sample.count > 100


@needs_gcc
def test_a_measure_whose_program_is_missing_says_so(tmp_path: Path) -> None:
    source = (SOURCES / "programs.c").read_text().replace("/usr/bin/find", "/usr/bin/nothing")
    (tmp_path / "programs.c").write_text(source)
    others = [str(SOURCES / name) for name in ("whole.c", "bench.c")]
    program = tmp_path / "bench-programs"
    headers = [f"-I{SOURCES}", f"-I{ROOT / 'guest/include'}"]
    subprocess.run(["gcc", *headers, "-o", program, tmp_path / "programs.c", *others], check=True)
    output: Output = parse(run(tmp_path, "programs", "--measure", "find").stdout)
    assert output.absent == {"find": "/usr/bin/nothing is not in the image"}
    assert output.samples == ()


@needs_gcc
@pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")
def test_the_tree_of_git_status_is_the_same_in_every_run(
    built_here: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The id of a commit stands for all that is in it, and for who made it when."""
    heads, hooks = tmp_path / "heads", tmp_path / "hooks"
    hooks.mkdir()
    hook = hooks / "post-commit"
    hook.write_text(f"#!/bin/sh\ngit rev-parse HEAD >> {heads}\n")
    hook.chmod(0o755)
    monkeypatch.setenv("GIT_TEMPLATE_DIR", str(tmp_path))
    options = ("--count", "120", "--reps", "1", "--measure", "git-status")
    for name in ("one", "two"):
        where = tmp_path / name
        where.mkdir()
        done = run(built_here, "projects", "--dir", str(where), *options)
        assert [s.measure for s in parse(done.stdout).samples] == ["git-status"]
        assert not list(where.iterdir())
    first, second = heads.read_text().split()
    assert first == second


@needs_gcc
@pytest.mark.parametrize(
    "options", [("--reps", "0"), ("--reps", "x"), ("--reps",), ("--fast", "1"), ("--count", "3x")]
)
def test_a_wrong_option_is_refused(built_here: Path, options: tuple[str, ...]) -> None:
    done = run(built_here, "calls", *options)
    assert (done.returncode, done.stdout) == (64, "")
    assert options[0] in done.stderr


@needs_gcc
def test_a_lane_that_does_not_exist_here_is_an_error(built_here: Path) -> None:
    done = run(built_here, "calls", "--lane", "bell")
    assert (done.returncode, done.stdout) == (1, "")
    assert "no lane bell" in done.stderr
    assert run(built_here, "calls", "--lane", "bells").returncode == 64


@needs_gcc
def test_one_call_is_made_until_the_program_is_told_to_stop(built_here: Path) -> None:
    argv = [str(built_here / "bench-path"), "--measure", "stat", "--lane", "trap"]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        lines = [process.stdout.readline() for _ in range(3)]
        cpu = max(os.sched_getaffinity(0))
        assert lines == ["xsc-bench 1 path\n", "lanes trap\n", f"loop {cpu} 0\n"]
        assert os.sched_getaffinity(process.pid) == {cpu}
        assert process.poll() is None
        process.terminate()
        assert process.stdout.read().startswith("end ")
    assert process.returncode == 0


@needs_gcc
@pytest.mark.parametrize("names", [(), ("stat", "getpid"), ("pipe",)])
def test_a_path_is_that_of_one_call(built_here: Path, names: tuple[str, ...]) -> None:
    done = run(built_here, "path", *(word for name in names for word in ("--measure", name)))
    assert done.returncode == 1
    assert "operation" in done.stderr


@needs_gcc
def test_no_place_for_files_is_an_error(built_here: Path) -> None:
    done = run(built_here, "calls", "--dir", "/proc")
    assert done.returncode == 1
    assert "end " not in done.stdout


def test_every_program_of_the_suite_is_compiled() -> None:
    makefile = (SOURCES / "Makefile").read_text()
    (line,) = (line for line in makefile.splitlines() if line.startswith("PROGRAMS ="))
    assert set(line.split()[2:]) == {"path", *(program.name for program in SUITE)}


def test_the_measures_are_those_of_the_sources() -> None:
    text = "".join(path.read_text() for path in sorted(SOURCES.glob("*.c")))
    assert not [name for name in MEASURES if f'"{name}"' not in text]


def test_quick_arguments_are_tiny_and_slow_ones_are_not() -> None:
    (calls,) = (program for program in SUITE if program.name == "calls")
    quick = arguments(calls, Settings(quick=True, measures=("stat",)))
    assert quick[-2:] == ["--measure", "stat"]
    assert "--count" in quick
    assert "--count" not in arguments(calls, Settings())


def test_idle_takes_a_minute_whatever_the_repetitions() -> None:
    (idle,) = (program for program in SUITE if program.name == "idle")
    argv = arguments(idle, Settings(reps=20))
    values = dict(zip(argv[1::2], argv[2::2], strict=True))
    assert int(values["--reps"]) * int(values["--sample-ms"]) == 60000


def test_an_unknown_measure_names_those_that_exist() -> None:
    with pytest.raises(UsageError) as caught:
        Settings(measures=("getuid",)).wants(SUITE[0])
    assert caught.value.hint is not None and "getpid" in caught.value.hint


def test_meters_add_up() -> None:
    whole = Meter(10, 12, 3, 1) + Meter(14, 12, 3, 1)
    assert (whole.clock, whole.wait_share) == (1.0, 0.25)
    assert Meter(5, 5).clock is None
    assert Meter().wait_share is None


def test_the_time_of_a_process_is_counted() -> None:
    before = scheduled(os.getpid())
    end = time.process_time() + 0.05
    while time.process_time() < end:
        pass
    after = scheduled(os.getpid())
    if after == (0.0, 0.0):
        pytest.skip("this host's kernel does not count it")
    assert after[0] - before[0] > 0.04
    assert after[1] >= before[1]


def test_facts() -> None:
    assert facts("kernel=6.1\nworkers=auto\n") == {"kernel": "6.1", "workers": "auto"}
