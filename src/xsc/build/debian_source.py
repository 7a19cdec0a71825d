# SPDX-License-Identifier: MIT
"""A Debian source package on this machine, the patch series on it, the overlay into it."""

from __future__ import annotations

import hashlib
import re
import shutil
import tomllib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from subprocess import CompletedProcess

from xsc.errors import InfraError, StepFailed
from xsc.run import run

Runner = Callable[..., CompletedProcess[str]]

_HUNK = re.compile(r"^Hunk #(\d+) FAILED at (\d+)", re.MULTILINE)
_FILE = re.compile(r"^(?:checking|patching) file (\S+)", re.MULTILINE)


@dataclass(frozen=True)
class Base:
    """What the series was made for: the package, its version, and the hash of its tarball."""

    package: str
    version: str
    tarball: Path
    sha256: str
    packaging: Path | None = None
    """Its debian/ directory, where the package ships one apart from the tarball."""


@dataclass(frozen=True)
class Installed:
    """What is on this machine."""

    version: str
    sha256: str

    def differs(self, base: Base) -> str | None:
        """Return a warning if this is not the release the series was made for, else None."""
        if self.sha256 == base.sha256:
            return None
        return (
            f"{base.package} is {self.version}, the series was made for {base.version}:"
            " it is used as it is, every patch applied without fuzz"
        )


def read_base(path: Path) -> Base:
    """Read a BASE file. Raises StepFailed if a member is missing."""
    values = tomllib.loads(path.read_text())
    try:
        return Base(
            package=values["package"],
            version=values["version"],
            tarball=Path(values["tarball"]),
            sha256=values["sha256"],
            packaging=Path(values["packaging"]) if "packaging" in values else None,
        )
    except KeyError as missing:
        raise StepFailed(f"{path} has no {missing.args[0]}") from missing


@cache
def installed(base: Base) -> Installed:
    """Return version and hash of the package on this machine. InfraError if it is not there."""
    layout = "${Version} ${db:Status-Abbrev}"
    answer = run(["dpkg-query", "-W", "-f", layout, base.package], check=False).stdout.split()
    if len(answer) != 2 or not answer[1].startswith("ii") or not base.tarball.exists():
        raise InfraError(
            f"the package {base.package} is not installed",
            hint=f"sudo apt-get install {base.package}",
        )
    with base.tarball.open("rb") as stream:
        digest = hashlib.file_digest(stream, "sha256").hexdigest()
    return Installed(answer[0], digest)


def series(patches: Path) -> tuple[Path, ...]:
    """Return the patches in the order of `patches/series`.

    Raises StepFailed if the file names one that is not there or leaves one out.
    """
    lines = (
        line.partition("#")[0].strip() for line in (patches / "series").read_text().split("\n")
    )
    names = [line for line in lines if line]
    present = {path.name for path in patches.glob("*.patch")}
    if stray := sorted(present.symmetric_difference(names)):
        raise StepFailed(f"{patches}/series and the patches there disagree on: {', '.join(stray)}")
    return tuple(patches / name for name in names)


def failed_hunks(output: str) -> str:
    """Say in words which file and hunks a failed run of patch(1) complained about."""
    parts = []
    for match in _FILE.finditer(output):
        following = _FILE.search(output, match.end())
        section = output[match.end() : following.start() if following else len(output)]
        hunks = [f"hunk {number} at line {line}" for number, line in _HUNK.findall(section)]
        if hunks:
            parts.append(f"{match.group(1)}: {', '.join(hunks)}")
    return "; ".join(parts) or output.strip().splitlines()[-1]


def apply_series(tree: Path, patches: Sequence[Path], run_tool: Runner = run) -> None:
    """Apply `patches` to `tree`. Line offsets are accepted, fuzz is not.

    Raises StepFailed with patch, file and hunk for the first one that does not apply.
    """
    for patch in patches:
        # patch(1) and not git: inside a checkout git takes the paths relative to its top.
        argv = ["patch", "-p1", "--fuzz=0", "--forward", "--batch", "--no-backup-if-mismatch"]
        result = run_tool(
            [*argv, "--reject-file=-", "--input", patch], cwd=tree, check=False, capture=True
        )
        if result.returncode != 0:
            raise StepFailed(
                f"{patch.name} does not apply: {failed_hunks(result.stdout)}",
                hint="refresh the patch for the installed source, or install the one in BASE",
            )


def copy_overlay(overlay: Path, tree: Path) -> None:
    """Copy the files of `overlay` to their places in `tree`.

    Raises StepFailed if one of them exists there: a change to a foreign file is a patch.
    """
    for source in sorted(path for path in overlay.rglob("*") if path.is_file()):
        target = tree / source.relative_to(overlay)
        if target.exists():
            raise StepFailed(f"the overlay would replace {target.relative_to(tree)}")
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, target)
