# SPDX-License-Identifier: MIT
"""`xsc stat` and `xsc top` of the guest, on a tree of files that looks like a system."""

from __future__ import annotations

import io
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pexpect
import pytest
from xscstat import stat, top
from xscstat.counters import Missing, System, ordered, parse_histogram, parse_lines
from xscstat.main import main, make_parser
from xscstat.rates import human, rates, worker_share

from xsc.paths import ROOT

LIBRARY = ROOT / "image/rootfs/python/usr/lib/xsc"
START = "import sys; from xscstat.main import main; sys.exit(main(sys.argv[1:]))"


class Tree:
    """A root directory with a /proc and a /sys/kernel/xsc that a test can change."""

    def __init__(self, root: Path) -> None:
        self.root = root
        (root / "sys/kernel/xsc").mkdir(parents=True)
        (root / "proc/self").mkdir(parents=True)
        (root / "proc/uptime").write_text("1000.00 1900.00\n")
        (root / "proc/self/xsc").write_text("mode: permissive\ntagged: 1\ncalls: 1\n")
        (root / "proc/meminfo").write_text("")
        self.total("mode", "permissive")
        self.total("abi", "1")
        self.total("calls", "50000")
        self.total("traps", "0")

    def total(self, name: str, value: str, mode: int = 0o444) -> None:
        """Write one file of /sys/kernel/xsc/."""
        path = self.root / "sys/kernel/xsc" / name
        path.unlink(missing_ok=True)
        path.write_text(f"{value}\n")
        path.chmod(mode)

    def process(
        self, pid: int, name: str = "sh", started: int = 500, ticks: int = 10, **counters: int
    ) -> None:
        """Write a process; 100 ticks are a second of CPU time."""
        folder = self.root / "proc" / str(pid)
        folder.mkdir(exist_ok=True)
        lines = ["mode: permissive", f"tagged: {int(bool(counters))}"]
        lines += [f"{key}: {value}" for key, value in counters.items()]
        (folder / "xsc").write_text("\n".join(lines) + "\n")
        fields = f"S 1 1 1 0 -1 4194560 1 0 0 0 {ticks} 0 0 0 20 0 1 0 {started} 1 1 1"
        (folder / "stat").write_text(f"{pid} ({name}) {fields}\n")

    def picture(self, change: object, sort: str = "calls") -> top.Picture:
        """Look, let `change` happen, look again two seconds later."""
        system = System(self.root)
        before = system.totals(), system.processes()
        change()  # type: ignore[operator]
        return top.picture(before, (system.totals(), system.processes()), 2.0, sort)


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    return Tree(tmp_path)


def run(tree: Tree, *words: str) -> subprocess.CompletedProcess[str]:
    """Run the command line without a terminal."""
    argv = [sys.executable, "-c", START, words[0], "--root", str(tree.root), *words[1:]]
    env = {**os.environ, "PYTHONPATH": str(LIBRARY), "PYTHONDONTWRITEBYTECODE": "1"}
    return subprocess.run(argv, env=env, capture_output=True, text=True, timeout=30)


# What the kernel says ----------------------------------------------------------------------------


def test_lines_are_counters_or_facts() -> None:
    reading = parse_lines("mode: off\ntagged: 1\ncalls: 12\nnovel_thing: 3\nbroken\n: 4\n")
    assert reading.facts == {"mode": "off", "tagged": "1"}
    assert reading.counters == {"calls": 12, "novel_thing": 3}


def test_histogram_lines() -> None:
    assert parse_histogram("<=50 3\n<=100 0\n<=inf 1\n\nnonsense\n<=1 x\n") == (
        ("50", 3),
        ("100", 0),
        ("inf", 1),
    )


def test_unknown_counters_come_last_and_none_is_lost() -> None:
    assert ordered({"zeta", "traps", "alpha", "calls"}) == ["calls", "traps", "alpha", "zeta"]


