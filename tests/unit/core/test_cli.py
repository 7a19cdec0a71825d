# SPDX-License-Identifier: MIT
"""The command line as a user meets it: verbs, options anywhere, exit codes, remedies."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from xsc import bootstrap
from xsc.__main__ import main, unusable_place
from xsc.cli import hoist
from xsc.commands.run import find_iso, plain_command
from xsc.commands.test import exit_code
from xsc.errors import StepFailed
from xsc.progress import human_seconds

SRC = Path(__file__).resolve().parents[3] / "src"


def xsc(*arguments: str, cwd: Path | None = None, **env: str) -> subprocess.CompletedProcess[str]:
    """Run the command line the way bootstrap starts it."""
    argv = [sys.executable, "-I", "-c", bootstrap.START, str(SRC), *arguments]
    environment = {**os.environ, "COLUMNS": "120", "TERM": "dumb", **env}
    return subprocess.run(argv, cwd=cwd, env=environment, capture_output=True, text=True)


@pytest.mark.parametrize(
    "verb",
    [
        "doctor",
        "build",
        "why",
        "run",
        "vm",
        "test",
        "bench",
        "gen",
        "clean",
        "version",
        "completion",
    ],
)
def test_every_verb_has_help(verb: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([verb, "--help"]) == 0
    assert verb in capsys.readouterr().out


@pytest.mark.parametrize(
    "arguments",
    [
        ["no-such-verb"],
        ["--no-such-option"],
        ["--progress=loud", "version"],
        ["-j0", "version"],
        ["build", "no-such-target"],
        ["test", "--unit", "--vm"],
        ["completion", "cobol"],
    ],
)
def test_usage_errors_exit_64_and_name_a_remedy(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 64
    out, err = capsys.readouterr()
    assert "  remedy: " in err
    assert out == ""


def test_the_exit_code_reaches_the_shell() -> None:
    result = xsc("no-such-verb")
    assert result.returncode == 64
    assert "no-such-verb" in result.stderr


def test_version() -> None:
    result = xsc("version")
    assert result.returncode == 0
    assert result.stdout.startswith("xsc 7.")


def test_completion_offers_verbs() -> None:
    words = {"COMP_WORDS": "xsc ver", "COMP_CWORD": "1", "_XSC_COMPLETE": "complete_bash"}
    assert xsc(**words).stdout.split() == ["version"]


def test_completion_script_is_shell() -> None:
    script = xsc("completion", "bash").stdout
    assert "complete " in script
    assert subprocess.run(["bash", "-n"], input=script, text=True).returncode == 0


def test_a_reader_that_leaves_is_no_traceback() -> None:
    argv = [sys.executable, "-I", "-c", bootstrap.START, str(SRC), "--help"]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as child:
        assert child.stdout is not None
        assert child.stderr is not None
        child.stdout.close()
        assert b"Traceback" not in child.stderr.read()


def test_dry_run_of_the_tests_builds_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    where = ["--build-dir", str(tmp_path / "b")]
    assert main([*where, "test", "--unit", "--dry-run", "-k", "x"]) == 0
    assert "-m pytest" in capsys.readouterr().out
    assert not (tmp_path / "b").exists()


@pytest.mark.parametrize(
    ("given", "hoisted"),
    [
        (["build", "-j4", "iso"], ["-j4", "build", "iso"]),
        (["build", "iso", "-j", "4"], ["-j", "4", "build", "iso"]),
        (["build", "--progress=json", "--dry-run"], ["--progress=json", "--dry-run", "build"]),
        (["vm", "exec", "--", "make", "-j4"], ["vm", "exec", "--", "make", "-j4"]),
        (["build", "--build-dir"], ["--build-dir", "build"]),
        (["test", "-k", "a", "-joke"], ["test", "-k", "a", "-joke"]),
    ],
)
def test_global_options_stand_anywhere(given: list[str], hoisted: list[str]) -> None:
    assert hoist(given) == hoisted


@pytest.mark.parametrize(
    ("arguments", "needed"),
    [
        (["build"], True),
        (["-j", "2", "--build-dir", "version", "run"], True),
        (["vm", "exec", "--", "ls", "--help"], True),
        (["version"], False),
        (["doctor"], False),
        (["why", "iso"], False),
        (["build", "--help"], False),
        (["build", "--dry-run"], False),
        (["--build-dir", "build", "clean"], False),
        ([], False),
    ],
)
def test_only_verbs_that_work_install_packages(arguments: list[str], needed: bool) -> None:
    assert bootstrap.needs_packages(arguments) is needed


def test_host_packages_have_reasons() -> None:
    wanted = bootstrap.wanted_packages(bootstrap.PACKAGES, "test")
    assert len(wanted) > 20
    assert all(isinstance(reason, str) and reason for reason in wanted.values())


def test_only_tests_need_a_server() -> None:
    assert "openssh-server" in bootstrap.wanted_packages(bootstrap.PACKAGES, "test")
    for_run = bootstrap.wanted_packages(bootstrap.PACKAGES, "run")
    assert "openssh-server" not in for_run
    assert "mmdebstrap" in for_run


def test_missing_packages_are_found() -> None:
    names = ["dpkg", "xsc-no-such-package", "libc6"]
    assert bootstrap.missing_packages(names) == ["xsc-no-such-package"]


@pytest.mark.parametrize(("code", "ours"), [(0, 0), (1, 1), (2, 130), (3, 1), (4, 64), (5, 1)])
def test_exit_codes_of_pytest(code: int, ours: int) -> None:
    assert exit_code(code) == ours


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.4, "0 s"), (59.6, "1 min 00 s"), (185, "3 min 05 s"), (3720, "1 h 02 min")],
)
def test_durations_for_people(seconds: float, text: str) -> None:
    assert human_seconds(seconds) == text


def test_the_command_of_run_is_a_plain_one() -> None:
    expected = "qemu-system-x86_64 -m 2G -smp 4 -cdrom x.iso"
    assert plain_command("x.iso", 4, "2G") == expected


def test_run_wants_exactly_one_iso(tmp_path: Path) -> None:
    with pytest.raises(StepFailed, match="holds 0 ISO images"):
        find_iso(tmp_path)
    (tmp_path / "a.iso").touch()
    assert find_iso(tmp_path).name == "a.iso"


def test_errors_are_json_among_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["build", "no-such-target", "--progress", "json"]) == 64
    error = json.loads(capsys.readouterr().err)
    assert error["event"] == "error"
    assert error["exit_code"] == 64
    assert error["remedy"]


def test_a_directory_of_somebody_else_is_explained() -> None:
    error = unusable_place(PermissionError(13, "Permission denied", "/x/work"))
    assert error.exit_code == 2
    assert "/x/work" in error.message
    assert "--build-dir" in str(error.hint)
