# SPDX-License-Identifier: MIT
"""The sets of packages: what they promise, and what a wrong file is told."""

from __future__ import annotations

from pathlib import Path

import pytest

from xsc.build import registry
from xsc.errors import UsageError
from xsc.packages.classify import Cause
from xsc.packages.sets import FOLDER, Fact, Kind, Known, load_known, members, select, set_names
from xsc.paths import ROOT

REASON = "a reason that is long enough"
PROMISED = {
    *("bash", "coreutils", "util-linux", "ncurses", "readline", "busybox", "systemd", "procps"),
    *("iproute2", "python3.11", "glibc"),
}


def test_the_sets_are_as_large_as_promised() -> None:
    essential, standard = members(ROOT, "essential"), members(ROOT, "standard")
    assert len(essential) >= 50
    assert set(essential) >= PROMISED
    assert len(standard) >= 100
    assert set(standard) > set(essential)


def test_every_set_is_valid() -> None:
    assert {"essential", "small", "standard"} <= set(set_names(ROOT))
    for name in set_names(ROOT):
        assert members(ROOT, name)


def test_known_packages_are_members_and_steps_exist() -> None:
    known = load_known(ROOT)
    everything = {name for one in set_names(ROOT) for name in members(ROOT, one)}
    assert {*known.facts, *known.steps} <= everything
    assert set(known.steps.values()) <= set(registry())


def test_names_of_sets_and_packages_mix() -> None:
    assert select(ROOT, ["hostname", "zlib", "small"]) == tuple(
        sorted({"hostname", "zlib", *members(ROOT, "small")})
    )


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("name = 'aa'\ntitle = 't'\npackages = ['bb', 'aa']\n", "not sorted"),
        ("name = 'aa'\ntitle = 't'\npackages = []\n", "packages"),
        ("name = 'aa'\ntitle = 't'\npackages = ['aa']\nmore = 1\n", "more"),
        ("name = 'aa'\ntitle = 't'\npackages = ['A']\n", r"packages\.0"),
        ("name = 'bb'\ntitle = 't'\npackages = ['aa']\n", "must equal|has name"),
        ("name =", "not valid TOML"),
        ("name = 'aa'\ntitle = 't'\nincludes = ['nothing']\npackages = ['aa']\n", "no package set"),
    ],
)
def test_a_wrong_set_is_explained(tmp_path: Path, text: str, complaint: str) -> None:
    folder = tmp_path / FOLDER
    folder.mkdir(parents=True)
    (folder / "aa.toml").write_text(text)
    with pytest.raises(UsageError, match=complaint):
        members(tmp_path, "aa")


def test_a_fact_needs_a_reason(tmp_path: Path) -> None:
    folder = tmp_path / FOLDER
    folder.mkdir(parents=True)
    text = "revision = 1\n[steps]\n[facts]\nxx = { kind = 'traps', reason = 'yes' }\n"
    (folder / "known.toml").write_text(text)
    with pytest.raises(UsageError, match=r"facts\.xx\.reason"):
        load_known(tmp_path)


def test_a_fact_explains_what_it_is_about_and_nothing_else() -> None:
    facts = {
        "gone": Fact(kind=Kind.FAILS, cause=Cause.SOURCE, reason=REASON),
        "broken": Fact(kind=Kind.FAILS, reason=REASON),
    }
    known = Known(revision=1, steps={}, facts=facts)
    assert known.reason("gone", Kind.FAILS, Cause.SOURCE) == REASON
    assert known.reason("gone", Kind.FAILS, Cause.TOOLCHAIN) == ""
    assert known.reason("broken", Kind.FAILS, Cause.TOOLCHAIN) == REASON
    assert known.reason("broken", Kind.TRAPS) == ""
    assert known.reason("other", Kind.FAILS) == ""
    assert not known.traps("broken")