def test_a_number_that_can_be_written_is_a_setting(tree: Tree) -> None:
    tree.total("spin_ns", "20000", 0o644)
    tree.total("workers", "auto", 0o644)
    reading = System(tree.root).totals()
    assert reading.counters == {"calls": 50000, "traps": 0}
    assert reading.facts == {
        "mode": "permissive",
        "abi": "1",
        "spin_ns": "20000",
        "workers": "auto",
    }


def test_a_name_may_hold_anything(tree: Tree) -> None:
    tree.process(7, "a (b) c) d", ticks=42, calls=1)
    process = System(tree.root).process(7)
    assert process is not None
    assert (process.command, process.state) == ("a (b) c) d", "S")
    assert (process.cpu_ticks, process.started) == (42, 500)


def test_processes_without_a_gate_are_left_out(tree: Tree) -> None:
    tree.process(2, "kthreadd")
    tree.process(7, calls=1)
    assert set(System(tree.root).processes()) == {7}


def test_a_process_that_ends_meanwhile_is_left_out(tree: Tree) -> None:
    tree.process(7, calls=1)
    (tree.root / "proc/7/stat").unlink()
    assert System(tree.root).processes() == {}


def test_another_kernel_is_an_error_with_a_remedy(tmp_path: Path) -> None:
    with pytest.raises(Missing) as caught:
        System(tmp_path).check()
    assert caught.value.exit_code == 2
    assert "boot" in caught.value.remedy


# Rates -------------------------------------------------------------------------------------------


def test_rates_are_per_second_and_new_counters_begin_at_zero() -> None:
    before, after = parse_lines("calls: 10"), parse_lines("calls: 30\nworker: 8")
    assert rates(before, after, 2.0) == {"calls": 10.0, "worker": 4.0}


def test_a_counter_that_began_anew_is_not_negative() -> None:
    assert rates(parse_lines("calls: 100"), parse_lines("calls: 6"), 2.0) == {"calls": 3.0}


def test_worker_share() -> None:
    assert worker_share({"calls": 10.0, "worker": 9.0}) == 0.9
    assert worker_share({"calls": 10.0}) is None
    assert worker_share({"calls": 0.0, "worker": 0.0}) is None


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0"),
        (0.001, "0.01"),
        (0.5, "0.50"),
        (9.94, "9.9"),
        (12345, "12.3k"),
        (123456, "123k"),
        (99999999, "100.0M"),
        (5e11, "500G"),
    ],
)
def test_human(value: float, text: str) -> None:
    assert human(value) == text
    assert len(text) <= 6


def test_the_busiest_process_comes_first(tree: Tree) -> None:
    tree.process(7, "lazy", calls=1000)
    tree.process(8, "eager", calls=10)

    def change() -> None:
        tree.process(7, "lazy", calls=1002)
        tree.process(8, "eager", calls=5010, ticks=110)

    shown = tree.picture(change)
    assert [one.process.command for one in shown.found] == ["eager", "lazy"]
    assert shown.found[0].rates["calls"] == 2500
    assert shown.found[0].cpu == pytest.approx(0.5)


def test_sorting_by_another_counter(tree: Tree) -> None:
    tree.process(7, "calls", calls=1, parks=1)
    tree.process(8, "parks", calls=1, parks=1)

    def change() -> None:
        tree.process(7, "calls", calls=900, parks=2)
        tree.process(8, "parks", calls=9, parks=8)

    assert tree.picture(change, "parks").found[0].process.command == "parks"


def test_a_number_used_again_is_another_process(tree: Tree) -> None:
    tree.process(7, "old", calls=1000)
    shown = tree.picture(lambda: tree.process(7, "new", started=900, calls=2000))
    assert shown.found[0].rates["calls"] == 1000


# What is printed ---------------------------------------------------------------------------------


