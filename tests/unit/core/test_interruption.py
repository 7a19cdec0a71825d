# SPDX-License-Identifier: MIT
"""A builder is killed, interrupted, or started twice: only the step in progress is lost."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from xsc.paths import Paths

TOY = Path(__file__).with_name("toy.py")
PATIENCE_SECONDS = 40.0


def start(paths: Paths, target: str) -> subprocess.Popen[str]:
    """Start a builder of the toy graph."""
    argv = [sys.executable, str(TOY), str(paths.root), str(paths.cache), str(paths.build), target]
    return subprocess.Popen(argv, stderr=subprocess.PIPE, text=True, start_new_session=True)


def wait_until(condition: Callable[[], bool]) -> None:
    """Wait for a condition, but not for ever."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < deadline, "nothing happened"
        time.sleep(0.02)


def beats(paths: Paths) -> int:
    """Return how often the slow step's grandchild has written a line."""
    log = paths.work / "middle" / "beats"
    return len(log.read_text().split()) if log.exists() else 0


@pytest.fixture
def slow(paths: Paths) -> Iterator[subprocess.Popen[str]]:
    """A builder that is in the middle of the slow step."""
    (paths.root / "seconds").write_text("30\n")
    builder = start(paths, "top")
    wait_until(lambda: beats(paths) > 2)
    yield builder
    builder.kill()
    builder.communicate()


def test_sigkill_loses_only_the_step_in_progress(paths: Paths, slow: subprocess.Popen[str]) -> None:
    slow.send_signal(signal.SIGKILL)
    slow.wait()
    (paths.root / "seconds").write_text("0\n")
    again = start(paths, "top")
    _, text = again.communicate(timeout=PATIENCE_SECONDS)
    assert again.returncode == 0, text
    assert (paths.root / "runs").read_text().split() == ["base", "middle", "middle", "top"]
    assert (paths.links / "top" / "text").read_text() == "SOME TEXT\n"
    assert not list((paths.store / "tmp").iterdir())


def test_survivors_of_a_killed_builder_do_not_touch_the_next_attempt(
    paths: Paths, slow: subprocess.Popen[str]
) -> None:
    slow.send_signal(signal.SIGKILL)
    slow.wait()
    (paths.root / "seconds").write_text("0\n")
    start(paths, "top").communicate(timeout=PATIENCE_SECONDS)
    count = beats(paths)
    time.sleep(0.3)
    assert beats(paths) == count


def test_sigint_ends_the_children(paths: Paths, slow: subprocess.Popen[str]) -> None:
    slow.send_signal(signal.SIGINT)
    _, text = slow.communicate(timeout=PATIENCE_SECONDS)
    assert "KeyboardInterrupt" in text
    count = beats(paths)
    time.sleep(0.3)
    assert beats(paths) == count
    assert not list((paths.store / "tmp").iterdir())


def test_two_builders_share_one_execution(paths: Paths) -> None:
    (paths.root / "seconds").write_text("0.5\n")
    builders = [start(paths, "top") for _ in range(2)]
    for builder in builders:
        _, text = builder.communicate(timeout=PATIENCE_SECONDS)
        assert builder.returncode == 0, text
    assert (paths.root / "runs").read_text().split() == ["base", "middle", "top"]


def test_a_waiting_builder_takes_over_when_the_first_is_killed(
    paths: Paths, slow: subprocess.Popen[str]
) -> None:
    second = start(paths, "top")
    time.sleep(0.5)
    assert second.poll() is None
    (paths.root / "seconds").write_text("0\n")
    os.kill(slow.pid, signal.SIGKILL)
    _, text = second.communicate(timeout=PATIENCE_SECONDS)
    assert second.returncode == 0, text
    assert f"process id {slow.pid}" in text
