# SPDX-License-Identifier: MIT
"""What is inside a root file system: packages, their sources, checksums and licences."""

from __future__ import annotations

import json
import re
import tarfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

_STATUS = "./var/lib/dpkg/status"
_SOURCE = re.compile(r"^(\S+)(?: \((\S+)\))?$")
_LICENCE = re.compile(r"^License:[ \t]*(\S.*)$", re.MULTILINE)
_FORMAT = re.compile(r"\AFormat:\s*\S*copyright-format/1\.0", re.IGNORECASE)


@dataclass(frozen=True)
class Record:
    """One installed package. `sha256` is of its .deb; `licences` are Debian's short names."""

    name: str
    version: str
    arch: str
    source: str
    source_version: str
    sha256: str
    maintainer: str
    licences: tuple[str, ...]


def package_of(filename: str) -> str:
    """Return the package name in the file name of a .deb."""
    return filename.split("_", 1)[0]


def paragraphs(text: str) -> Iterator[dict[str, str]]:
    """Yield the stanzas of a Debian control file; continuation lines are joined by newlines."""
    for block in re.split(r"\n[ \t]*\n", text.strip("\n")):
        fields: dict[str, str] = {}
        key = ""
        for line in block.splitlines():
            if line[:1] in " \t" and key:
                fields[key] += "\n" + line.strip()
            elif ":" in line:
                key, _, value = line.partition(":")
                fields[key] = value.strip()
        if fields:
            yield fields


def licences_of(copyright_file: str) -> tuple[str, ...]:
    """Return the licence short names of a machine-readable copyright file, () for any other."""
    if not _FORMAT.match(copyright_file.lstrip("\ufeff\n ")):
        return ()
    names = {name.strip() for name in _LICENCE.findall(copyright_file)}
    return tuple(sorted(names))


def records(status: str, index: str, copyrights: Mapping[str, str]) -> tuple[Record, ...]:
    """Join dpkg's status with the repository index (checksums) and the copyright files."""
    sums = {
        (item["Package"], item["Version"], item["Architecture"]): item.get("SHA256", "")
        for item in paragraphs(index)
    }
    found = []
    for item in paragraphs(status):
        if item.get("Status", "") != "install ok installed":
            continue
        name, version, arch = item["Package"], item["Version"], item["Architecture"]
        match = _SOURCE.match(item.get("Source", name))
        source, source_version = match.groups() if match else (name, None)
        found.append(
            Record(
                name=name,
                version=version,
                arch=arch,
                source=source,
                source_version=source_version or version,
                sha256=sums.get((name, version, arch), ""),
                maintainer=item.get("Maintainer", ""),
                licences=licences_of(copyrights.get(name, "")),
            )
        )
    return tuple(sorted(found, key=lambda record: (record.name, record.arch)))


def read_tree(tree: tarfile.TarFile, index: str) -> tuple[Record, ...]:
    """Return the inventory of a root file system given as a tar."""
    status = ""
    copyrights: dict[str, str] = {}
    links: dict[str, str] = {}
    for member in tree:
        if member.name == _STATUS:
            status = _text(tree, member)
        if not member.name.startswith("./usr/share/doc/"):
            continue
        parts = member.name.split("/")
        if member.issym() and len(parts) == 5:  # doc directory shared with another package
            links[parts[4]] = member.linkname.rsplit("/", 1)[-1]
        elif member.isreg() and len(parts) == 6 and parts[5] == "copyright":
            copyrights[parts[4]] = _text(tree, member)
    for name, target in links.items():
        if target in copyrights:
            copyrights.setdefault(name, copyrights[target])
    return records(status, index, copyrights)


def _text(tree: tarfile.TarFile, member: tarfile.TarInfo) -> str:
    stream = tree.extractfile(member)
    return stream.read().decode("utf-8", "replace") if stream else ""


def write(items: Sequence[Record], out: Path) -> None:
    """Write packages.manifest, sources.list and packages.json into `out`."""
    manifest = "".join(f"{item.name} {item.version} {item.arch}\n" for item in items)
    (out / "packages.manifest").write_text(manifest)
    sources = sorted({f"{item.source}={item.source_version}" for item in items})
    (out / "sources.list").write_text("".join(f"{line}\n" for line in sources))
    data = [asdict(item) for item in items]
    (out / "packages.json").write_text(json.dumps(data, indent=1, ensure_ascii=False) + "\n")


def read(out: Path) -> tuple[Record, ...]:
    """Return the records that write() left in `out`."""
    rows = json.loads((out / "packages.json").read_text())
    return tuple(Record(**{**row, "licences": tuple(row["licences"])}) for row in rows)