def test_stat_prints_every_counter_that_exists(tree: Tree) -> None:
    tree.total("novel_thing", "7")
    tree.total("wake_latency", "<=50 3\n<=inf 1")
    done = run(tree, "stat")
    assert done.returncode == 0, done.stderr
    rows = [line.split() for line in done.stdout.splitlines()]
    assert ["calls", "50000", "50"] in rows
    assert ["novel_thing", "7", "0.01"] in rows
    assert ["<=", "50", "3"] in rows
    assert done.stdout.startswith("mode permissive, abi 1\n")


def test_stat_of_a_process(tree: Tree) -> None:
    tree.process(7, started=90000, calls=500, worker=450)
    values = json.loads(run(tree, "stat", "--json", "-p", "7").stdout)
    assert values["totals"] == {"calls": 500, "worker": 450}
    assert values["worker_share"] == 0.9
    assert values["rates"]["calls"] == pytest.approx(
        500 / (1000 - 90000 / os.sysconf("SC_CLK_TCK"))
    )


def test_stat_at_intervals_has_one_line_each(tree: Tree) -> None:
    tree.total("worker", "3")
    lines = run(tree, "stat", "0.05", "3").stdout.splitlines()
    assert lines[0].split() == ["calls", "worker", "traps", "work%"]
    assert [len(line) for line in lines] == [len(lines[0])] * 4


def test_stat_as_json_is_one_object_per_line(tree: Tree) -> None:
    lines = run(tree, "stat", "--json", "0.05", "2").stdout.splitlines()
    assert len(lines) == 2
    assert {json.loads(line)["totals"]["calls"] for line in lines} == {50000}


def test_a_new_counter_gets_a_column_while_stat_runs(
    tree: Tree, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stat.time, "sleep", lambda seconds: tree.total("parks", "9"))
    out = io.StringIO()
    stat.show_rates(System(tree.root), None, 0.01, 1, False, out)
    assert out.getvalue().splitlines()[0].split() == ["calls", "parks", "traps"]


def test_top_without_a_terminal_looks_once_and_shows_all_columns(tree: Tree) -> None:
    tree.process(7, "sleep well", calls=1, worker=1, novel_thing=3)
    lines = run(tree, "top", "0.05").stdout.splitlines()
    assert lines[0].startswith("mode permissive; 1 processes, 0 made calls")
    assert lines[2].split() == [
        "PID",
        "USER",
        "S",
        "CPU",
        "calls",
        "worker",
        "novel_thing",
        "COMMAND",
    ]
    assert lines[3].endswith(" sleep well")
    assert len(lines) == 4


def test_top_as_json(tree: Tree) -> None:
    for pid in (7, 8):
        tree.process(pid, calls=pid)
    lines = run(tree, "top", "--json", "-n", "1", "0.05", "2").stdout.splitlines()
    assert len(lines) == 2
    shown = json.loads(lines[0])
    assert [one["totals"] for one in shown["processes"]] == [{"calls": 7}]
    assert shown["facts"]["mode"] == "permissive"


def test_columns_give_way_on_a_narrow_terminal() -> None:
    names = ["calls", "worker", "caller_class", "parks"]
    assert top.fitting(names, 80) == names
    assert top.fitting(names, 60) == ["calls", "worker"]
    assert top.fitting(names, 20) == []


def test_top_on_a_terminal_fills_it_and_ends_at_q(tree: Tree) -> None:
    tree.process(7, "worker-bee", calls=10)
    argv = ["-c", START, "top", "--root", str(tree.root), "0.1"]
    env = {**os.environ, "PYTHONPATH": str(LIBRARY), "TERM": "xterm", "NO_COLOR": "1"}
    child = pexpect.spawn(sys.executable, argv, env=env, timeout=20, dimensions=(24, 100))
    child.expect("worker-bee")
    child.send("q")
    child.expect(pexpect.EOF)
    child.close()
    assert child.exitstatus == 0


