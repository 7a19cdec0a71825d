# SPDX-License-Identifier: MIT
"""Debian's source packages, for what Debian has in no binary package: test suites."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from xsc.build import apt
from xsc.errors import InfraError, StepFailed


def _lists() -> Path:
    """Return the directory for source indexes: the host's apt is configured for binaries only."""
    lists = apt.cache_dir() / "source-lists"
    (lists / "partial").mkdir(parents=True, exist_ok=True)
    return lists


def _options(scratch: Path) -> list[str]:
    sources = scratch / "sources.list"
    lines = (mirror.line().replace("deb ", "deb-src ", 1) + "\n" for mirror in apt.mirrors())
    sources.write_text("".join(lines))
    return [*apt.options(sources), "-o", f"Dir::State::lists={_lists()}"]


def download(name: str, version: str, runner: apt.Runner) -> Path:
    """Return a directory with the files of a source package, whose hashes apt has checked.

    `runner` is the step's own run(). InfraError when the archive does not have this version.
    """
    kept = apt.cache_dir() / "sources" / f"{name}_{version}"
    if kept.exists():
        return kept
    scratch = kept.with_name(f"{kept.name}.{os.getpid()}")
    shutil.rmtree(scratch, ignore_errors=True)
    (scratch / "files").mkdir(parents=True)
    options = _options(scratch)
    fetch = ["apt-get", *options, "source", "--download-only", f"{name}={version}"]
    try:
        runner(["apt-get", "-q", *options, "update"])
        runner(["env", f"--chdir={scratch / 'files'}", *fetch])
    except StepFailed as error:
        raise InfraError(
            f"apt cannot fetch the source of {name} {version}: {error}",
            hint="look which version the archive has, and name that one in the step",
        ) from error
    (scratch / "files").replace(kept)
    shutil.rmtree(scratch)
    return kept
