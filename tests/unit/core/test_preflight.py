# SPDX-License-Identifier: MIT
"""The checks of doctor, fed with machines that are not this one."""

from __future__ import annotations

from pathlib import Path

import pytest

from xsc.bootstrap import LOCKFILE
from xsc.paths import Paths
from xsc.preflight import host, machine, registries
from xsc.preflight.check import Verdict

MEMINFO = "MemTotal:       {total} kB\nMemFree:         1 kB\nMemAvailable:   {available} kB\n"
GIB = 1 << 20  # in the unit of meminfo


def test_architecture() -> None:
    assert host.architecture("x86_64").verdict is Verdict.OK
    assert host.architecture("aarch64").verdict is Verdict.FAIL


@pytest.mark.parametrize(
    ("text", "verdict"),
    [
        ('ID=debian\nVERSION_ID="12"\nPRETTY_NAME="Debian"\n', Verdict.OK),
        ('ID=debian\nVERSION_ID="13"\n', Verdict.FAIL),
        ("# comment\nID=ubuntu\nVERSION_ID='12'\n", Verdict.FAIL),
        ("", Verdict.FAIL),
    ],
)
def test_release(text: str, verdict: Verdict) -> None:
    finding = host.release(host.parse_os_release(text))
    assert finding.verdict is verdict
    assert (finding.remedy is None) == (verdict is Verdict.OK)


@pytest.mark.parametrize(
    ("available", "verdict"), [(2, Verdict.FAIL), (4, Verdict.WARN), (8, Verdict.OK)]
)
def test_memory(available: int, verdict: Verdict) -> None:
    text = MEMINFO.format(total=16 * GIB, available=available * GIB)
    assert host.memory(text).verdict is verdict


def test_disk_names_both_places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    paths = Paths(tmp_path, tmp_path / "not" / "there", tmp_path / "cache")
    monkeypatch.setattr(host, "DISK_BYTES", 1)
    (finding,) = host.disk(paths)
    assert finding.verdict is Verdict.OK
    assert str(paths.build) in finding.text
    assert str(paths.cache) in finding.text
    monkeypatch.setattr(host, "DISK_BYTES", 1 << 60)
    assert [found.verdict for found in host.disk(paths)] == [Verdict.FAIL]


def test_release_files_of_apt() -> None:
    printed = (
        "'http://mirror.example/debian/dists/bookworm/InRelease' mirror_InRelease 0 \n"
        "'http://mirror.example/debian/dists/bookworm/Release.gpg' mirror_Release.gpg 0 \n"
        "Reading package lists...\n"
    )
    assert registries.release_files(printed) == [
        "http://mirror.example/debian/dists/bookworm/InRelease"
    ]


def test_an_unreachable_source_is_told(tmp_path: Path) -> None:
    assert registries.fetch(f"file://{tmp_path}/nothing/InRelease", tmp_path)


def test_a_reachable_source_is_fetched(tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    (tmp_path / "there" / "InRelease").write_text("text")
    (tmp_path / "scratch").mkdir()
    uri = f"copy:{tmp_path}/there/InRelease"
    assert registries.fetch(uri, tmp_path / "scratch") is None


def test_the_small_requirement_has_its_hash() -> None:
    name, digest = registries.small_requirement(LOCKFILE.read_text()).splitlines()
    assert name.startswith("mdurl==")
    assert digest.strip().startswith("--hash=sha256:")


def test_kvm_without_a_device(tmp_path: Path) -> None:
    finding = machine.kvm(tmp_path / "kvm")
    assert finding.verdict is Verdict.WARN
    assert finding.remedy
