# SPDX-License-Identifier: MIT
"""The keys that sign the repository: kept apart from any checkout, readable by their owner only.

The keyring has a version of its own, which grows with every change: it becomes the version of the
package that brings the public keys to the systems that upgrade from the repository.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from xsc.errors import UsageError
from xsc.lock import held
from xsc.paths import ROOT
from xsc.run import run

OWNER = "XSC archive signing key <xsc@xsc.invalid>"
ALGORITHM = "ed25519"
AGENT_SECONDS = 5.0
NEAR_SECONDS = 3
# gpg-agent listens on a socket in the directory, whose whole name the kernel limits to 107 bytes.
LONGEST_HOME = 107 - len("/S.gpg-agent.browser")


@dataclass(frozen=True)
class Key:
    """A key whose secret half is here."""

    fingerprint: str
    created: int
    """Seconds since 1970. A signature cannot be older."""

    def __str__(self) -> str:
        return f"{self.fingerprint}  made {datetime.fromtimestamp(self.created, UTC):%Y-%m-%d}"


@dataclass(frozen=True)
class Keyring:
    """The keys in use, oldest first. All of them sign."""

    version: int
    keys: tuple[Key, ...]


class KeyStore:
    """A GnuPG directory with nothing but the repository's keys, and the keyring's version."""

    def __init__(self, home: Path) -> None:
        if home.resolve().is_relative_to(ROOT):
            raise UsageError(
                f"{home} is inside the checkout, where a key does not belong",
                hint="point XDG_STATE_HOME at a directory outside of it",
            )
        if len(os.fsencode(home)) > LONGEST_HOME:
            raise UsageError(
                f"{home}: the name is too long for the socket of gpg-agent",
                hint=f"choose an XDG_STATE_HOME such that it has {LONGEST_HOME} bytes or less",
            )
        self.home = home

    @property
    def _counter(self) -> Path:
        return self.home / "keyring-version"

    def keyring(self) -> Keyring:
        """Return the keys in use. UsageError if there is none."""
        keys = self._keys()
        if not keys:
            raise UsageError("there is no signing key", hint="make one: ./xsc repo key new")
        return Keyring(self._version(), keys)

    def new(self) -> Key:
        """Make the first key. UsageError if there is one already."""
        with self._changing():
            if keys := self._keys():
                raise UsageError(
                    f"there is a signing key already: {keys[-1].fingerprint}",
                    hint="replace it: ./xsc repo key rotate",
                )
            return self._make()

    def rotate(self) -> Key:
        """Make another key beside those in use, and return it. UsageError if there is none."""
        with self._changing():
            self.keyring()
            return self._make()

    def retire(self, fingerprint: str) -> Key:
        """Destroy a key; `fingerprint` may be its beginning or its end.

        Raises UsageError if it is not exactly one of the keys in use, or the only one.
        """
        with self._changing():
            keys = self.keyring().keys
            name = fingerprint.replace(" ", "").upper()
            found = [k for k in keys if name and k.fingerprint.startswith(name)]
            found = found or [k for k in keys if name and k.fingerprint.endswith(name)]
            if len(found) != 1:
                have = ", ".join(key.fingerprint for key in keys)
                raise UsageError(f"{fingerprint} is no key in use", hint=f"keys in use: {have}")
            if len(keys) == 1:
                raise UsageError(
                    "this is the only key, and without one nothing can be signed",
                    hint="./xsc repo key rotate first",
                )
            self._bump()
            self._gpg("--yes", "--delete-secret-and-public-key", found[0].fingerprint)
            return found[0]

    def public(self, keyring: Keyring) -> bytes:
        """Return the public halves as apt's Signed-By takes them."""
        path = self.home / f"public.{os.getpid()}"
        names = [key.fingerprint for key in keyring.keys]
        self._gpg(
            *("--yes", "--output", path, "--export-options", "export-minimal"),
            *("--export", *names),
        )
        data = path.read_bytes()
        path.unlink()
        return data

    def sign(self, source: Path, keyring: Keyring, date: int) -> tuple[Path, Path]:
        """Sign a Release file with every key; return InRelease and Release.gpg beside it.

        The signatures are dated `date` (seconds since 1970), or when the newest key was made if
        that is later: the same input gives the same signatures.
        """
        inline, detached = source.with_name("InRelease"), source.with_name("Release.gpg")
        moment = max(date, *(key.created for key in keyring.keys))
        pass_moment(moment)
        stamp = datetime.fromtimestamp(moment, UTC).strftime("%Y%m%dT%H%M%S")
        common = ["--yes", "--faked-system-time", f"{stamp}!", "--digest-algo", "SHA512"]
        for key in keyring.keys:
            common += ["--local-user", f"{key.fingerprint}!"]
        self._gpg(*common, "--output", inline, "--clear-sign", source)
        self._gpg(*common, "--armor", "--output", detached, "--detach-sign", source)
        return inline, detached

    def close(self) -> None:
        """End the agent that gpg started; its sockets are gone afterwards."""
        if not self.home.exists():
            return
        run(["gpgconf", "--homedir", self.home, "--kill", "all"], check=False)
        deadline = time.monotonic() + AGENT_SECONDS
        # The agent has only been told: whoever deletes the directory would meet it doing the same.
        while any(self.home.glob("S.gpg-agent*")) and time.monotonic() < deadline:
            time.sleep(0.01)

    def _keys(self) -> tuple[Key, ...]:
        if not self.home.exists():
            return ()
        text = self._gpg("--with-colons", "--fixed-list-mode", "--list-secret-keys")
        return parse_keys(text)

    def _make(self) -> Key:
        before = set(self._keys())
        self._bump()
        self._gpg("--yes", "--quick-generate-key", OWNER, ALGORITHM, "sign", "never")
        (made,) = set(self._keys()) - before
        return made

    def _version(self) -> int:
        try:
            return int(self._counter.read_text())
        except FileNotFoundError:
            return 0

    def _bump(self) -> None:
        # Before the change: a version too many does no harm, two keyrings of one version do.
        fresh = self._counter.with_suffix(".new")
        fresh.write_text(f"{self._version() + 1}\n")
        fresh.replace(self._counter)

    @contextmanager
    def _changing(self) -> Iterator[None]:
        self.home.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.home.chmod(0o700)
        with held(self.home / "xsc.lock", lambda owner: None):
            yield

    def _gpg(self, *words: str | Path) -> str:
        how = ["--batch", "--no-tty", "--quiet", "--pinentry-mode", "loopback", "--passphrase", ""]
        argv = ["gpg", "--homedir", self.home, *how, *words]
        return run(argv, env={"LC_ALL": "C.UTF-8"}).stdout


def pass_moment(moment: int) -> None:
    """Wait until a second that is about to come or has just begun is over.

    gpg takes a time that happens to be the present one for no time at all, and dates the signature
    when it makes it: perhaps a second later.
    """
    while 0 <= moment - int(time.time()) < NEAR_SECONDS:
        time.sleep(0.05)


def parse_keys(listing: str) -> tuple[Key, ...]:
    """Read `gpg --with-colons --list-secret-keys`; the oldest key comes first."""
    found = []
    created: int | None = None
    for line in listing.splitlines():
        fields = line.split(":")
        if fields[0] == "sec":
            created = int(fields[5])
        elif fields[0] == "fpr" and created is not None:
            found.append(Key(fields[9], created))
            created = None
    return tuple(sorted(found, key=lambda key: (key.created, key.fingerprint)))


@contextmanager
def open_keys(home: Path) -> Iterator[KeyStore]:
    """Give the key store in `home`, and leave no agent behind."""
    store = KeyStore(home)
    try:
        yield store
    finally:
        store.close()
