# SPDX-License-Identifier: MIT
"""apt refuses what is signed by others, stale, replayed, truncated or altered."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from repokit import EPOCH, Apt, make_deb, make_repository

from xsc.repo.keys import KeyStore
from xsc.repo.publish import KEYRING_FILE

DAY = 86400


def halve(path: Path) -> None:
    """Cut a file in the middle; names by hash that are links to it are cut too."""
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2])


def test_a_signature_of_another_key(
    apt: Apt, repository: Path, make_store: Callable[[], KeyStore], tmp_path: Path
) -> None:
    apt.update()
    deb = make_deb(tmp_path / "debs", "hello", "6.66")
    make_repository(make_store(), repository, deb, date=EPOCH + 1)
    assert "NO_PUBKEY" in apt.refusal("update", "--error-on=any")
    assert apt.candidate("hello") == "1.0"


def test_a_release_file_that_was_altered(apt: Apt, repository: Path) -> None:
    for name in ("InRelease", "Release"):
        path = repository / "dists/xsc" / name
        path.write_text(path.read_text().replace("Label: XSC", "Label: XYZ"))
    assert "BADSIG" in apt.refusal("update")
    assert apt.candidate("hello") == "(none)"


def test_a_detached_signature_that_was_altered(
    apt: Apt, repository: Path, make_store: Callable[[], KeyStore]
) -> None:
    folder = repository / "dists/xsc"
    (folder / "InRelease").unlink()
    apt.update()
    shutil.rmtree(apt.home / "lists")
    (apt.home / "lists/partial").mkdir(parents=True)
    other = make_store()
    other.sign(folder / "Release", other.keyring(), EPOCH)
    (folder / "InRelease").unlink()
    assert "NO_PUBKEY" in apt.refusal("update")


def test_no_signature(apt: Apt, repository: Path) -> None:
    for name in ("InRelease", "Release.gpg"):
        (repository / "dists/xsc" / name).unlink()
    assert "is not signed" in apt.refusal("update")


def test_a_release_file_past_its_date(
    apt: Apt, repository: Path, store: KeyStore, tmp_path: Path
) -> None:
    deb = make_deb(tmp_path / "debs", "hello")
    now = int(time.time())
    make_repository(store, repository, deb, date=now - 3 * DAY, valid_days=7)
    apt.update()
    make_repository(store, repository, deb, date=now - 2 * DAY, valid_days=1)
    assert "expired" in apt.refusal("update")


def test_an_older_release_file_does_not_take_packages_back(
    apt: Apt, repository: Path, store: KeyStore, tmp_path: Path
) -> None:
    kept = tmp_path / "kept"
    shutil.copytree(repository, kept)
    fixed = make_deb(tmp_path / "debs", "hello", "1.1")
    make_repository(store, repository, fixed, date=EPOCH + DAY)
    apt.update()
    shutil.rmtree(repository)
    kept.rename(repository)
    apt.run("apt-get", "update")
    assert apt.candidate("hello") == "1.1"


@pytest.mark.parametrize("name", ["InRelease", "Release"])
def test_a_truncated_release_file(apt: Apt, repository: Path, name: str) -> None:
    if name == "Release":
        (repository / "dists/xsc/InRelease").unlink()
    halve(repository / "dists/xsc" / name)
    assert apt.refusal("update", "--error-on=any")
    assert apt.candidate("hello") == "(none)"


def test_truncated_indexes(apt: Apt, repository: Path) -> None:
    for path in (repository / "dists/xsc/main/binary-amd64").glob("Packages*"):
        halve(path)
    assert "unexpected size" in apt.refusal("update")
    assert apt.candidate("hello") == "(none)"


@pytest.mark.parametrize("damage", ["truncated", "altered"])
def test_a_damaged_package(apt: Apt, repository: Path, damage: str) -> None:
    apt.update()
    (deb,) = repository.glob("pool/main/h/hello/*.deb")
    if damage == "truncated":
        halve(deb)
    else:
        data = bytearray(deb.read_bytes())
        data[-1] ^= 1
        deb.write_bytes(data)
    message = apt.refusal("install", "-y", "hello")
    assert "unexpected size" in message or "Hash Sum mismatch" in message
    assert not (apt.root / "usr/share/hello").exists()


def test_the_keyring_is_all_that_is_trusted(apt: Apt, make_store: Callable[[], KeyStore]) -> None:
    other = make_store()
    strange = apt.home / KEYRING_FILE
    strange.write_bytes(other.public(other.keyring()))
    apt.trust(strange)
    assert "NO_PUBKEY" in apt.refusal("update")
