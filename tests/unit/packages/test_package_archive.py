# SPDX-License-Identifier: MIT
"""What apt says about source packages and Debian's builds of them, read right."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from xsc.build import apt, apt_source
from xsc.build.apt import Package
from xsc.packages import archive, lost
from xsc.packages.archive import Source, parse_builds, parse_sources
from xsc.packages.recipe import Recipe, changelog_entry

SOURCES = """\
Package: tool
Binary: tool, libtool1,
 tool-doc
Version: 1.0-2
Build-Depends: debhelper-compat (= 13),
 libz-dev
Build-Depends-Indep: texlive
Checksums-Sha256:
 aa 10 tool_1.0-2.dsc
 bb 20 tool_1.0.orig.tar.xz

Package: tool
Binary: tool
Version: 1.0-10
Checksums-Sha256:
 cc 10 tool_1.0-10.dsc

Package: other
Binary: other
Version: 1:2-1
Build-Conflicts: x
Checksums-Sha256:
 dd 10 other_2-1.dsc
"""
BUILDS = """\
Package: tool
Source: tool (1.0-2)
Version: 1.0-2+b3
Architecture: amd64

Package: tool-doc
Source: tool
Version: 1.0-2
Architecture: all

Package: libtool1
Source: tool (1.0-2)
Version: 7:3.4
Architecture: amd64

Package: other
Version: 1:2-1
Architecture: amd64
"""


def test_the_newest_source_is_taken() -> None:
    found = parse_sources(SOURCES)
    source, binaries = found["tool"]
    assert (source.version, source.files) == ("1.0-10", {"tool_1.0-10.dsc": "cc"})
    assert binaries == "tool"
    assert found["other"][0].needs == "Build-Conflicts: x\n"


@pytest.mark.parametrize(
    ("gone", "version"),
    [
        ({"tool": ("1.0-10",)}, "1.0-2"),
        ({"tool": ("1.0-2",)}, "1.0-10"),
        ({"tool": ("1.0-10", "1.0-2")}, "1.0-10"),
        ({"other": ("1.0-10",)}, "1.0-10"),
    ],
)
def test_a_source_that_is_lost_is_taken_only_for_want_of_another(
    gone: dict[str, tuple[str, ...]], version: str
) -> None:
    for text in (SOURCES, "\n\n".join(reversed(SOURCES.strip().split("\n\n")))):
        found = parse_sources(text, gone)
        assert found["tool"][0].version == version
        assert found["other"][0].version == "1:2-1"


def test_debians_build_of_an_older_source_is_found_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def ask(options: Sequence[str], *words: str) -> str:
        if words[0] == "showsrc":
            return SOURCES
        # The newest build is that of the newest source.
        return BUILDS if "--all-versions" in words else BUILDS.replace("1.0-2", "1.0-10")

    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(apt_source, "refresh", lambda: None)
    monkeypatch.setattr(apt_source, "options", lambda: [])
    monkeypatch.setattr(archive, "_binary_options", lambda: [])
    monkeypatch.setattr(apt, "index_digest", lambda: "index")
    monkeypatch.setattr(archive, "_ask", ask)
    assert archive.find(["tool"])["tool"].built == "1.0-10+b3"
    lost.note("tool", "1.0-10")
    assert archive.find(["tool"])["tool"].built == "1.0-2+b3"
    lost.forget(["tool"])
    assert archive.find(["tool"])["tool"].built == "1.0-10+b3"


def test_what_documentation_needs_is_left_out() -> None:
    source, binaries = parse_sources(SOURCES.partition("\n\n")[0])["tool"]
    assert source.needs == "Build-Depends: debhelper-compat (= 13), libz-dev\n"
    assert binaries == "tool, libtool1, tool-doc"
    assert len(source.files) == 2


def test_builds_are_found_by_source_and_version() -> None:
    # A package with a version of its own says nothing about rebuilds of the source.
    assert parse_builds(BUILDS) == {
        ("tool", "1.0-2"): "1.0-2+b3",
        ("other", "1:2-1"): "1:2-1",
    }


def test_the_changelog_entry_marks_a_mere_rebuild() -> None:
    source = Source("tool", "1.0-2", "1.0-2+b3", {}, "")
    recipe = Recipe(source, (Package("x", "1", "amd64"),), 1, ("nocheck",), ("nocheck",))
    entry = changelog_entry(recipe, 0).splitlines()
    assert entry[0] == "tool (1.0-2+b3+xsc1) bookworm; urgency=low, binary-only=yes"
    assert entry[-2].startswith(" -- ") and entry[-2].endswith("Thu, 01 Jan 1970 00:00:00 -0000")
    assert entry[-1] == ""