def test_stat_on_a_terminal(tree: Tree) -> None:
    tree.total("wake_latency", "<=50 30\n<=inf 10")
    argv = ["-c", START, "stat", "--root", str(tree.root)]
    env = {**os.environ, "PYTHONPATH": str(LIBRARY), "TERM": "dumb"}
    child = pexpect.spawn(sys.executable, argv, env=env, timeout=20, encoding="utf-8")
    shown = child.read()
    child.close()
    assert child.exitstatus == 0, shown
    assert "calls" in shown and "50000" in shown
    assert "#" * 26 in shown and "#" * 27 not in shown


def test_nothing_but_a_terminal_needs_rich(tree: Tree) -> None:
    """Scripts shall not wait for it to be loaded."""
    tree.process(7, calls=10)
    block = "import sys; sys.modules['rich'] = None; " + START
    for words in (["stat"], ["stat", "0.01", "1"], ["top", "0.01"], ["top", "--json", "0.01"]):
        argv = [sys.executable, "-c", block, words[0], "--root", str(tree.root), *words[1:]]
        env = {**os.environ, "PYTHONPATH": str(LIBRARY)}
        done = subprocess.run(argv, env=env, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr


# How it ends -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "words",
    [[], ["vmstat"], ["stat", "0"], ["stat", "x"], ["stat", "1", "0"], ["top", "-n", "none"]],
)
def test_usage_errors_exit_64_with_a_remedy(
    words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as caught:
        main(words)
    assert caught.value.code == 64
    out, err = capsys.readouterr()
    assert out == "" and "  remedy: " in err


def test_another_kernel_exits_2(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["stat", "--root", str(tmp_path)]) == 2
    assert main(["top", "--root", str(tmp_path)]) == 2
    assert capsys.readouterr().err.count("  remedy: ") == 2


def test_no_such_process_exits_1(tree: Tree, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["stat", "--root", str(tree.root), "-p", "99"]) == 1
    assert "proc/99/xsc" in capsys.readouterr().err


def test_a_process_that_ends_ends_its_statistics(
    tree: Tree, monkeypatch: pytest.MonkeyPatch
) -> None:
    tree.process(7, calls=1)
    monkeypatch.setattr(stat.time, "sleep", lambda seconds: (tree.root / "proc/7/xsc").unlink())
    assert main(["stat", "--root", str(tree.root), "-p", "7", "0.01"]) == 1


def test_a_reader_that_has_enough_is_no_error(tree: Tree) -> None:
    argv = [sys.executable, "-c", START, "stat", "--root", str(tree.root), "0.01"]
    env = {**os.environ, "PYTHONPATH": str(LIBRARY)}
    child = subprocess.Popen(
        argv, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert child.stdout is not None and child.stderr is not None
    child.stdout.readline()
    child.stdout.close()
    assert child.wait(timeout=20) == 141
    assert child.stderr.read() == ""
    child.stderr.close()


def test_the_launcher_is_executable_and_finds_the_library() -> None:
    launcher = ROOT / "image/rootfs/python/usr/bin/xsc"
    assert launcher.stat().st_mode & 0o111
    text = launcher.read_text()
    assert text.startswith("#!/usr/bin/python3 -I\n")
    assert f'"/{LIBRARY.relative_to(ROOT / "image/rootfs/python")}"' in text


def test_the_manual_has_every_option_and_no_other() -> None:
    parser = make_parser()
    (verbs,) = (action for action in parser._actions if action.choices)
    assert isinstance(verbs.choices, dict)
    options = {
        spelling
        for verb in verbs.choices.values()
        for action in verb._actions
        for spelling in action.option_strings
    }
    text = (ROOT / "docs/man/xsc-stat.1").read_text().replace("\\-", "-")
    section = text.partition(".SH OPTIONS\n")[2].partition("\n.SH ")[0]
    tags = [re.sub(r"\\f.", " ", tag) for tag in re.findall(r"^\.TP\n(.*)$", section, re.M)]
    written = {word for tag in tags for word in re.findall(r"(?<![\w-])--?[a-z]+", tag)}
    assert written == options - {"-h", "--help"}
