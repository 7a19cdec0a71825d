# SPDX-License-Identifier: MIT
"""Debian packages of files that are there already: equal trees give equal packages."""

from __future__ import annotations

import gzip
import hashlib
import os
import shutil
import textwrap
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from email.utils import formatdate
from pathlib import Path

from xsc.graph.step import StepContext

CONTROL = "DEBIAN"
MAINTAINER = "XSC developers <xsc@xsc.invalid>"


@dataclass(frozen=True)
class Deb:
    """What a package says about itself."""

    name: str
    version: str
    architecture: str
    section: str
    summary: str
    description: str
    """The long description, one paragraph."""
    relations: Mapping[str, str] = field(default_factory=dict)
    """Depends and its like."""
    licence: str = ""
    """The file `copyright`, in Debian's machine-readable format."""
    overrides: tuple[str, ...] = ()
    """Lines for lintian: what it takes for a fault and is none, below a comment with the reason."""
    source: str = "xsc"

    @property
    def filename(self) -> str:
        """The name of the package's file."""
        return f"{self.name}_{self.version}_{self.architecture}.deb"

    def control(self, kib: int) -> str:
        """Return the control file of a package that takes `kib` KiB when it is installed."""
        fields = {
            "Package": self.name,
            "Source": self.source,
            "Version": self.version,
            "Architecture": self.architecture,
            "Maintainer": MAINTAINER,
            "Installed-Size": str(kib),
            **self.relations,
            "Section": self.section,
            "Priority": "optional",
            "Description": self.summary,
        }
        lines = [f"{name}: {value}" for name, value in fields.items()]
        lines += [f" {line}" for line in textwrap.wrap(self.description, 77)]
        return "\n".join(lines) + "\n"

    def changelog(self, epoch: int) -> str:
        """Return a changelog of one entry, dated `epoch`."""
        return (
            f"{self.source} ({self.version}) bookworm; urgency=medium\n\n"
            f"  * Release {self.version}.\n\n -- {MAINTAINER}  {formatdate(epoch)}\n"
        )


def _files(tree: Path) -> Iterator[Path]:
    for path in sorted(tree.rglob("*")):
        if path.relative_to(tree).parts[0] != CONTROL and (path.is_symlink() or path.is_file()):
            yield path


def installed_kib(tree: Path) -> int:
    """Return what Policy counts: KiB of each file rounded up, and one for all else."""
    total = 0
    for path in tree.rglob("*"):
        if path.relative_to(tree).parts[0] != CONTROL:
            plain = path.is_file() and not path.is_symlink()
            total += -(-path.stat().st_size // 1024) if plain else 1
    return total


def _checksums(tree: Path) -> str:
    return "".join(
        f"{hashlib.md5(path.read_bytes(), usedforsecurity=False).hexdigest()}"
        f"  {path.relative_to(tree)}\n"
        for path in _files(tree)
        if not path.is_symlink()
    )


def _settle(tree: Path, epoch: int) -> None:
    """Set modes and times that follow neither the umask nor the clock of who builds."""
    for path in (tree, *tree.rglob("*")):
        if not path.is_symlink():
            executable = path.is_dir() or path.stat().st_mode & 0o100
            path.chmod(0o755 if executable else 0o644)
        os.utime(path, (epoch, epoch), follow_symlinks=False)


def pack(ctx: StepContext, deb: Deb, tree: Path, target: Path) -> Path:
    """Write the package of `tree` to the directory `target` and return its file.

    `tree` has what is installed, from the root directory on; documents and control files are
    added to it.
    """
    documents = tree / "usr/share/doc" / deb.name
    documents.mkdir(parents=True)
    (documents / "copyright").write_text(deb.licence)
    changelog = gzip.compress(deb.changelog(ctx.epoch).encode(), mtime=0)
    if deb.overrides:
        overrides = tree / "usr/share/lintian/overrides" / deb.name
        overrides.parent.mkdir(parents=True)
        overrides.write_text("".join(f"{line}\n" for line in deb.overrides))
    (documents / "changelog.gz").write_bytes(changelog)
    control = tree / CONTROL
    control.mkdir()
    (control / "md5sums").write_text(_checksums(tree))
    (control / "control").write_text(deb.control(installed_kib(tree)))
    _settle(tree, ctx.epoch)
    # The number of threads shows in the bytes.
    packing = ["-Zxz", "-z1", "--threads-max=1", "--root-owner-group"]
    ctx.run(["dpkg-deb", *packing, "--build", tree, target / deb.filename])
    shutil.rmtree(tree)
    return target / deb.filename
