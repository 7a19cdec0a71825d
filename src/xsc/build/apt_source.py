# SPDX-License-Identifier: MIT
"""Debian's source packages: their index, which the host's apt has none of, and their files."""

from __future__ import annotations

import hashlib
import os
import shutil
from pathlib import Path

from xsc.build import apt
from xsc.errors import InfraError, StepFailed
from xsc.lock import held
from xsc.run import run

_C_LOCALE = {"LC_ALL": "C.UTF-8"}


def lists() -> Path:
    """Return the directory for source indexes: the host's apt is configured for binaries only."""
    folder = apt.cache_dir() / "source-lists"
    (folder / "partial").mkdir(parents=True, exist_ok=True)
    return folder


def indexes() -> list[Path]:
    """Return the files of the index of source packages."""
    return sorted(lists().glob("*_Sources*"))


def options() -> list[str]:
    """Return apt options for a view of source packages only."""
    text = "".join(mirror.line().replace("deb ", "deb-src ", 1) + "\n" for mirror in apt.mirrors())
    path = apt.cache_dir() / f"{hashlib.sha256(text.encode()).hexdigest()[:16]}.list"
    if not path.exists():
        scratch = path.with_suffix(f".{os.getpid()}")
        scratch.write_text(text)
        scratch.replace(path)
    return [*apt.options(path), "-o", f"Dir::State::lists={lists()}"]


def refresh() -> None:
    """Fetch the index of source packages if there is none, or one older than that of binaries."""
    newest = max(mirror.index.stat().st_mtime for mirror in apt.mirrors())
    if indexes() and _fetched() >= newest:
        return
    _update(_fetched())


def _fetched() -> float:
    """Return when the index was fetched, in seconds since 1970; 0 if it never was."""
    stamp = lists() / "xsc-fetched"
    own = stamp.stat().st_mtime if stamp.exists() else 0.0
    return max([own, *(path.stat().st_mtime for path in indexes())])


def _update(known: float) -> None:
    """Fetch the index, unless another process has since the time `known`."""
    # apt's own lock is off, because it would be on the host's directories too.
    with held(lists() / "xsc-lock", lambda owner: None):
        if _fetched() > known:
            return
        done = run(["apt-get", "-q", *options(), "update"], env=_C_LOCALE, check=False)
        if done.returncode or not indexes():
            raise InfraError(
                f"apt cannot fetch the index of source packages: {done.stderr.strip()}",
                hint="`./xsc doctor` checks the apt sources",
            )
        (lists() / "xsc-fetched").touch()


def download(name: str, version: str, runner: apt.Runner) -> Path:
    """Return a directory with the files of a source package, whose hashes apt has checked.

    `runner` is the step's own run(). InfraError when the archive does not have this version.
    """
    kept = apt.cache_dir() / "sources" / f"{name}_{version}"
    if kept.exists():
        return kept
    refresh()
    scratch = kept.with_name(f"{kept.name}.{os.getpid()}")
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir(parents=True)
    fetch = ["apt-get", *options(), "source", "--download-only", f"{name}={version}"]
    argv = ["env", f"--chdir={scratch}", *fetch]
    known = _fetched()
    try:
        try:
            runner(argv)
        except StepFailed:
            # The archive may have moved on since the index was fetched.
            _update(known)
            runner(argv)
    except StepFailed as error:
        raise InfraError(
            f"apt cannot fetch the source of {name} {version}: {error}",
            hint="look which version the archive has, and name that one in the step",
        ) from error
    scratch.replace(kept)
    return kept
