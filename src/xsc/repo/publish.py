# SPDX-License-Identifier: MIT
"""Make a repository: a function of packages, key and date, whose result appears all at once."""

from __future__ import annotations

import ctypes
import os
import shutil
import tempfile
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from xsc.errors import StepFailed, UsageError
from xsc.lock import held
from xsc.repo import indexes
from xsc.repo.deb import package_date, write_deb
from xsc.repo.keys import Keyring, KeyStore

KEYRING_FILE = "xsc-archive-keyring.gpg"
KEYRING_PACKAGE = "xsc-archive-keyring"
KEYRING_PLACE = f"usr/share/keyrings/{KEYRING_FILE}"
DEFAULT_SUITE = "xsc"
_AT_FDCWD = -100
_RENAME_EXCHANGE = 2

Say = Callable[[float, str], None]


@dataclass(frozen=True)
class Request:
    """What a repository is a function of, apart from the keys."""

    debs: tuple[Path, ...]
    out: Path
    suite: str = DEFAULT_SUITE
    date: int | None = None
    """Seconds since 1970; None stands for the date of the newest package."""
    valid_days: int | None = None
    """After so many days apt refuses the repository unless it was made anew; None: never."""


@dataclass(frozen=True)
class Repository:
    """What was made."""

    out: Path
    packages: int
    size: int
    """Bytes of all packages."""
    date: int


def find_debs(places: Iterable[Path]) -> tuple[Path, ...]:
    """Return the packages among `places`, which are files and directories, searched to any depth.

    Raises UsageError for a place that does not exist and for one without a package.
    """
    found: list[Path] = []
    for place in places:
        if not place.exists():
            raise UsageError(f"there is no {place}", hint="name packages or directories of them")
        debs = [place] if place.is_file() else sorted(place.rglob("*.deb"))
        if not debs:
            raise UsageError(f"there is no package in {place}", hint="name another directory")
        found += debs
    return tuple(found)


def publish(request: Request, store: KeyStore, say: Say) -> Repository:
    """Make the repository and put it in place of what is at `request.out`.

    Raises StepFailed for packages that cannot be in one repository, UsageError without a key.
    """
    keyring = store.keyring()
    _check_place(request.out)
    dates = [_date(deb) for deb in request.debs]
    date = request.date if request.date is not None else max(dates)
    parent = request.out.parent
    parent.mkdir(parents=True, exist_ok=True)
    with held(parent / f".{request.out.name}.lock", lambda owner: None):
        for leftover in parent.glob(f".{request.out.name}.new.*"):
            shutil.rmtree(leftover)
        fresh = Path(tempfile.mkdtemp(prefix=f".{request.out.name}.new.", dir=parent))
        try:
            fresh.chmod(0o755)
            made = _fill(fresh, request, date, (store, keyring), say)
            _swap(fresh, request.out)
        finally:
            shutil.rmtree(fresh, ignore_errors=True)
    return made


def _check_place(out: Path) -> None:
    """Refuse to replace what is no repository: it would be deleted."""
    if (
        out.exists()
        and not (out / "dists").is_dir()
        and not (out.is_dir() and not any(out.iterdir()))
    ):
        raise UsageError(
            f"{out} is there and is no repository", hint="name another directory with --out"
        )


def _date(deb: Path) -> int:
    try:
        return package_date(deb)
    except ValueError as error:
        raise StepFailed(str(error), hint="leave the file out, or fetch it again") from error


def _fill(
    root: Path, request: Request, date: int, signing: tuple[KeyStore, Keyring], say: Say
) -> Repository:
    store, keyring = signing
    public = store.public(keyring)
    (root / KEYRING_FILE).write_bytes(public)
    staged = root / "staged"
    staged.mkdir()
    for number, deb in enumerate(request.debs):
        link_or_copy(deb, staged / f"{number:06}.deb")
    _write_keyring_package(staged / "keyring.deb", keyring, public)
    say(0.05, f"reading {len(request.debs)} packages")
    stanzas, contents = indexes.read(staged)
    if len(stanzas) != len(request.debs) + 1:
        raise StepFailed("apt-ftparchive left packages out", hint="see whether they are whole")
    stanzas = indexes.unique(stanzas)
    say(0.8, "writing indexes")
    size = _fill_pool(root, stanzas)
    shutil.rmtree(staged)
    _write_release(root, request, date, (stanzas, contents))
    say(0.95, "signing")
    store.sign(root / "dists" / request.suite / "Release", keyring, date)
    return Repository(request.out, len(stanzas), size, date)


def _write_keyring_package(path: Path, keyring: Keyring, public: bytes) -> None:
    control = {
        "Package": KEYRING_PACKAGE,
        "Version": str(keyring.version),
        "Architecture": "all",
        "Maintainer": "XSC developers <xsc@xsc.invalid>",
        "Section": "misc",
        "Priority": "important",
        "Multi-Arch": "foreign",
        "Description": "keys of the XSC repository\n"
        " The public keys with which apt checks the signatures of the XSC repository.",
    }
    # When the keys last changed is the only date that belongs to it.
    write_deb(path, control, {KEYRING_PLACE: public}, max(key.created for key in keyring.keys))


def _fill_pool(root: Path, stanzas: Sequence[indexes.Stanza]) -> int:
    size = 0
    for stanza in stanzas:
        target = root / stanza.pool_path
        target.parent.mkdir(parents=True, exist_ok=True)
        (root / stanza.filename).rename(target)
        size += target.stat().st_size
    return size


def _write_release(
    root: Path, request: Request, date: int, found: tuple[Sequence[indexes.Stanza], bytes]
) -> None:
    stanzas, contents = found
    dist = root / "dists" / request.suite
    packages = "\n".join(stanza.placed() for stanza in stanzas).encode()
    listed = {
        f"binary-{indexes.ARCH}/Packages": indexes.compressed(packages),
        f"Contents-{indexes.ARCH}": {".gz": indexes.compressed(contents)[".gz"]},
    }
    files: dict[str, bytes] = {}
    for place, forms in listed.items():
        path = dist / indexes.COMPONENT / place
        for name, data in indexes.write_index(path.parent, path.name, forms).items():
            files[str((path.parent / name).relative_to(dist))] = data
    text = indexes.release(request.suite, date, request.valid_days, files)
    (dist / "Release").write_text(text)


def link_or_copy(source: Path, target: Path) -> None:
    """Give a file a second name, or where that is not possible a second copy."""
    try:
        os.link(source.resolve(), target)
    except OSError:  # another file system, or one that does not allow it
        shutil.copyfile(source, target)
        target.chmod(0o644)


def _swap(fresh: Path, final: Path) -> None:
    """Put `fresh` in the place of `final`; what was there has the name of `fresh` afterwards."""
    if not final.exists():
        fresh.rename(final)
        return
    libc = ctypes.CDLL(None, use_errno=True)
    names = os.fsencode(fresh), os.fsencode(final)
    if libc.renameat2(_AT_FDCWD, names[0], _AT_FDCWD, names[1], _RENAME_EXCHANGE) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), str(final))
