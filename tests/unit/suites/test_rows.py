# SPDX-License-Identifier: MIT
"""Rows: what is written is what is read, and what is no row is named."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from xsc.errors import XscError
from xsc.suites import rows
from xsc.suites.rows import Outcome, Row


def row(test: str = "a", outcome: Outcome = Outcome.PASS, detail: str = "") -> Row:
    return Row("toy", test, "stock", outcome, 1.25, detail, "6.1.0")


def test_a_row_survives_the_file(tmp_path: Path) -> None:
    path = tmp_path / "new" / "toy.jsonl"
    one = row("a: 1 ü\u2028b", Outcome.CRASH, 'line\nwith "quotes"')
    rows.write(path, [one, row("b")])
    assert rows.read(path) == {"a: 1 ü\u2028b": one, "b": row("b")}
    assert [entry.name for entry in path.parent.iterdir()] == ["toy.jsonl"]


def test_the_line_has_the_promised_keys() -> None:
    assert list(json.loads(row().line())) == [
        "suite",
        "test",
        "lane",
        "outcome",
        "seconds",
        "detail",
        "kernel",
    ]


def test_no_file_is_no_rows(tmp_path: Path) -> None:
    assert rows.read(tmp_path / "absent") == {}


@pytest.mark.parametrize(
    "line",
    ["", "[]", "{}", "no json", row().line().strip().replace("pass", "passed")],
)
def test_a_line_that_is_no_row_is_named(tmp_path: Path, line: str) -> None:
    path = tmp_path / "x.jsonl"
    path.write_text(row().line() + line + "\n")
    with pytest.raises(XscError, match="line 2"):
        rows.read(path)


def test_a_test_is_taken_out_with_its_parts_only() -> None:
    found = {name: row(name) for name in ("a", "a: 1", "ab", "b: 1")}
    assert set(rows.without(found, "a")) == {"ab", "b: 1"}


def test_outcomes_are_counted() -> None:
    totals = rows.count([row(), row("b"), row("c", Outcome.SKIP)])
    assert (totals[Outcome.PASS], totals[Outcome.SKIP], totals[Outcome.FAIL]) == (2, 1, 0)
