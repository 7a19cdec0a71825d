# SPDX-License-Identifier: MIT
"""A run saved, read back, shown and drawn."""

from __future__ import annotations

import io
import json
from pathlib import Path
from xml.etree import ElementTree

import pytest
from benchkit import GUEST, counter, make_run, samples
from rich.console import Console

from xsc.__main__ import main
from xsc.bench import plot, tables
from xsc.bench.compare import changes
from xsc.bench.goals import judge
from xsc.bench.report import Run, headline, load, save
from xsc.errors import UsageError

SVG = "{http://www.w3.org/2000/svg}"
RUN = make_run(
    samples("getpid", {"trap": [100] * 5, "bell": [270] * 5, "ring": [90, 95, 100, 105, 130]}),
    samples("boot", {"xsc": [7_000_000_000], "stock": [6_900_000_000]}),
    counters=(counter("ring", "parked", 5, measure="getpid"),),
)


def shown(item: object) -> str:
    """Return what would be printed where there is no terminal."""
    console = Console(file=io.StringIO(), highlight=False, force_terminal=False)
    tables.print_wide(item, console)  # type: ignore[arg-type]
    return console.file.getvalue()  # type: ignore[attr-defined,no-any-return]


def test_a_saved_run_reads_back_equal(tmp_path: Path) -> None:
    file = tmp_path / "deep" / "run.json"
    save(RUN, file)
    assert load(file) == RUN
    assert json.loads(file.read_text())["format"] == "xsc-bench-core-1"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda saved: saved.update(format="xsc-bench-core-0"), "format"),
        (lambda saved: saved.pop("guest"), "guest"),
        (lambda saved: saved["output"]["samples"][0].update(ns="soon"), "output.samples.0.ns"),
        (lambda saved: saved.update(surplus=1), "surplus"),
    ],
)
def test_a_file_that_is_no_run_is_refused_with_the_place(
    tmp_path: Path, change: object, said: str
) -> None:
    saved = json.loads(RUN.model_dump_json())
    change(saved)  # type: ignore[operator]
    file = tmp_path / "run.json"
    file.write_text(json.dumps(saved))
    with pytest.raises(UsageError) as caught:
        load(file)
    assert f": {said}: " in caught.value.message


def test_the_table_names_accelerator_lane_and_verdicts() -> None:
    text = shown(tables.run_report(RUN, judge(RUN)))
    assert "accelerator TCG (/dev/kvm does not exist)" in text
    assert "workers auto, ring = auto" in text
    getpid = next(line for line in text.splitlines() if "getpid: ring / trap" in line)
    cells = [cell.strip() for cell in getpid.strip("│").split("│")]
    assert cells == ["getpid: ring / trap", "1.00", "0.90", "1.30", "<= 1.1", "<= 0.8", "ok"]
    assert "parked" in text
    assert "too few" not in text


def test_too_few_samples_and_a_wrong_clock_are_said() -> None:
    few = make_run(samples("getpid", {"trap": [1] * 4, "bell": [2] * 4}), clock=13.2)
    text = "\n".join(headline(few))
    assert "too few or too short samples" in text
    assert "13.20 times as fast" in text
    assert "QEMU waited" not in text
    assert "QEMU waited for a CPU 40%" in "\n".join(headline(make_run(waited=0.4)))
    assert "too few" in "\n".join(headline(RUN.model_copy(update={"quick": True})))


def test_a_comparison_warns_of_another_accelerator() -> None:
    kvm = GUEST.model_copy(update={"accel": "kvm", "accel_reason": ""})
    other = RUN.model_copy(update={"guest": kvm})
    assert "different accelerators" in shown(tables.change_report(RUN, other, changes(RUN, other)))
    same = shown(tables.change_report(RUN, RUN, changes(RUN, RUN)))
    assert "different accelerators" not in same
    assert "ranges overlap" in same


def test_compare_prints_both(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("a", "b"):
        save(RUN, tmp_path / name)
    assert main(["bench", "compare", str(tmp_path / "a"), str(tmp_path / "b")]) == 0
    assert "getpid: bell / trap" in capsys.readouterr().out


def test_compare_needs_files_that_exist(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bench", "compare", str(tmp_path / "a"), str(tmp_path / "b")]) == 64
    assert "remedy" in capsys.readouterr().err


def test_an_unknown_measure_is_a_usage_error(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bench", "core", "--measure", "getuid"]) == 64
    assert "pread-4k" in capsys.readouterr().err


def widths(picture: str) -> dict[str, float]:
    """Return the width of each bar by its colour."""
    root = ElementTree.fromstring(picture)
    return {rect.get("fill", ""): float(rect.get("width", "0")) for rect in root.iter(f"{SVG}rect")}


def test_bars_are_as_long_as_their_figures() -> None:
    found = widths(plot.svg(RUN))
    bell, ring = found[plot.COLOURS["bell"]], found[plot.COLOURS["ring"]]
    assert bell / ring == pytest.approx(2.7, rel=0.01)


def test_the_picture_carries_its_circumstances() -> None:
    root = ElementTree.fromstring(plot.svg(RUN))
    texts = " ".join(text.text or "" for text in root.iter(f"{SVG}text"))
    assert "accelerator TCG" in texts
    assert "getpid ring" in texts


def test_text_is_escaped() -> None:
    odd = GUEST.model_copy(update={"kernel": "<6.1 & more>"})
    ElementTree.fromstring(plot.svg(RUN.model_copy(update={"guest": odd})))


def test_a_run_without_ratios_draws_none() -> None:
    empty: Run = make_run(lanes=("trap",))
    assert plot.bars(empty) == []
    assert "no ratio was measured" in plot.svg(empty)
