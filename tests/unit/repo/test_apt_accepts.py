# SPDX-License-Identifier: MIT
"""apt takes packages from the repository: downloads, installs, upgrades, follows its keys."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

from repokit import EPOCH, Apt, Web, make_deb, make_repository

from xsc.packages.versions import our_version
from xsc.repo.keys import KeyStore
from xsc.repo.publish import KEYRING_FILE, KEYRING_PACKAGE, KEYRING_PLACE


def test_a_package_is_installed(apt: Apt) -> None:
    apt.update()
    done = apt.run("apt-get", "install", "-y", "hello")
    assert done.returncode == 0, done.stdout + done.stderr
    assert (apt.root / "usr/share/hello/version").read_text() == "1.0\n"


def test_indexes_are_asked_for_by_hash(apt: Apt, web: Web) -> None:
    apt.update()
    assert [line for line in web.requests if "/by-hash/SHA256/" in line]
    assert not [line for line in web.requests if "/Packages" in line]


def test_a_new_version_is_an_upgrade(
    apt: Apt, repository: Path, store: KeyStore, tmp_path: Path
) -> None:
    apt.update()
    apt.run("apt-get", "install", "-y", "hello")
    newer = make_deb(tmp_path / "newer", "hello", "1.0+b0+xsc1")
    make_repository(store, repository, newer, date=EPOCH + 1)
    apt.update()
    done = apt.run("apt-get", "upgrade", "-y")
    assert done.returncode == 0, done.stdout + done.stderr
    assert (apt.root / "usr/share/hello/version").read_text() == "1.0+b0+xsc1\n"


def test_a_rebuilt_package_is_preferred_until_debian_updates_it(
    apt: Apt, repository: Path, store: KeyStore, tmp_path: Path
) -> None:
    debian = make_deb(tmp_path / "debs", "tool", "1.0-2")
    rebuilt = make_deb(tmp_path / "debs", "tool", our_version("1.0-2", "1.0-2", 1))
    make_repository(store, repository, debian, rebuilt, date=EPOCH + 1)
    apt.update()
    assert apt.candidate("tool") == "1.0-2+b0+xsc1"
    update = make_deb(tmp_path / "debs", "tool", "1.0-2+deb12u1")
    make_repository(store, repository, debian, rebuilt, update, date=EPOCH + 2)
    apt.update()
    assert apt.candidate("tool") == "1.0-2+deb12u1"


def test_other_packages_under_the_same_date_are_noticed(
    apt: Apt, repository: Path, store: KeyStore, tmp_path: Path
) -> None:
    apt.update()
    release = repository / "dists/xsc/InRelease"
    written = release.stat().st_mtime
    make_repository(store, repository, make_deb(tmp_path / "newer", "hello", "1.1"), date=EPOCH)
    # Made again within a second: by its time stamp the file is the one that apt has.
    os.utime(release, (written, written))
    apt.update()
    assert apt.candidate("hello") == "1.1"


def test_contents_say_which_package_has_a_file(repository: Path) -> None:
    index = repository / "dists/xsc/main/Contents-amd64.gz"
    lines = subprocess.run(["zcat", index], capture_output=True, text=True).stdout.splitlines()
    assert ["usr/share/hello/version", "hello"] in [line.split() for line in lines]


def test_rotation_reaches_systems_by_the_keyring_package(
    apt: Apt, repository: Path, store: KeyStore, tmp_path: Path
) -> None:
    old = store.keyring().keys[0]
    apt.update()
    deb = make_deb(tmp_path / "debs", "hello")
    new = store.rotate()
    make_repository(store, repository, deb)
    # The old key still signs: a system that knows no other goes on and gets the new keyring.
    apt.update()
    apt.run("apt-get", "install", "-y", KEYRING_PACKAGE)
    installed = apt.root / KEYRING_PLACE
    assert installed.read_bytes() == (repository / KEYRING_FILE).read_bytes()
    before = tmp_path / "before.gpg"
    shutil.copy(apt.keyring, before)

    store.retire(old.fingerprint[-8:])
    assert store.keyring().keys == (new,)
    make_repository(store, repository, deb, make_deb(tmp_path / "debs", "later"))
    apt.trust(installed)
    apt.update()
    assert apt.candidate("later") == "1.0"
    assert apt.run("apt-get", "upgrade", "-y").returncode == 0
    assert installed.read_bytes() == (repository / KEYRING_FILE).read_bytes()
    apt.trust(before)
    assert "NO_PUBKEY" in apt.refusal("update", "--error-on=any")
