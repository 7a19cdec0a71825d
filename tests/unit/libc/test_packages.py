# SPDX-License-Identifier: MIT
"""Versions, changelog and the check of the finished packages."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from email.utils import parsedate_to_datetime
from pathlib import Path

import pytest

from xsc.build import glibc
from xsc.build.debian_source import Base, Installed, failed_hunks
from xsc.errors import StepFailed
from xsc.graph.step import StepContext
from xsc.paths import ROOT
from xsc.run import run

DEBIAN = "2.36-9+deb12u14"


def newer(left: str, right: str) -> bool:
    return run(["dpkg", "--compare-versions", left, "gt", right], check=False).returncode == 0


@pytest.mark.parametrize("debian", [DEBIAN, "2.36-9+deb12u7", "2.36-9", glibc.base(ROOT).version])
def test_our_version_is_newer_than_debians(debian: str) -> None:
    assert newer(glibc.our_version(debian), debian)


@pytest.mark.parametrize(
    ("debian", "update"),
    [(DEBIAN, "2.36-9+deb12u15"), ("2.36-9+deb12u9", "2.36-9+deb12u10"), (DEBIAN, "2.36-10")],
)
def test_debians_next_update_is_newer_than_ours(debian: str, update: str) -> None:
    assert newer(update, glibc.our_version(debian))


def test_the_changelog_gets_one_entry_that_dpkg_can_read(tmp_path: Path) -> None:
    original = (
        f"glibc ({DEBIAN}) bookworm; urgency=medium\n\n  * Old.\n\n"
        " -- A <a@example.org>  Thu, 01 Jan 2026 00:00:00 +0000\n"
    )
    template = (ROOT / glibc.CHANGELOG).read_text()
    path = tmp_path / "changelog"
    path.write_text(glibc.changelog(template, original, 1_700_000_000))
    argv = ["dpkg-parsechangelog", "-l", path, "-S"]
    assert run([*argv, "Version"]).stdout.strip() == f"{DEBIAN}{glibc.REVISION}"
    assert run([*argv, "Distribution"]).stdout.strip() == "bookworm"
    date = parsedate_to_datetime(run([*argv, "Date"]).stdout.strip())
    assert date.timestamp() == 1_700_000_000
    assert path.read_text().endswith(original)


def test_another_changelog_is_refused() -> None:
    with pytest.raises(StepFailed, match="does not start with an entry of glibc"):
        glibc.changelog("", "linux (6.1) bookworm; urgency=low\n", 0)


def test_another_tarball_is_a_warning_and_the_same_is_none() -> None:
    base = glibc.base(ROOT)
    assert Installed(base.version, base.sha256).differs(base) is None
    warning = Installed("2.36-9+deb12u99", "0" * 64).differs(base)
    assert warning is not None
    assert base.version in warning
    assert "2.36-9+deb12u99" in warning


@pytest.fixture
def toy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[StepContext]:
    """A step whose C library is one file and whose series is empty."""
    source = tmp_path / "glibc-0"
    debian = tmp_path / "debian"
    patches = tmp_path / glibc.PATCHES
    for folder in (source, debian, patches, tmp_path / glibc.OVERLAY, tmp_path / "work"):
        folder.mkdir(parents=True)
    (source / "libc.c").write_text("int errno;\n")
    (debian / "changelog").write_text(f"glibc ({DEBIAN}) bookworm; urgency=medium\n")
    (debian / "control").write_text("Source: glibc\nMaintainer: Debian\n")
    (patches / "series").write_text("")
    (tmp_path / glibc.CHANGELOG).parent.mkdir()
    (tmp_path / glibc.CHANGELOG).write_text("glibc (@VERSION@) bookworm; urgency=low\n")
    tarball = tmp_path / "glibc-0.tar"
    run(["tar", "-C", tmp_path, "-cf", tarball, source.name])
    base = Base("glibc-source", DEBIAN, tarball, "0" * 64, debian)
    monkeypatch.setattr(glibc, "base", lambda _root: base)
    monkeypatch.setattr(glibc, "installed", lambda _base: Installed(DEBIAN, "0" * 64))
    log = (tmp_path / "log").open("w")
    yield StepContext(tmp_path, tmp_path / "out", tmp_path / "work", 1, 0, log)
    log.close()


def test_a_change_is_built_from_scratch_at_the_same_path(toy: StepContext) -> None:
    tree = glibc._prepare(toy)
    (tree / "libc.o").touch()
    assert glibc._prepare(toy) == tree
    assert (tree / "libc.o").exists()
    (toy.root / glibc.OVERLAY / "gate.c").write_text("int gate;\n")
    assert glibc._prepare(toy) == tree
    assert (tree / "gate.c").exists()
    assert not (tree / "libc.o").exists()


def test_a_tree_that_was_not_finished_is_not_used(toy: StepContext) -> None:
    (toy.root / glibc.CHANGELOG).rename(toy.root / "away")
    with pytest.raises(FileNotFoundError):
        glibc._prepare(toy)
    (toy.root / "away").rename(toy.root / glibc.CHANGELOG)
    tree = glibc._prepare(toy)
    assert (tree / "debian/changelog").read_text().startswith(f"glibc ({DEBIAN}+xsc1)")


def test_failed_hunks_are_put_into_words() -> None:
    output = (
        "patching file a.c\nHunk #1 succeeded at 4.\npatching file b/c.S\n"
        "Hunk #2 FAILED at 81.\nHunk #3 FAILED at 104.\n2 out of 3 hunks FAILED\n"
    )
    assert failed_hunks(output) == "b/c.S: hunk 2 at line 81, hunk 3 at line 104"
    assert failed_hunks("no file to patch\n") == "no file to patch"


def test_a_trap_outside_the_list_fails_the_build(tmp_path: Path) -> None:
    for name in glibc.TAGGED:
        source = tmp_path / f"{name}.S"
        tag = '.section .note.xsc,"a",@note\n.long 4,4,1\n.string "XSC"\n.long 1\n.text\nret\n'
        source.write_text(tag)
        run(["gcc", "-c", "-o", tmp_path / name, source])
        source.unlink()
    allowed = "# none\n"
    glibc.check_tree(tmp_path, allowed)
    source = tmp_path / "bad.S"
    source.write_text("syscall\n")
    run(["gcc", "-c", "-o", tmp_path / "libextra.so", source])
    with pytest.raises(StepFailed, match=r"libextra\.so: syscall in \.text at"):
        glibc.check_tree(tmp_path, allowed)
    (tmp_path / "libextra.so").unlink()
    shutil.copy("/bin/true", tmp_path / "crt1.o")
    with pytest.raises(StepFailed, match=r"crt1\.o: not there, or without the XSC note"):
        glibc.check_tree(tmp_path, allowed)
