# SPDX-License-Identifier: MIT
"""Profiles: those of the tree are valid, and a wrong one is refused with the key's name."""

from __future__ import annotations

from pathlib import Path

import pytest

from xsc.build import profiles
from xsc.build.rootfs import PROFILES, PROJECTS, SUITES
from xsc.errors import UsageError
from xsc.paths import ROOT

GOOD = """
name = "tiny"
title = "for tests"
init = "busybox"
[iso]
file = "tiny.iso"
max_mb = 10
[packages]
include = ["bash"]
[files]
overlays = ["common"]
"""


def refuse(text: str) -> str:
    """Return the message with which `text` is refused."""
    with pytest.raises(UsageError) as caught:
        profiles.parse(text, "tiny.toml")
    assert caught.value.hint
    return caught.value.message


@pytest.mark.parametrize("name", [*PROFILES, SUITES, PROJECTS])
def test_profiles_of_the_tree_are_valid(name: str) -> None:
    profile = profiles.load(ROOT, name)
    for overlay in profile.files.overlays:
        assert (ROOT / "image" / "rootfs" / overlay).is_dir()


def test_every_profile_file_has_a_step() -> None:
    assert {path.stem for path in (ROOT / "profiles").glob("*.toml")} == {
        *PROFILES,
        SUITES,
        PROJECTS,
    }


def test_what_has_a_medium_says_which() -> None:
    for name in PROFILES:
        assert profiles.medium(profiles.load(ROOT, name)).file.endswith(".iso")
    with pytest.raises(UsageError, match="has no ISO"):
        profiles.medium(profiles.load(ROOT, SUITES))


def test_a_minimal_profile_gets_defaults() -> None:
    profile = profiles.parse(GOOD, "tiny.toml")
    assert profile.init is profiles.Init.BUSYBOX
    assert profile.units.mask == ()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("max_mb", "max_mib"), "iso.max_mib: unknown key"),
        (("title", "titel"), "title: missing"),
        (('"busybox"', '"sysvinit"'), "init: "),
        (('"bash"', '"Bash Shell"'), "packages.include.0: "),
        (("max_mb = 10", "max_mb = 0"), "iso.max_mb: "),
        (('include = ["bash"]', "include = []"), "packages.include: "),
        (('"tiny.iso"', '"../tiny.iso"'), "iso.file: "),
    ],
)
def test_a_wrong_key_is_named(change: tuple[str, str], said: str) -> None:
    assert said in refuse(GOOD.replace(*change))


def test_broken_toml_is_refused_with_the_line() -> None:
    assert "line 1" in refuse("name = \n")


def test_unknown_profile_names_those_that_exist(tmp_path: Path) -> None:
    (tmp_path / "profiles").mkdir()
    (tmp_path / "profiles" / "tiny.toml").write_text(GOOD)
    with pytest.raises(UsageError) as caught:
        profiles.load(tmp_path, "huge")
    assert caught.value.hint == "profiles are: tiny"


def test_the_file_name_and_the_profile_name_must_agree(tmp_path: Path) -> None:
    (tmp_path / "profiles").mkdir()
    (tmp_path / "profiles" / "other.toml").write_text(GOOD)
    with pytest.raises(UsageError, match="tiny"):
        profiles.load(tmp_path, "other")
