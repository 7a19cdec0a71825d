# SPDX-License-Identifier: MIT
"""The image from rebuilt packages is the ordinary one with other packages put in."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path

import pytest

from xsc.bench.stand_ins import make_cache
from xsc.build import registry
from xsc.commands import packages_build
from xsc.commands.build import rebuilt_image
from xsc.config import Settings
from xsc.graph.history import History
from xsc.graph.step import Step, StepContext
from xsc.packages import image as image_module
from xsc.packages.builder import graph_plan
from xsc.packages.image import build_iso, build_rootfs, with_rebuilt
from xsc.packages.steps import Planned, scan_step
from xsc.paths import ROOT, Paths
from xsc.progress import Mode


def do_nothing(context: StepContext) -> None:
    """Make nothing."""


def planned(name: str, *lost: str) -> Planned:
    """Return a package whose build does nothing, of version 1, with versions that are lost."""
    made = Step(f"package-{name}", do_nothing)
    return Planned(name, "1+b0+xsc1", (made, scan_step(name, made.name)), "", "1", lost)


@pytest.fixture
def context(tmp_path: Path) -> StepContext:
    upstream = {}
    for step, debs in {
        "glibc": ["libc6_2_amd64.deb", "libc6-dev_2_amd64.deb"],
        "package-sed": ["sed_1_amd64.deb", "sed-dev_1_amd64.deb"],
        "package-zlib": ["zlib1g_1_amd64.deb"],
    }.items():
        (tmp_path / step / "debs").mkdir(parents=True)
        for deb in debs:
            (tmp_path / step / "debs" / deb).write_text(step)
        upstream[step] = tmp_path / step
    (tmp_path / "work").mkdir()
    return StepContext(
        root=tmp_path,
        out=tmp_path,
        work=tmp_path / "work",
        jobs=1,
        epoch=0,
        log=io.StringIO(),
        upstream=upstream,
    )


def test_only_what_is_built_takes_debians_place() -> None:
    image = with_rebuilt("standard", [planned("sed"), planned("zlib"), planned("glibc")], ["sed"])
    assert image.rebuilt == ("sed",)
    rootfs = image.steps["rootfs-standard-rebuilt"]
    assert set(rootfs.needs) == {"glibc", "package-sed"}
    assert "rootfs-standard-rebuilt" in image.steps["iso-standard-rebuilt"].needs
    assert "rootfs-standard" not in image.steps["iso-standard-rebuilt"].needs
    # The ordinary image is not touched.
    for name, step in registry().items():
        assert image.steps[name] is step


def test_what_is_older_than_debians_leaves_debians_in_its_place() -> None:
    packages = [planned("sed"), planned("zlib", "2"), planned("bash", "1"), planned("glibc", "2")]
    image = with_rebuilt("standard", packages, ["sed", "zlib", "bash", "glibc"])
    assert (image.rebuilt, image.older) == (("bash", "sed"), ("zlib",))
    needs = set(image.steps["rootfs-standard-rebuilt"].needs)
    assert needs == {"glibc", "package-bash", "package-sed"}
    # What is not there cannot be older.
    assert with_rebuilt("standard", packages, ["sed"]).older == ()


def test_it_is_said_which_are_still_debians_and_why(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    packages = [planned("sed"), planned("zlib", "2")]
    paths = Paths(root=ROOT, build=tmp_path / "build", cache=tmp_path / "home/xsc")
    settings = Settings(paths, 1, Mode.PLAIN, False)
    with History(tmp_path / "history.db", paths.build) as history:
        make_cache(tmp_path / "home", packages, graph_plan(packages, paths, history))
    for package in packages:
        (paths.links / package.build_step).mkdir(parents=True)
    names = ("bash", "glibc", "sed", "zlib")
    monkeypatch.setattr(image_module, "sources", lambda root, profile: names)
    monkeypatch.setattr(
        packages_build, "planned_packages", lambda settings, wanted, tests: packages
    )
    steps = rebuilt_image(settings, "standard")
    assert "package-zlib" not in steps["rootfs-standard-rebuilt"].needs
    assert capsys.readouterr().err == (
        "xsc: 1 of 3 source packages are rebuilt; "
        "Debian's: bash, zlib (built here from an older source)\n"
    )


def test_the_root_file_system_is_given_the_packages_it_holds(context: StepContext) -> None:
    seen: list[str] = []

    def base(inner: StepContext) -> None:
        seen.extend(sorted(path.name for path in (inner.input("glibc") / "debs").iterdir()))

    step = Step("rootfs-x", base, params=lambda: {"packages": ["sed=1", "libc6=2"]})
    build_rootfs(step, ("package-sed", "package-zlib"), context)
    # All of the C library, of a source only what is wanted, and nothing of what is not.
    assert seen == ["libc6-dev_2_amd64.deb", "libc6_2_amd64.deb", "sed_1_amd64.deb"]


def test_the_medium_is_given_the_other_root(context: StepContext, tmp_path: Path) -> None:
    seen: list[Path] = []
    upstream = {"rootfs-x-rebuilt": tmp_path / "rebuilt"}
    step = Step("iso-x", lambda inner: seen.append(inner.input("rootfs-x")))
    build_iso(step, "rootfs-x", replace(context, upstream=upstream))
    assert seen == [tmp_path / "rebuilt"]
