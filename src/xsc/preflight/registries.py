# SPDX-License-Identifier: MIT
"""Checks of the package registries, asked through apt and pip exactly as this machine has them."""

from __future__ import annotations

import shlex
import sys
import tempfile
from pathlib import Path

from xsc.bootstrap import LOCKFILE
from xsc.errors import XscError
from xsc.preflight.check import Finding, fail, ok, warn
from xsc.run import run

APT_HELPER = "/usr/lib/apt/apt-helper"
SECONDS = 60.0
SMALL_PACKAGE = "mdurl"


def release_files(print_uris: str) -> list[str]:
    """Return the addresses of the release files in the output of `apt-get update --print-uris`."""
    lines = (shlex.split(line) for line in print_uris.splitlines() if line.startswith("'"))
    return [words[0] for words in lines if words[0].endswith("/InRelease")]


def fetch(uri: str, folder: Path) -> str | None:
    """Let apt download one file; return None, or what went wrong."""
    target = folder / "InRelease"
    target.unlink(missing_ok=True)
    argv = [APT_HELPER, "-o", "Acquire::Retries=1", "-o", "APT::Sandbox::User=root"]
    try:
        result = run([*argv, "download-file", uri, target], check=False, timeout=SECONDS)
    except XscError as error:
        return error.message
    if result.returncode == 0 and target.exists():
        return None
    lines = (result.stderr or result.stdout).strip().splitlines()
    return lines[-1] if lines else f"exit code {result.returncode}"


def apt_sources() -> Finding:
    """Every configured apt source answers."""
    listed = run(["apt-get", "update", "--print-uris"], check=False, timeout=SECONDS)
    uris = release_files(listed.stdout)
    remedy = "check the network, the proxy settings and /etc/apt/sources.list*"
    if not uris:
        return fail("apt", "no package source is configured", remedy)
    with tempfile.TemporaryDirectory(prefix="xsc-doctor-") as scratch:
        results = {uri: fetch(uri, Path(scratch)) for uri in uris}
    broken = [f"{uri}: {problem}" for uri, problem in results.items() if problem]
    if not broken:
        return ok("apt", f"all {len(uris)} configured sources answer")
    if len(broken) < len(uris):
        return warn("apt", "; ".join(broken), remedy)
    return fail("apt", "; ".join(broken), remedy)


def small_requirement(lock: str) -> str:
    """Return the lock file's entry for a package of a few kilobytes, with its hash."""
    lines = lock.splitlines()
    start = next(i for i, line in enumerate(lines) if line.startswith(f"{SMALL_PACKAGE}=="))
    return "\n".join(lines[start : start + 2]) + "\n"


def pip_index() -> Finding:
    """The configured pip index serves a file with the locked hash."""
    remedy = "check the network and `pip config list`; the index must serve the locked files"
    with tempfile.TemporaryDirectory(prefix="xsc-doctor-") as scratch:
        wanted = Path(scratch) / "requirements.txt"
        wanted.write_text(small_requirement(LOCKFILE.read_text()))
        argv = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--no-cache-dir"]
        argv += ["--require-hashes", "--retries", "1", "-d", scratch, "-r", str(wanted)]
        try:
            result = run(argv, check=False, timeout=SECONDS)
        except XscError as error:
            return warn("pip", error.message, remedy)
    if result.returncode == 0:
        return ok("pip", "the configured index serves the locked files")
    lines = [line for line in result.stderr.splitlines() if line.startswith("ERROR")]
    # The environment this runs in exists, so only a change of the lock file needs the index again.
    return warn("pip", lines[-1] if lines else "pip download failed", remedy)


def deb_src() -> Finding:
    """Source package indexes: only those who want to rebuild other packages need them."""
    query = ["apt-get", "indextargets", "--format", "$(URI)", "Created-By: Sources"]
    result = run(query, check=False, timeout=SECONDS)
    if result.stdout.strip():
        return ok("deb-src", "source packages are configured")
    text = "no deb-src source; builds do not need one (linux-source-6.1 and glibc-source are used)"
    remedy = (
        "to fetch the sources of other packages add deb-src to Types: in /etc/apt/sources.list*"
    )
    return warn("deb-src", text, remedy)


def all_findings() -> list[Finding]:
    """Run every check of this module."""
    return [apt_sources(), pip_index(), deb_src()]
