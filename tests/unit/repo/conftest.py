# SPDX-License-Identifier: MIT
"""Signing keys, a served repository, and an apt that uses it."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from repokit import Apt, Web, make_deb, make_repository

from xsc.repo.keys import KeyStore, open_keys
from xsc.repo.publish import KEYRING_FILE


@pytest.fixture
def make_store() -> Iterator[Callable[[], KeyStore]]:
    """A function that gives a key store with a new key in it."""
    # gpg-agent's socket needs a short name.
    base = Path(tempfile.mkdtemp(prefix="xsc-keys-"))
    stores: list[KeyStore] = []

    def make() -> KeyStore:
        with open_keys(base / str(len(stores))) as store:
            store.new()
        stores.append(store)
        return store

    yield make
    for store in stores:
        store.close()
    shutil.rmtree(base)


@pytest.fixture
def store(make_store: Callable[[], KeyStore]) -> KeyStore:
    return make_store()


@pytest.fixture
def repository(store: KeyStore, tmp_path: Path) -> Path:
    """A repository with the package `hello`, version 1.0."""
    make_repository(store, tmp_path / "repo", make_deb(tmp_path / "debs", "hello"))
    return tmp_path / "repo"


@pytest.fixture
def serve() -> Iterator[Callable[[Path], Web]]:
    """A function that serves a directory until the end of the test."""
    running: list[Web] = []

    def start(root: Path) -> Web:
        running.append(Web(root))
        return running[-1]

    yield start
    for web in running:
        web.server.close()


@pytest.fixture
def web(repository: Path, serve: Callable[[Path], Web]) -> Web:
    return serve(repository)


@pytest.fixture
def apt(repository: Path, web: Web, tmp_path: Path) -> Apt:
    """An apt that trusts the keys the repository had when it was first made."""
    keyring = tmp_path / "trusted.gpg"
    shutil.copy(repository / KEYRING_FILE, keyring)
    return Apt(tmp_path / "apt", web.url, keyring)
