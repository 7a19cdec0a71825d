# SPDX-License-Identifier: MIT
"""The index files of a repository: what apt-ftparchive says of the packages, put in order."""

from __future__ import annotations

import gzip
import hashlib
import lzma
import os
import re
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import format_datetime
from pathlib import Path

from xsc.errors import StepFailed
from xsc.run import run

ARCH = "amd64"
COMPONENT = "main"
DAY_SECONDS = 86400
_FIELD = re.compile(r"^([A-Za-z0-9-]+):[ \t]*(.*)$", re.MULTILINE)
_TIMEOUT_SECONDS = 3600.0


@dataclass(frozen=True)
class Stanza:
    """One package in an index."""

    name: str
    version: str
    arch: str
    source: str
    filename: str
    sha256: str
    text: str

    @property
    def pool_path(self) -> str:
        """Return where the package lies in the repository, as in Debian's."""
        folder = self.source[:4] if self.source.startswith("lib") else self.source[:1]
        # The epoch is no part of file names.
        file = f"{self.name}_{self.version.partition(':')[2] or self.version}_{self.arch}.deb"
        return f"pool/{COMPONENT}/{folder}/{self.source}/{file}"

    def placed(self) -> str:
        """Return the text with the file name in the pool."""
        return self.text.replace(
            f"\nFilename: {self.filename}\n", f"\nFilename: {self.pool_path}\n"
        )


def parse_packages(text: str) -> list[Stanza]:
    """Read what `apt-ftparchive packages` writes."""
    stanzas = []
    for block in text.split("\n\n"):
        if not block.strip():
            continue
        fields = dict(_FIELD.findall(block))
        # A source version that differs from the package's follows in parentheses.
        source = (fields.get("Source") or fields["Package"]).split(" ")[0]
        names = ("Package", "Version", "Architecture")
        name, version, arch = (fields[key] for key in names)
        stanzas.append(
            Stanza(name, version, arch, source, fields["Filename"], fields["SHA256"], block + "\n")
        )
    return stanzas


def read(staged: Path) -> tuple[list[Stanza], bytes]:
    """Return a stanza for every package below `staged`, and their Contents index.

    Raises StepFailed naming a file that is no package.
    """

    def ask(verb: str) -> str:
        argv = ["apt-ftparchive", verb, staged.name]
        done = run(argv, cwd=staged.parent, timeout=_TIMEOUT_SECONDS, check=False)
        wrong = [line for line in done.stderr.splitlines() if line.startswith("E:")]
        if done.returncode or wrong:
            raise StepFailed("apt-ftparchive: " + "; ".join(wrong or [done.stderr.strip()]))
        return done.stdout

    with ThreadPoolExecutor(2) as pool:
        packages, contents = pool.map(ask, ("packages", "contents"))
    return parse_packages(packages), contents.encode()


def compressed(data: bytes) -> dict[str, bytes]:
    """Return the forms in which an index is offered, by the suffix of the file name."""
    return {"": data, ".gz": gzip.compress(data, mtime=0), ".xz": lzma.compress(data, preset=6)}


def write_index(folder: Path, name: str, forms: Mapping[str, bytes]) -> dict[str, bytes]:
    """Write an index in several forms, each by its name and by its hash; return them by name."""
    folder.mkdir(parents=True, exist_ok=True)
    by_hash = folder / "by-hash" / "SHA256"
    by_hash.mkdir(parents=True, exist_ok=True)
    for suffix, data in forms.items():
        path = folder / f"{name}{suffix}"
        path.write_bytes(data)
        os.link(path, by_hash / hashlib.sha256(data).hexdigest())
    return {f"{name}{suffix}": data for suffix, data in forms.items()}


def release(suite: str, date: int, valid_days: int | None, files: Mapping[str, bytes]) -> str:
    """Return the Release file for indexes by their names relative to it; `date` in seconds."""
    lines = [
        "Origin: XSC",
        "Label: XSC",
        f"Suite: {suite}",
        f"Codename: {suite}",
        f"Date: {_moment(date)}",
    ]
    if valid_days is not None:
        lines.append(f"Valid-Until: {_moment(date + valid_days * DAY_SECONDS)}")
    lines += [
        f"Architectures: {ARCH}",
        f"Components: {COMPONENT}",
        "Description: Debian 12 packages built for XSC",
        "Acquire-By-Hash: yes",
        "SHA256:",
    ]
    for name, data in sorted(files.items()):
        lines.append(f" {hashlib.sha256(data).hexdigest()} {len(data):>16} {name}")
    return "\n".join(lines) + "\n"


def _moment(seconds: int) -> str:
    return format_datetime(datetime.fromtimestamp(seconds, UTC), usegmt=True).replace("GMT", "UTC")


def unique(stanzas: Sequence[Stanza]) -> list[Stanza]:
    """Return the stanzas in order, each package once.

    Raises StepFailed for two packages of one name and version that differ: apt could not tell which
    of them is meant.
    """
    found: dict[str, Stanza] = {}
    for stanza in stanzas:
        other = found.setdefault(stanza.pool_path, stanza)
        if other.sha256 != stanza.sha256:
            raise StepFailed(
                f"two different packages are called {Path(stanza.pool_path).name}",
                hint="give the newer one another version, or leave one out",
            )
        if stanza.arch not in (ARCH, "all"):
            raise StepFailed(f"{Path(stanza.pool_path).name} is not for {ARCH}")
    return sorted(found.values(), key=lambda stanza: (stanza.name, stanza.version, stanza.arch))
