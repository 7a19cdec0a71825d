# SPDX-License-Identifier: MIT
"""The gateway to other programs."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from xsc.errors import InfraError, StepFailed
from xsc.graph.step import StepContext
from xsc.run import describe_exit, interactive, merged_env, run


def test_streams_are_kept_apart() -> None:
    result = run(["sh", "-c", "cat; echo err >&2"], input="in")
    assert (result.stdout, result.stderr) == ("in", "err\n")


def test_a_failure_shows_command_code_and_output() -> None:
    with pytest.raises(StepFailed) as caught:
        run(["sh", "-c", "echo 'the reason' >&2; exit 7"])
    assert caught.value.message.startswith("exit code 7: sh -c 'echo '\"'\"'the reason'")
    assert caught.value.message.endswith("\nthe reason")


def test_a_failure_may_be_wanted() -> None:
    assert run(["false"], check=False).returncode == 1


def test_a_missing_program_is_the_machines_fault() -> None:
    with pytest.raises(InfraError, match="'no-such-program' is not installed"):
        run(["no-such-program"])


def test_the_log_gets_command_and_both_streams(tmp_path: Path) -> None:
    with (tmp_path / "log").open("w") as log:
        result = run(["sh", "-c", "echo out; echo err >&2"], log=log)
        captured = run(["echo", "kept"], log=log, capture=True)
    assert result.stdout == ""
    assert captured.stdout == "kept\n"
    text = (tmp_path / "log").read_text()
    assert text.splitlines()[:3] == ["+ sh -c 'echo out; echo err >&2'", "out", "err"]
    assert "kept" in text


def test_a_time_limit_ends_the_whole_group(tmp_path: Path) -> None:
    script = f"(while :; do echo >> {tmp_path}/beats; sleep 0.02; done) & wait"
    with pytest.raises(InfraError, match=r"no end after 0\.3 s"):
        run(["sh", "-c", script], timeout=0.3)
    size = (tmp_path / "beats").stat().st_size
    time.sleep(0.2)
    assert (tmp_path / "beats").stat().st_size == size > 0


def test_the_environment_is_laid_over(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XSC_TEST_GONE", "1")
    script = 'echo "$XSC_TEST_NEW ${XSC_TEST_GONE-unset}"'
    result = run(["sh", "-c", script], env={"XSC_TEST_NEW": "new", "XSC_TEST_GONE": None})
    assert result.stdout == "new unset\n"


def test_children_do_not_share_our_session() -> None:
    result = run(["cut", "-d ", "-f6", "/proc/self/stat"])
    assert int(result.stdout) != os.getsid(0)


def test_interactive_returns_the_code_of_a_signal() -> None:
    assert interactive(["sh", "-c", "kill -TERM $$"]) == 143


def test_exit_codes_in_words() -> None:
    assert describe_exit(3) == "exit code 3"
    assert describe_exit(-9) == "killed by SIGKILL"


def test_administration_tools_are_found_by_everybody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    path = merged_env(None)["PATH"].split(":")
    assert path[:2] == ["/usr/bin", "/bin"]
    assert "/usr/sbin" in path
    assert len(path) == len(set(path))


def test_steps_see_no_flags_of_the_user(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("CFLAGS", "-O0")
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    monkeypatch.setenv("https_proxy", "proxy.example")
    with (tmp_path / "log").open("w") as log:
        context = StepContext(tmp_path, tmp_path, tmp_path, 1, 42, log)
        lines = context.run(["env"], capture=True).stdout.splitlines()
    env = dict(line.split("=", 1) for line in lines)
    assert "CFLAGS" not in env
    assert str(tmp_path) not in env["PATH"]
    assert env["https_proxy"] == "proxy.example"
    assert env["SOURCE_DATE_EPOCH"] == "42"
    assert (env["LC_ALL"], env["TZ"]) == ("C.UTF-8", "UTC")
