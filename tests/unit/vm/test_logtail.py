# SPDX-License-Identifier: MIT
"""What is shown of a console when a machine is lost."""

from __future__ import annotations

from pathlib import Path

from xsc.vm.logtail import STORY_LINES, TAIL_LINES, last_words, tail

QUIET = [f"[    1.{index:06}] line {index}" for index in range(500)]


def write(path: Path, lines: list[str]) -> Path:
    path.write_text("\r\n".join(lines) + "\r\n")
    return path


def test_a_quiet_log_is_cut(tmp_path: Path) -> None:
    assert last_words(write(tmp_path / "log", QUIET)).splitlines() == QUIET[-TAIL_LINES:]


def test_a_long_story_begins_with_the_panic(tmp_path: Path) -> None:
    panic = "[    2.000000] Kernel panic - not syncing: Attempted to kill init!"
    log = write(tmp_path / "log", [*QUIET, panic, *QUIET[: STORY_LINES - 10]])
    shown = last_words(log).splitlines()
    assert shown[0] == panic
    assert len(shown) == STORY_LINES - 9


def test_a_late_panic_keeps_what_came_before(tmp_path: Path) -> None:
    shown = last_words(write(tmp_path / "log", [*QUIET, "Kernel panic - x"])).splitlines()
    assert len(shown) == TAIL_LINES
    assert shown[-1] == "Kernel panic - x"


def test_control_bytes_and_missing_files_do_no_harm(tmp_path: Path) -> None:
    (tmp_path / "log").write_bytes(b"\x1b[2J\x00bell\x07 caf\xe9\n")
    assert tail(tmp_path / "log") == "[2Jbell caf\N{REPLACEMENT CHARACTER}"
    assert last_words(tmp_path / "missing") == ""
