# SPDX-License-Identifier: MIT
"""The files made from the table of system calls: up to date, complete, and C."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from xsc.__main__ import main
from xsc.abi.generated import HEADER, PAGE, render, stale, write
from xsc.abi.table import NO_CHECK, TABLE, Table, load_table, parse_table
from xsc.paths import ROOT

# What the kernel's headers give, for a compilation on the host.
SHIM = """
#include <stdint.h>
#include <stdio.h>
#include <asm/unistd.h>
#define BIT(n) (1u << (n))
#define NR_syscalls 451
typedef uint8_t u8;
#include "rows.h"
int main(void)
{
	for (int nr = 0; nr < NR_syscalls; nr++)
		printf("%d %d %d\\n", nr, xsc_classes[nr].flags, xsc_classes[nr].check);
}
"""


@pytest.fixture(scope="module")
def table() -> Table:
    return load_table()


def other_table() -> Table:
    """The table with one call less for workers."""
    text = (ROOT / TABLE).read_text()
    changed = re.sub(r"^(39\s+getpid\s+)worker", r"\1caller", text, flags=re.MULTILINE)
    assert changed != text
    return parse_table(changed)


def test_generated_files_are_current(table: Table) -> None:
    assert not stale(table, ROOT).keys()


def test_check_names_the_stale_file_and_the_remedy(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    before = {name: (ROOT / name).read_text() for name in (HEADER, PAGE)}
    monkeypatch.setattr("xsc.commands.gen.load_table", lambda root: other_table())
    assert main(["gen", "--check"]) == 1
    err = capsys.readouterr().err
    assert HEADER in err and PAGE in err
    assert "./xsc gen" in err.partition("remedy: ")[2]
    assert {name: (ROOT / name).read_text() for name in (HEADER, PAGE)} == before


def test_check_passes_and_a_dry_run_writes_nothing(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["gen", "--check"]) == 0
    assert capsys.readouterr().out == ""
    before = (ROOT / HEADER).read_text()
    monkeypatch.setattr("xsc.commands.gen.load_table", lambda root: other_table())
    assert main(["--dry-run", "gen"]) == 0
    assert capsys.readouterr().out.split() == [HEADER, PAGE]
    assert (ROOT / HEADER).read_text() == before


def test_only_what_differs_is_written(table: Table, tmp_path: Path) -> None:
    for name in (HEADER, PAGE):
        (tmp_path / name).parent.mkdir(parents=True)
    assert stale(table, tmp_path) == render(table)
    write(stale(table, tmp_path), tmp_path)
    assert not stale(table, tmp_path)
    (tmp_path / PAGE).write_text("edited by hand\n")
    assert set(stale(table, tmp_path)) == {PAGE}


def test_the_page_lists_every_call_and_check(table: Table) -> None:
    cells = [
        [cell.strip().strip("`") for cell in line.strip("|").split("|")]
        for line in (ROOT / PAGE).read_text().splitlines()
        if line.startswith("| ")
    ]
    rows = [tuple(row) for row in cells if row[0].isdigit()]
    assert rows == [
        (
            str(call.nr),
            call.name,
            "worker" if call.worker else "caller",
            "" if call.check == NO_CHECK else call.check,
            "yes" if call.identity else "",
            call.reason,
        )
        for call in table.calls
    ]
    pairs = [tuple(row) for row in cells if len(row) == 2]
    assert pairs[2:] == [(check.name, check.text) for check in table.checks]


@pytest.mark.skipif(shutil.which("gcc") is None, reason="gcc is not installed")
def test_the_header_compiles_to_the_table(table: Table, tmp_path: Path) -> None:
    text = (ROOT / HEADER).read_text()
    (tmp_path / "rows.h").write_text(re.sub(r"^#include .*$", "", text, flags=re.MULTILINE))
    (tmp_path / "rows.c").write_text(SHIM)
    program = tmp_path / "rows"
    argv = ["gcc", "-Wall", "-Wextra", "-Werror", "-o", program, tmp_path / "rows.c"]
    built = subprocess.run(argv, capture_output=True, text=True)
    assert built.returncode == 0, built.stderr
    printed = subprocess.run([program], capture_output=True, text=True, check=True).stdout
    rows = [tuple(map(int, line.split())) for line in printed.splitlines()]
    numbers = {check.name: number for number, check in enumerate(table.checks, start=1)}
    known = {
        call.nr: (call.worker | call.identity << 1, numbers.get(call.check, 0))
        for call in table.calls
    }
    assert rows == [(nr, *known.get(nr, (0, 0))) for nr in range(451)]
