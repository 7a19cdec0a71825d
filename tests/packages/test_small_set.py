# SPDX-License-Identifier: MIT
"""A few real packages, built from source in clean trees, scanned, and put into a repository."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from xsc.__main__ import main
from xsc.build.buildroot import ARCHIVE
from xsc.build.namespace import isolated
from xsc.config import Settings
from xsc.elf.notes import interpreter, xsc_abi
from xsc.packages.scanning import elf_files
from xsc.packages.sets import members
from xsc.paths import ROOT
from xsc.repo.keys import open_keys
from xsc.repo.publish import Request, find_debs, publish

SMALL = members(ROOT, "small")
PATIENCE_SECONDS = 40.0
# Whichever test comes first waits for the builds.
pytestmark = pytest.mark.timeout(2400)


def xsc(settings: Settings, *words: str) -> int:
    """Run a command line in the build directory of the tests."""
    own = ["--build-dir", str(settings.paths.build), "-j", str(settings.jobs)]
    return main([*own, "--progress=plain", "packages", *words])


@pytest.fixture(scope="module")
def results(settings: Settings) -> dict[str, Path]:
    """Where the packages of each source are."""
    # What the machine did to an earlier run is no reason for this one to fail.
    assert xsc(settings, "build", "small") == 0
    return {name: settings.paths.links / f"package-{name}" for name in SMALL}


def attempts(settings: Settings) -> list[str]:
    """Return the names of all records of attempts at the packages."""
    return sorted(
        str(path) for name in SMALL for path in settings.paths.build.glob(f"packages/{name}/*.json")
    )


def test_all_are_built_and_show_it(
    settings: Settings, results: dict[str, Path], tmp_path: Path
) -> None:
    page, rows = tmp_path / "page.html", tmp_path / "rows.json"
    words = ("status", "small", "--html", str(page), "--json", str(rows))
    assert xsc(settings, *words) == 0
    found = {row["source"]: row for row in map(json.loads, rows.read_text().splitlines())}
    assert {name: row["state"] for name, row in found.items()} == dict.fromkeys(SMALL, "built")
    assert all(name in page.read_text() for name in SMALL)
    assert [row["traps"] for row in found.values()] == [0] * len(SMALL)
    assert sum(row["programs"] for row in found.values()) >= 4


def test_a_second_time_there_is_nothing_to_do(settings: Settings, results: dict[str, Path]) -> None:
    before = attempts(settings)
    assert xsc(settings, "build", "small") == 0
    assert attempts(settings) == before


def test_versions_and_programs_are_ours(results: dict[str, Path], tmp_path: Path) -> None:
    programs = 0
    for name, out in results.items():
        version = json.loads((out / "result.json").read_text())["version"]
        assert version.endswith("+xsc1")
        for deb in (out / "debs").iterdir():
            asked = ["dpkg-deb", "-f", str(deb), "Version"]
            assert subprocess.run(asked, capture_output=True, text=True).stdout.strip() == version
            tree = tmp_path / f"{name}-{deb.name.partition('_')[0]}"
            subprocess.run(["dpkg-deb", "-x", deb, tree], check=True)
            images = [path.read_bytes() for path in elf_files(tree)]
            # Libraries carry no tag: the kernel asks the program and its interpreter.
            tags = [xsc_abi(image) for image in images if interpreter(image)]
            assert tags == [1] * len(tags)
            programs += len(tags)
    assert programs >= 3


def test_a_tree_has_a_place_for_links_to_manual_pages(built: Callable[[str], Path]) -> None:
    tree = built("buildroot") / ARCHIVE
    # Java's packages link to pages there, unpacked or not, and fail if they cannot.
    where = "./usr/share/man/man1/"
    done = subprocess.run(["tar", "--zstd", "-tf", tree, where], capture_output=True, text=True)
    assert done.stdout.splitlines() == [where], done.stderr


def test_they_make_a_repository(results: dict[str, Path], tmp_path: Path) -> None:
    debs = find_debs([out / "debs" for out in results.values()])
    with open_keys(tmp_path / "k") as store:
        store.new()
        made = publish(Request(debs, tmp_path / "repo"), store, lambda done, text: None)
    assert made.packages == len(debs) + 1
    index = (tmp_path / "repo/dists/xsc/main/binary-amd64/Packages").read_text()
    for name in ("hostname", "mawk", "libmd0"):
        assert f"Package: {name}\n" in index


def test_a_build_dies_with_its_builder(tmp_path: Path) -> None:
    beats = tmp_path / "beats"
    loop = f"while :; do echo x >>{beats}; sleep 0.05; done"
    argv = [*isolated(), "sh", "-c", f"({loop}) & {loop}"]
    code = f"from xsc.run import run; run({argv!r})"
    env = {**os.environ, "PYTHONPATH": str(ROOT / "src")}
    with subprocess.Popen([sys.executable, "-c", code], env=env) as builder:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not beats.exists() or beats.stat().st_size < 20:
            assert time.monotonic() < deadline, "it never began"
            time.sleep(0.05)
        builder.send_signal(signal.SIGKILL)
    time.sleep(0.5)
    size = beats.stat().st_size
    time.sleep(0.5)
    assert beats.stat().st_size == size


def test_a_build_sees_no_network_and_no_process_of_the_host() -> None:
    # Without a proc file system of its own: interfaces are listed in the kernel's own table.
    script = "cat /proc/self/net/dev | tail -n +3 | cut -d: -f1; echo $$"
    done = subprocess.run([*isolated(), "sh", "-c", script], capture_output=True, text=True)
    assert done.stdout.split() == ["lo", "1"]
