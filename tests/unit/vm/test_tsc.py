# SPDX-License-Identifier: MIT
"""The frequency of the time stamp counter, measured."""

from __future__ import annotations

from pathlib import Path

import pytest

from xsc.vm import tsc

CPUINFO = Path("/proc/cpuinfo")


@pytest.mark.skipif(
    tsc.NEEDED_FLAG not in CPUINFO.read_text().split(), reason="the counter's speed varies here"
)
def test_measurements_agree(monkeypatch: pytest.MonkeyPatch) -> None:
    short = tsc.frequency_khz()
    monkeypatch.setattr(tsc, "INTERVAL_SECONDS", 0.5)
    assert short == pytest.approx(tsc.frequency_khz(), rel=1e-3)
    assert 100_000 < short < 10_000_000


def test_a_counter_that_varies_is_not_measured(tmp_path: Path) -> None:
    cpuinfo = tmp_path / "cpuinfo"
    cpuinfo.write_text("flags : fpu tsc msr\n")
    assert tsc.frequency_khz(cpuinfo) == 0
