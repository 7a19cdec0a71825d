# SPDX-License-Identifier: MIT
"""apt.py: which archives of the host count, and what a simulated installation says."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from xsc.build import apt
from xsc.errors import InfraError

MIRROR = "http://user:word@mirror.example/debian/"


def target(**changes: str) -> str:
    """Return one line of `apt-get indextargets` as mirrors() asks for it."""
    values = {
        "REPO_URI": MIRROR,
        "RELEASE": "bookworm",
        "CODENAME": "bookworm",
        "COMPONENT": "main",
        "ORIGIN": "Debian",
        "ARCHITECTURE": "amd64",
        "FILENAME": "/lists/main_Packages",
    }
    return "|".join({**values, **changes}.values())


def test_debian_main_of_the_release_is_taken() -> None:
    assert apt.parse_targets(target(), "bookworm") == (
        apt.Mirror(MIRROR, "bookworm", Path("/lists/main_Packages")),
    )


@pytest.mark.parametrize(
    "changes",
    [
        {"ORIGIN": "Node Source"},
        {"COMPONENT": "non-free-firmware"},
        {"CODENAME": "bookworm-backports"},
        {"CODENAME": "trixie"},
        {"ARCHITECTURE": "i386"},
    ],
)
def test_other_archives_are_left_out(changes: dict[str, str]) -> None:
    assert apt.parse_targets(target(**changes), "bookworm") == ()


def test_updates_and_security_follow_the_release_in_a_fixed_order() -> None:
    lines = [
        target(CODENAME="bookworm-security", RELEASE="stable-security"),
        target(CODENAME="bookworm-updates", RELEASE="bookworm-updates"),
        target(),
        target(REPO_URI="http://second.example/debian/"),
    ]
    found = apt.parse_targets("\n".join(lines), "bookworm")
    assert [mirror.suite for mirror in found] == ["bookworm", "bookworm-updates", "stable-security"]


def test_a_target_list_in_another_form_yields_nothing() -> None:
    assert apt.parse_targets("MetaKey: main\n\nE: broken", "bookworm") == ()


def test_the_guest_gets_no_password_of_the_host() -> None:
    (mirror,) = apt.parse_targets(target(), "bookworm")
    assert mirror.guest_line() == (
        f"deb [signed-by={apt.KEYRING}] http://mirror.example/debian bookworm main"
    )


def test_simulation_lists_versions_and_architectures() -> None:
    text = """\
Reading package lists...
Inst libc6 (2.36-9+deb12u14 Debian:12.15/oldstable [amd64]) []
Inst gpgv:amd64 (2.2.40-1 Debian:12/stable, Debian-Security:12/stable-security [amd64])
Inst auditd (1:3.0.9-1 Debian:12/stable [amd64])
Inst tzdata [2023] (2024b-0 Debian:12/stable [all])
Conf libc6 (2.36-9+deb12u14 Debian:12.15/oldstable [amd64])
"""
    assert apt.parse_simulation(text) == (
        apt.Package("auditd", "1:3.0.9-1", "amd64"),
        apt.Package("gpgv", "2.2.40-1", "amd64"),
        apt.Package("libc6", "2.36-9+deb12u14", "amd64"),
    )


def test_a_download_is_named_as_apt_names_it() -> None:
    assert apt.Package("auditd", "1:3.0.9-1", "amd64").filename == "auditd_1%3a3.0.9-1_amd64.deb"


def test_missing_index_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Empty:
        stdout = ""

    monkeypatch.setattr(apt, "cache_dir", lambda: tmp_path)
    apt.mirrors.cache_clear()
    monkeypatch.setattr(apt, "run", lambda *args, **kwargs: Empty())
    with pytest.raises(InfraError) as caught:
        apt.mirrors()
    assert caught.value.hint is not None
    assert "apt-get update" in caught.value.hint


def test_download_takes_from_the_cache_only_what_is_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(apt, "cache_home", lambda: tmp_path)
    monkeypatch.setattr(apt, "write_sources", lambda: tmp_path / "sources.list")
    have = apt.Package("have", "1", "all")
    want = apt.Package("want", "2:1", "amd64")
    archives = tmp_path / "apt" / "archives"
    archives.mkdir(parents=True)
    (archives / have.filename).write_text("old")
    asked: list[list[str]] = []

    def runner(argv: object) -> None:
        words = [str(word) for word in argv]
        asked.append(words)
        scratch = Path(words[1].removeprefix("--chdir="))
        (scratch / want.filename).write_text("new")

    files = apt.download([have, want], runner)
    assert [file.read_text() for file in files] == ["old", "new"]
    assert "want=2:1" in asked[0]
    assert "have=1" not in asked[0]
    assert apt.download([have, want], runner) == files
    assert len(asked) == 1


def test_two_steps_fetch_at_the_same_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(apt, "cache_home", lambda: tmp_path)
    monkeypatch.setattr(apt, "write_sources", lambda: tmp_path / "sources.list")
    first, second = (apt.Package(name, "1", "all") for name in ("first", "second"))

    def deliver(argv: object, package: apt.Package) -> None:
        scratch = Path(str(next(iter(argv[1:]))).removeprefix("--chdir="))  # type: ignore[index]
        (scratch / package.filename).write_text(package.name)

    def slow(argv: object) -> None:
        apt.download([second], lambda words: deliver(words, second))
        deliver(argv, first)

    (file,) = apt.download([first], slow)
    assert file.read_text() == "first"
    assert list((tmp_path / "apt" / "archives" / "partial").iterdir()) == []


def test_download_that_delivers_nothing_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(apt, "cache_home", lambda: tmp_path)
    monkeypatch.setattr(apt, "write_sources", lambda: tmp_path / "sources.list")
    with pytest.raises(InfraError, match="gone_1_all"):
        apt.download([apt.Package("gone", "1", "all")], lambda argv: None)


def test_apt_is_asked_again_only_when_its_state_has_changed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[object] = []

    class Answer:
        stdout = "text"

    def run(*args: object, **kwargs: object) -> Answer:
        calls.append(args)
        return Answer()

    monkeypatch.setattr(apt, "run", run)
    monkeypatch.setattr(apt, "cache_dir", lambda: tmp_path)
    monkeypatch.setattr(apt, "_CONFIG", tmp_path / "etc")
    monkeypatch.setattr(apt, "_LISTS", tmp_path / "lists")
    (tmp_path / "etc" / "sources.list.d").mkdir(parents=True)
    (tmp_path / "lists").mkdir()
    assert [apt._index_targets() for _ in range(3)] == ["text"] * 3
    assert len(calls) == 1
    (tmp_path / "etc" / "sources.list.d" / "new.sources").touch()
    apt._index_targets()
    assert len(calls) == 2
    os.utime(tmp_path / "lists", (1, 1))
    apt._index_targets()
    assert len(calls) == 3
