# SPDX-License-Identifier: MIT
"""A repository is a function of packages, keys and date, and replaces the one before at once."""

from __future__ import annotations

import hashlib
import os
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest
from repokit import EPOCH, make_deb, make_repository

from xsc.commands.repo_build import parse_date
from xsc.errors import StepFailed, UsageError
from xsc.paths import ROOT
from xsc.repo.deb import package_date
from xsc.repo.indexes import parse_packages
from xsc.repo.keys import KeyStore, parse_keys
from xsc.repo.publish import find_debs


def contents(root: Path) -> dict[str, str]:
    """Return the hash of every file of a tree by its name."""
    files = sorted(path for path in root.rglob("*") if path.is_file())
    return {
        str(path.relative_to(root)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files
    }


def test_same_inputs_same_bytes(store: KeyStore, tmp_path: Path) -> None:
    debs = [make_deb(tmp_path / "debs", f"p{number}") for number in range(5)]
    make_repository(store, tmp_path / "one", *debs, date=EPOCH, valid_days=3)
    time.sleep(1.1)  # a signature made in another second must not differ
    # Other names, another order, one of them twice: the same packages.
    renamed = tmp_path / "renamed.deb"
    renamed.write_bytes(debs[0].read_bytes())
    mixed = [*reversed(debs), renamed]
    make_repository(store, tmp_path / "two", *mixed, date=EPOCH, valid_days=3)
    assert contents(tmp_path / "one") == contents(tmp_path / "two")
    assert "dists/xsc/InRelease" in contents(tmp_path / "one")


def test_a_signature_waits_for_the_second_of_its_date_to_be_over(
    store: KeyStore, tmp_path: Path
) -> None:
    source = tmp_path / "Release"
    source.write_text("Origin: X\n")
    soon = int(time.time()) + 2
    store.sign(source, store.keyring(), soon)
    assert time.time() >= soon + 1
    first = (tmp_path / "InRelease").read_bytes()
    store.sign(source, store.keyring(), soon)
    assert (tmp_path / "InRelease").read_bytes() == first


def test_the_date_is_that_of_the_newest_package(store: KeyStore, tmp_path: Path) -> None:
    deb = make_deb(tmp_path / "debs", "hello")
    assert package_date(deb) == EPOCH
    assert make_repository(store, tmp_path / "repo", deb).date == EPOCH


def test_our_packages_are_packages_for_dpkg(tmp_path: Path) -> None:
    deb = make_deb(tmp_path, "hello", Depends="nothing")
    fields = subprocess.run(["dpkg-deb", "-f", deb], capture_output=True, text=True)
    assert "Depends: nothing\n" in fields.stdout
    listing = subprocess.run(["dpkg-deb", "-c", deb], capture_output=True, text=True).stdout
    assert "-rw-r--r-- root/root" in listing
    assert "./usr/share/hello/version" in listing


def test_different_packages_of_one_name_are_refused(store: KeyStore, tmp_path: Path) -> None:
    one = make_deb(tmp_path / "a", "hello")
    two = make_deb(tmp_path / "b", "hello", Section="misc")
    with pytest.raises(StepFailed, match=r"hello_1\.0_all\.deb"):
        make_repository(store, tmp_path / "repo", one, two)
    assert not (tmp_path / "repo").exists()


@pytest.mark.parametrize("length", [3, 90, 300])
def test_a_file_that_is_no_package_is_refused(store: KeyStore, tmp_path: Path, length: int) -> None:
    deb = make_deb(tmp_path / "debs", "hello")
    broken = tmp_path / "broken.deb"
    broken.write_bytes(deb.read_bytes()[:length])
    with pytest.raises(StepFailed):
        make_repository(store, tmp_path / "repo", deb, broken)
    assert os.listdir(tmp_path / "debs") == [deb.name]
    assert not [name for name in os.listdir(tmp_path) if name.startswith(".repo.new")]


def test_another_architecture_is_refused(store: KeyStore, tmp_path: Path) -> None:
    deb = make_deb(tmp_path, "hello", Architecture="arm64")
    with pytest.raises(StepFailed, match="not for amd64"):
        make_repository(store, tmp_path / "repo", deb)


def test_a_directory_of_something_else_is_not_replaced(store: KeyStore, tmp_path: Path) -> None:
    deb = make_deb(tmp_path / "debs", "hello")
    place = tmp_path / "place"
    place.mkdir()
    (place / "letter").write_text("dear all")
    with pytest.raises(UsageError, match="no repository"):
        make_repository(store, place, deb)
    assert (place / "letter").exists()


def test_packages_are_not_moved_or_changed(store: KeyStore, tmp_path: Path) -> None:
    deb = make_deb(tmp_path / "debs", "hello")
    before = deb.read_bytes()
    make_repository(store, tmp_path / "repo", deb)
    make_repository(store, tmp_path / "repo", deb)
    assert deb.read_bytes() == before


def test_leftovers_of_a_killed_run_are_removed(store: KeyStore, tmp_path: Path) -> None:
    (tmp_path / ".repo.new.x").mkdir()
    make_repository(store, tmp_path / "repo", make_deb(tmp_path / "debs", "hello"))
    assert not (tmp_path / ".repo.new.x").exists()


def test_places_are_searched_for_packages(tmp_path: Path) -> None:
    deb = make_deb(tmp_path / "a/b", "hello")
    assert find_debs([tmp_path, deb]) == (deb, deb)
    (tmp_path / "none").mkdir()
    for place in ("none", "missing"):
        with pytest.raises(UsageError):
            find_debs([tmp_path / place])


def test_pool_paths_are_like_debians() -> None:
    text = (
        "Package: libz1\nVersion: 1:2-3\nSource: libz (2-3)\nArchitecture: amd64\n"
        "Filename: staged/000001.deb\nSHA256: 00\nDescription: x\n\n"
    )
    (stanza,) = parse_packages(text)
    assert stanza.pool_path == "pool/main/libz/libz/libz1_2-3_amd64.deb"
    assert f"\nFilename: {stanza.pool_path}\n" in stanza.placed()


@pytest.mark.parametrize(
    ("text", "seconds"), [("1790000000", EPOCH), ("2026-09-21", 1789948800), (None, 5)]
)
def test_dates(text: str | None, seconds: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "5")
    assert parse_date(text) == seconds


def test_what_is_no_date_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UsageError, match="no date"):
        parse_date("tomorrow")
    monkeypatch.delenv("SOURCE_DATE_EPOCH", raising=False)
    assert parse_date(None) is None


