# SPDX-License-Identifier: MIT
"""The papers of a medium: checksums, package manifest, bill of materials, sources."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from xsc.build import inventory, isocheck, spdx, tools
from xsc.build.initramfs import busybox
from xsc.build.profiles import Profile
from xsc.graph.step import StepContext
from xsc.version import VERSION

_SOURCES_HEAD = """\
# Corresponding sources of {iso}, one Debian source package per line.
# Get one with `apt-get source NAME=VERSION` (deb-src enabled). A version with +xsc is the Debian
# version before the +, with the changes of the glibc/ directory of the XSC source tree; the kernel
# is linux with linux/overlay and linux/patches of the same tree, release {version}.
"""


def _artifacts(context: StepContext, contents: Mapping[str, Path]) -> list[spdx.Artifact]:
    """Return what the medium holds beside the root file system."""
    kernel = (context.input("kernel") / "release").read_text().strip()
    libc = (context.input("glibc") / "version").read_text().strip()
    return [
        spdx.Artifact(
            name=isocheck.KERNEL,
            version=kernel,
            sha256=isocheck.sha256(contents[isocheck.KERNEL]),
            licence="GPL-2.0-only",
            source=f"Debian source package linux, {tools.kernel_source()}, with XSC's changes",
        ),
        spdx.Artifact(
            name=isocheck.INITRD,
            version=VERSION,
            sha256=isocheck.sha256(contents[isocheck.INITRD]),
            licence="GPL-2.0-only AND LGPL-2.1-or-later AND MIT",
            source=f"{busybox().spec}, glibc={libc}, and image/initramfs of XSC",
        ),
    ]


def source_lines(records: Sequence[inventory.Record], extra: Mapping[str, str], iso: str) -> str:
    """Return the corresponding-source list: the packages' sources and `extra` name: version."""
    lines = {f"{record.source}={record.source_version}" for record in records}
    lines |= {f"{name}={version}" for name, version in extra.items()}
    head = _SOURCES_HEAD.format(iso=iso, version=VERSION)
    return head + "".join(f"{line}\n" for line in sorted(lines))


def _extra_sources() -> dict[str, str]:
    loader = tools.versions(("grub-mkimage",))["grub-mkimage"]
    box = busybox().version.partition("+b")[0]  # without the counter of Debian's rebuilds
    return {"linux": tools.kernel_source(), "grub2": loader, "busybox": box}


def write(context: StepContext, profile: Profile, iso: Path, contents: Mapping[str, Path]) -> None:
    """Write the papers beside the medium `iso` in the step's output directory."""
    records = inventory.read(context.input(f"rootfs-{profile.name}"))
    medium = spdx.Artifact(
        name=iso.name,
        version=VERSION,
        sha256=isocheck.sha256(iso),
        licence="NOASSERTION",
        source=f"XSC {VERSION}, profile {profile.name}",
    )
    bill = spdx.document(medium, _artifacts(context, contents), records, context.epoch)
    papers = {
        ".manifest": "".join(f"{item.name} {item.version} {item.arch}\n" for item in records),
        ".spdx.json": json.dumps(bill, indent=1, ensure_ascii=False) + "\n",
        ".sources": source_lines(records, _extra_sources(), iso.name),
    }
    for suffix, text in papers.items():
        iso.with_suffix(suffix).write_text(text, encoding="utf-8")
    files = sorted(path for path in context.out.iterdir() if path.is_file())
    sums = "".join(f"{isocheck.sha256(path)}  {path.name}\n" for path in files)
    (context.out / "SHA256SUMS").write_text(sums)
