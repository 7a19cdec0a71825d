# SPDX-License-Identifier: MIT
"""The progress of a compilation is read from its log."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from xsc.build import meter as module
from xsc.build.meter import meter
from xsc.graph.step import StepContext


def test_only_marks_of_the_body_count(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "INTERVAL_SECONDS", 0.01)
    seen: list[float] = []

    def report(fraction: float | None, text: str) -> None:
        assert text == "compiling"
        assert fraction is not None
        seen.append(fraction)

    with (tmp_path / "log").open("w") as log:
        ctx = StepContext(tmp_path, tmp_path, tmp_path, 1, 0, log, report=report)
        print("cc -c old.c", file=log, flush=True)
        with meter(ctx, b" -c ", 4, (0.2, 0.6), "compiling"):
            print("cc -c a.c\ncc -c b.c", file=log, flush=True)
            deadline = time.monotonic() + 10
            while not seen or seen[-1] < 0.39:
                assert time.monotonic() < deadline, seen
                time.sleep(0.01)
            print("cc -c x.c\n" * 50, file=log, flush=True)
            while seen[-1] < 0.59:
                assert time.monotonic() < deadline, seen
                time.sleep(0.01)
    assert seen[-1] == pytest.approx(0.6)
    assert {round(fraction, 3) for fraction in seen} <= {0.2, 0.4, 0.6}
