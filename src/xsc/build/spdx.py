# SPDX-License-Identifier: MIT
"""SPDX 2.3 bill of materials of a medium, from the inventory of its root file system."""

from __future__ import annotations

import re
import time
import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import quote

from xsc.build.inventory import Record
from xsc.graph.step import Json

_GNU = re.compile(r"^(A?GPL|LGPL|GFDL)-(\d)(?:\.(\d))?(?:\.0)?(\+)?$", re.IGNORECASE)
# Debian's short names that are SPDX's by another spelling. Anything else becomes a LicenseRef.
_SAME: Mapping[str, str] = {
    "expat": "MIT", "mit": "MIT", "isc": "ISC", "zlib": "Zlib", "bsd-2-clause": "BSD-2-Clause",
    "bsd-3-clause": "BSD-3-Clause", "bsd-4-clause": "BSD-4-Clause", "apache-2.0": "Apache-2.0",
    "artistic": "Artistic-1.0-Perl", "artistic-2.0": "Artistic-2.0", "cc0-1.0": "CC0-1.0",
    "bsl-1.0": "BSL-1.0", "mpl-2.0": "MPL-2.0", "psf-2": "PSF-2.0", "unlicense": "Unlicense",
}  # fmt: skip
_REFERENCE = "LicenseRef-Debian-"


@dataclass(frozen=True)
class Artifact:
    """A file on the medium that is not a Debian package of the root file system."""

    name: str
    version: str
    sha256: str
    licence: str
    source: str


def licence_id(short_name: str) -> str:
    """Return the SPDX identifier of a Debian licence name, or a LicenseRef made from it."""
    if match := _GNU.match(short_name):
        family, major, minor, later = match.groups()
        suffix = "or-later" if later else "only"
        return f"{family.upper()}-{major}.{minor or '0'}-{suffix}"
    known = _SAME.get(short_name.lower())
    return known or _REFERENCE + re.sub(r"[^A-Za-z0-9.-]+", "-", short_name).strip("-")


def expression(short_names: Iterable[str]) -> str:
    """Return the SPDX expression that all of `short_names` apply; NOASSERTION for none."""
    ids = sorted({licence_id(name) for name in short_names})
    return " AND ".join(ids) if ids else "NOASSERTION"


def _package(record: Record) -> dict[str, Json]:
    ours = "+xsc" in record.version
    purl = f"pkg:deb/{'xsc' if ours else 'debian'}/{quote(record.name)}@{quote(record.version)}"
    entry: dict[str, Json] = {
        "SPDXID": f"SPDXRef-deb-{re.sub(r'[^A-Za-z0-9.]+', '-', record.name)}",
        "name": record.name,
        "versionInfo": record.version,
        "supplier": f"Organization: {'XSC' if ours else 'Debian'}",
        "downloadLocation": "NOASSERTION",
        "filesAnalyzed": False,
        "licenseConcluded": "NOASSERTION",
        "licenseDeclared": expression(record.licences),
        "copyrightText": "NOASSERTION",
        "sourceInfo": f"Debian source package {record.source} {record.source_version}",
        "externalRefs": [
            {
                "referenceCategory": "PACKAGE-MANAGER",
                "referenceType": "purl",
                "referenceLocator": f"{purl}?arch={record.arch}",
            }
        ],
    }
    if record.sha256:
        entry["checksums"] = [{"algorithm": "SHA256", "checksumValue": record.sha256}]
    return entry


def _artifact(item: Artifact) -> dict[str, Json]:
    return {
        "SPDXID": f"SPDXRef-{re.sub(r'[^A-Za-z0-9.]+', '-', item.name)}",
        "name": item.name,
        "versionInfo": item.version,
        "supplier": "Organization: XSC",
        "downloadLocation": "NOASSERTION",
        "filesAnalyzed": False,
        "checksums": [{"algorithm": "SHA256", "checksumValue": item.sha256}],
        "licenseConcluded": "NOASSERTION",
        "licenseDeclared": item.licence,
        "copyrightText": "NOASSERTION",
        "sourceInfo": item.source,
    }


def _extracted(records: Iterable[Record]) -> list[Json]:
    users: dict[str, list[str]] = {}
    names: dict[str, str] = {}
    for record in records:
        for name in record.licences:
            identifier = licence_id(name)
            if identifier.startswith(_REFERENCE):
                names.setdefault(identifier, name)
                users.setdefault(identifier, []).append(record.name)
    return [
        {
            "licenseId": identifier,
            "name": names[identifier],
            "extractedText": "The text is in the root file system: "
            + ", ".join(f"/usr/share/doc/{name}/copyright" for name in users[identifier][:5]),
        }
        for identifier in sorted(users)
    ]


def document(
    medium: Artifact, artifacts: Sequence[Artifact], records: Sequence[Record], epoch: int
) -> dict[str, Json]:
    """Return the SPDX document; `epoch` (seconds) is the date it gives as its own."""
    top = _artifact(medium)
    parts = [*(_artifact(item) for item in artifacts), *(_package(record) for record in records)]
    described: list[Json] = [
        {
            "spdxElementId": "SPDXRef-DOCUMENT",
            "relationshipType": "DESCRIBES",
            "relatedSpdxElement": top["SPDXID"],
        }
    ]
    contained: list[Json] = [
        {
            "spdxElementId": top["SPDXID"],
            "relationshipType": "CONTAINS",
            "relatedSpdxElement": part["SPDXID"],
        }
        for part in parts
    ]
    return {
        "spdxVersion": "SPDX-2.3",
        "dataLicense": "CC0-1.0",
        "SPDXID": "SPDXRef-DOCUMENT",
        "name": medium.name,
        "documentNamespace": f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_OID, medium.sha256)}",
        "creationInfo": {
            "created": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(epoch)),
            "creators": ["Tool: xsc", "Organization: XSC"],
        },
        "packages": [top, *parts],
        "relationships": described + contained,
        "hasExtractedLicensingInfos": _extracted(records),
    }