# Keys --------------------------------------------------------------------------------------------


def test_the_key_is_its_owners_alone(store: KeyStore) -> None:
    for path in [store.home, *store.home.glob("private-keys-v1.d/*")]:
        assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0


def test_a_key_does_not_belong_into_a_checkout() -> None:
    with pytest.raises(UsageError, match="inside the checkout"):
        KeyStore(ROOT / "build" / "keys")


def test_a_name_too_long_for_a_socket_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="too long"):
        KeyStore(tmp_path / ("x" * 100))


def test_a_second_first_key_is_refused(store: KeyStore) -> None:
    with pytest.raises(UsageError, match="already"):
        store.new()


def test_the_only_key_cannot_be_retired(store: KeyStore) -> None:
    with pytest.raises(UsageError, match="only key"):
        store.retire(store.keyring().keys[0].fingerprint)
    with pytest.raises(UsageError, match="no key in use"):
        store.retire("0123")


def test_every_change_raises_the_version_of_the_keyring(store: KeyStore) -> None:
    seen = [store.keyring().version]
    store.rotate()
    seen.append(store.keyring().version)
    store.retire(store.keyring().keys[0].fingerprint)
    seen.append(store.keyring().version)
    assert seen == sorted(set(seen))


def test_without_a_key_the_remedy_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError) as caught:
        KeyStore(tmp_path / "k").keyring()
    assert caught.value.hint is not None and "repo key new" in caught.value.hint


def test_keys_are_listed_from_the_oldest() -> None:
    rows = [
        "sec:u:255:22:B:200:::u:::scSC:::+::ed25519:::0:",
        f"fpr:::::::::{'B' * 40}:",
        "sec:u:255:22:A:100:::u:::scSC:::+::ed25519:::0:",
        f"fpr:::::::::{'A' * 40}:",
        "ssb:u:255:18:C:100::::::e:::+::cv25519::",
        f"fpr:::::::::{'C' * 40}:",
    ]
    assert [key.fingerprint[0] for key in parse_keys("\n".join(rows))] == ["A", "B"]


# The server --------------------------------------------------------------------------------------


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_server_says_where_it_is_and_ends_when_asked(repository: Path, number: int) -> None:
    code = "import sys; from xsc.__main__ import main; sys.exit(main(sys.argv[1:]))"
    argv = [sys.executable, "-c", code, "repo", "serve", str(repository), "--port", "0"]
    env = {**os.environ, "PYTHONPATH": str(ROOT / "src")}
    with subprocess.Popen(argv, env=env, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        lines = [server.stdout.readline().strip() for _ in range(5)]
        server.send_signal(number)
        assert server.wait(20) == 0
    assert lines[0].startswith("serving http://127.0.0.1:")
    url = lines[0].split()[1]
    line = f"deb [signed-by=/usr/share/keyrings/xsc-archive-keyring.gpg] {url} xsc main"
    assert lines[4] == line
