# SPDX-License-Identifier: MIT
"""What building a package takes, when it asks for what cannot be had beside XSC's C library."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

from xsc.build import buildroot
from xsc.build.apt import Package
from xsc.graph.step import Step, StepContext
from xsc.packages import archive, stand_in
from xsc.packages.archive import Source, without
from xsc.packages.recipe import Recipe
from xsc.packages.sets import Extra, Known, Without
from xsc.packages.stand_in import STATUS, build_without, stanza
from xsc.packages.steps import Options, Planned, plan_packages

NEEDS = "Build-Depends: make, gcc-multilib [amd64] | x, v-if-there:any (>= 1) <!nocheck>\n"
REASON = "a reason that is long enough"
# Stands for what apt answers: which package of Debian's C library comes with which.
ALIEN = {"gcc-multilib": "libc6-dev-i386", "v-if-there": "libc6-dbg"}


@pytest.fixture
def _archive(monkeypatch: pytest.MonkeyPatch) -> None:
    def find(names: Sequence[str]) -> dict[str, Source]:
        needs = {"plain": "Build-Depends: make\n", "both": NEEDS}
        needs["wide"] = "Build-Depends: make, gcc-multilib <!nobiarch>\n"
        return {name: Source(name, "1", "1", {}, needs[name]) for name in names}

    def closure(source: Source, profiles: Sequence[str]) -> tuple[Package, ...]:
        asked = {alien for name, alien in ALIEN.items() if name in source.needs}
        if "nobiarch" in profiles and "<!nobiarch>" in source.needs:
            asked.clear()
        return tuple(Package(name, "1", "amd64") for name in sorted({"make", *asked}))

    monkeypatch.setattr(archive, "find", find)
    monkeypatch.setattr(archive, "closure", closure)
    monkeypatch.setattr(archive, "is_solved", lambda source, profiles: True)


def plan(name: str, *left_out: str) -> Planned:
    """Return the plan of one package that is built without some others."""
    given = {name: Without(needs=left_out, reason=REASON)} if left_out else {}
    known = Known(revision=1, steps={}, facts={}, without=given)
    (planned,) = plan_packages([name], known, Options(), print)
    return planned


def build_step(planned: Planned) -> Step:
    """Return the step that makes the packages."""
    return planned.steps[0]


@pytest.mark.usefixtures("_archive")
def test_32_bit_parts_are_left_out_where_a_profile_does_that() -> None:
    assert build_step(plan("plain")).params()["profiles"] == ["nocheck"]
    wide = build_step(plan("wide")).params()
    assert wide["profiles"] == ["nocheck", "nobiarch"]
    assert wide["packages"] == ["make=1"]


@pytest.mark.usefixtures("_archive")
def test_a_package_has_profiles_of_its_own_and_no_other_has_them() -> None:
    own = {"plain": Extra(use=("nojava",), reason=REASON)}
    known = Known(revision=1, steps={}, facts={}, profiles=own)
    plain, wide = plan_packages(["plain", "wide"], known, Options(), print)
    assert build_step(plain).params()["profiles"] == ["nocheck", "nojava"]
    assert build_step(wide).params()["profiles"] == ["nocheck", "nobiarch"]


@pytest.mark.usefixtures("_archive")
def test_a_package_has_build_options_of_its_own_and_no_other_has_them() -> None:
    own = {"plain": Extra(use=("nocross",), reason=REASON)}
    known = Known(revision=1, steps={}, facts={}, options=own)
    plain, wide = plan_packages(["plain", "wide"], known, Options(), print)
    assert build_step(plain).params()["options"] == ["noautodbgsym", "nocheck", "nocross"]
    assert build_step(wide).params()["options"] == ["noautodbgsym", "nocheck"]


@pytest.mark.usefixtures("_archive")
def test_what_wants_debians_c_library_is_not_begun() -> None:
    planned = plan("both")
    assert planned.steps == ()
    assert "libc6-dbg, libc6-dev-i386" in planned.waits


@pytest.mark.usefixtures("_archive")
def test_a_package_is_built_without_what_is_listed() -> None:
    step = build_step(plan("both", "gcc-multilib", "v-if-there"))
    assert step.params()["left out"] == ["gcc-multilib", "v-if-there"]
    assert step.params()["packages"] == ["make=1"]
    assert "src/xsc/packages/recipe.py" in step.inputs
    assert "left out" not in build_step(plan("plain")).params()


def test_names_are_taken_out_of_every_clause_they_are_in() -> None:
    source = Source("both", "1", "1", {}, NEEDS)
    assert without(source, ()) is source
    assert without(source, ("x", "v-if-there")).needs == "Build-Depends: make\n"


def test_a_stand_in_counts_as_installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    given, work = tmp_path / "given", tmp_path / "work"
    dpkg = tmp_path / "tree" / Path(STATUS).parent
    for folder in (given, work, dpkg):
        folder.mkdir(parents=True)
    (dpkg / "status").write_text(stanza("dash"))
    subprocess.run(
        ["tar", "--zstd", "-C", tmp_path / "tree", "-cf", given / buildroot.ARCHIVE, "."],
        check=True,
    )
    (given / buildroot.PACKAGES).write_text("dash\n")
    seen: list[str] = []

    def build_package(recipe: Recipe, context: StepContext) -> None:
        root = tmp_path / "root"
        root.mkdir()
        own = context.input("buildroot") / buildroot.ARCHIVE
        subprocess.run(["tar", "-C", root, "-xpf", own], check=True)
        query = ["dpkg-query", f"--admindir={root / Path(STATUS).parent}", "-W"]
        layout = "${Package} ${Version} ${db:Status-Status}\n"
        done = subprocess.run([*query, "-f", layout], capture_output=True, text=True, check=True)
        seen.extend(done.stdout.splitlines())

    monkeypatch.setattr(stand_in, "build_package", build_package)
    recipe = Recipe(Source("p", "1", "1", {}, ""), (), 1, (), ())
    with (tmp_path / "log").open("w") as log:
        context = StepContext(tmp_path, tmp_path, work, 1, 0, log, {"buildroot": given})
        build_without(["gcc-multilib"], recipe, context)
    assert seen == ["dash 999:0 installed", "gcc-multilib 999:0 installed"]
    assert list(work.iterdir()) == []
