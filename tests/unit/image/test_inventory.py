# SPDX-License-Identifier: MIT
"""inventory.py and spdx.py: what a root file system holds, and its bill of materials."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path

import pytest

from xsc.build import inventory, manifest, spdx

STATUS = """\
Package: libc6
Status: install ok installed
Architecture: amd64
Source: glibc
Version: 2.36-9+deb12u14+xsc1
Maintainer: A
Description: words
 Package: not-a-package
 .
 more

Package: gone
Status: deinstall ok config-files
Architecture: all
Version: 1

Package: bash
Status: install ok installed
Architecture: amd64
Source: bash (5.2.15-2)
Version: 5.2.15-2+b13
Maintainer: B
"""
INDEX = """\
Package: bash
Version: 5.2.15-2+b13
Architecture: amd64
SHA256: aa11

Package: libc6
Version: 2.36-9+deb12u14
Architecture: amd64
SHA256: not-the-installed-version
"""
COPYRIGHT = """\
Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/
Files: *
License: GPL-3+

License: Expat
 text
"""


def tree(files: dict[str, str], links: dict[str, str]) -> tarfile.TarFile:
    """Return a tar that mmdebstrap could have written."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for name, text in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(text.encode())
            tar.addfile(info, io.BytesIO(text.encode()))
        for name, target in links.items():
            info = tarfile.TarInfo(name)
            info.type, info.linkname = tarfile.SYMTYPE, target
            tar.addfile(info)
    buffer.seek(0)
    return tarfile.open(fileobj=buffer)


@pytest.fixture
def found() -> tuple[inventory.Record, ...]:
    """The records of a tree with two installed packages."""
    files = {
        "./var/lib/dpkg/status": STATUS,
        "./usr/share/doc/bash-doc/copyright": COPYRIGHT,
        "./usr/share/doc/libc6/copyright": "This is free text. License: whatever\n",
    }
    with tree(files, {"./usr/share/doc/bash": "bash-doc"}) as tar:
        return inventory.read_tree(tar, INDEX)


def test_only_installed_packages_count(found: tuple[inventory.Record, ...]) -> None:
    assert [record.name for record in found] == ["bash", "libc6"]


def test_source_version_is_the_source_packages_own(found: tuple[inventory.Record, ...]) -> None:
    assert (found[0].source, found[0].source_version) == ("bash", "5.2.15-2")
    assert (found[1].source, found[1].source_version) == ("glibc", "2.36-9+deb12u14+xsc1")


def test_checksum_is_of_the_installed_version_only(found: tuple[inventory.Record, ...]) -> None:
    assert [record.sha256 for record in found] == ["aa11", ""]


def test_licences_come_from_machine_readable_files_only(
    found: tuple[inventory.Record, ...],
) -> None:
    assert found[0].licences == ("Expat", "GPL-3+")  # through the linked doc directory
    assert found[1].licences == ()


def test_records_survive_the_disk(found: tuple[inventory.Record, ...], tmp_path: Path) -> None:
    inventory.write(found, tmp_path)
    assert inventory.read(tmp_path) == found
    assert (tmp_path / "packages.manifest").read_text().splitlines() == [
        "bash 5.2.15-2+b13 amd64",
        "libc6 2.36-9+deb12u14+xsc1 amd64",
    ]
    assert "bash=5.2.15-2\n" in (tmp_path / "sources.list").read_text()


@pytest.mark.parametrize(
    ("debian", "identifier"),
    [
        ("GPL-2", "GPL-2.0-only"),
        ("GPL-2+", "GPL-2.0-or-later"),
        ("LGPL-2.1+", "LGPL-2.1-or-later"),
        ("GPL-3.0+", "GPL-3.0-or-later"),
        ("Expat", "MIT"),
        ("BSD-3-clause", "BSD-3-Clause"),
        ("GPL-2+ with OpenSSL exception", "LicenseRef-Debian-GPL-2-with-OpenSSL-exception"),
        ("public-domain", "LicenseRef-Debian-public-domain"),
    ],
)
def test_licence_names(debian: str, identifier: str) -> None:
    assert spdx.licence_id(debian) == identifier


def test_bill_of_materials(found: tuple[inventory.Record, ...]) -> None:
    medium = spdx.Artifact("x.iso", "7", "bb", "NOASSERTION", "XSC")
    kernel = spdx.Artifact("boot/vmlinuz", "6.1", "cc", "GPL-2.0-only", "linux")
    bill = spdx.document(medium, [kernel], found, 0)
    packages = {str(item["name"]): item for item in bill["packages"]}
    assert set(packages) == {"x.iso", "boot/vmlinuz", "bash", "libc6"}
    assert packages["bash"]["licenseDeclared"] == "GPL-3.0-or-later AND MIT"
    assert packages["libc6"]["supplier"] == "Organization: XSC"
    assert packages["bash"]["supplier"] == "Organization: Debian"
    ids = [item["SPDXID"] for item in packages.values()]
    related = {item["relatedSpdxElement"] for item in bill["relationships"]}
    assert related == set(ids)
    assert bill["creationInfo"]["created"] == "1970-01-01T00:00:00Z"
    assert spdx.document(medium, [kernel], found, 0) == bill


def test_every_licence_reference_is_explained(found: tuple[inventory.Record, ...]) -> None:
    odd = inventory.Record("odd", "1", "all", "odd", "1", "", "", ("Odd licence",))
    medium = spdx.Artifact("x.iso", "7", "bb", "NOASSERTION", "XSC")
    bill = spdx.document(medium, [], [*found, odd], 0)
    (explained,) = bill["hasExtractedLicensingInfos"]
    assert explained["licenseId"] == "LicenseRef-Debian-Odd-licence"
    assert "/usr/share/doc/odd/copyright" in explained["extractedText"]


def test_source_list_names_each_source_once(found: tuple[inventory.Record, ...]) -> None:
    text = manifest.source_lines([*found, *found], {"linux": "6.1.192-2"}, "x.iso")
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    assert lines == ["bash=5.2.15-2", "glibc=2.36-9+deb12u14+xsc1", "linux=6.1.192-2"]
