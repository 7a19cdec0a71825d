# SPDX-License-Identifier: MIT
"""Read a finished medium back with two independent readers: pycdlib and xorriso's own report."""

from __future__ import annotations

import contextlib
import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from xsc.errors import StepFailed
from xsc.run import run

LABEL = "XSC_V7"
KERNEL = "boot/vmlinuz"
INITRD = "boot/initramfs.cpio.zst"
ROOTFS = "live/filesystem.squashfs"
BIOS_IMAGE = "boot/grub/eltorito.img"

_BLOCK = 1 << 20
_BOOT_IMAGE = re.compile(r"^El Torito boot img :\s+\d+\s+(BIOS|UEFI)\s+(y|n)\s")
_SUMMARY = re.compile(r"^System area summary:\s*(.*)$")
_MBR_PART = re.compile(r"^MBR partition\s+:\s+(\d+)\s+(0x[0-9a-f]{2})\s+(0x[0-9a-f]{2})\s")
_GPT_NAME = re.compile(r"^GPT type GUID\s+:\s+(\d+)\s+([0-9a-f]{32})\b")
_EFI_SYSTEM = "28732ac11ff8d211ba4b00a0c93ec93b"  # as the bytes lie on the disk


@dataclass(frozen=True)
class BootReport:
    """What firmware will find: El Torito images, the system area's kinds, partitions."""

    platforms: tuple[str, ...]
    system_area: tuple[str, ...]
    mbr_types: tuple[int, ...]
    active: bool
    gpt_types: tuple[str, ...]


def parse_report(text: str) -> BootReport:
    """Parse `xorriso -report_el_torito plain -report_system_area plain`."""
    platforms: list[str] = []
    area: list[str] = []
    mbr: list[tuple[int, int]] = []
    gpt: list[str] = []
    for line in text.splitlines():
        if match := _BOOT_IMAGE.match(line):
            if match[2] == "y":
                platforms.append(match[1])
        elif match := _SUMMARY.match(line):
            area = match[1].split()
        elif match := _MBR_PART.match(line):
            mbr.append((int(match[2], 16), int(match[3], 16)))
        elif match := _GPT_NAME.match(line):
            gpt.append(match[2])
    return BootReport(
        platforms=tuple(platforms),
        system_area=tuple(area),
        mbr_types=tuple(kind for _, kind in mbr),
        active=any(status == 0x80 for status, _ in mbr),
        gpt_types=tuple(gpt),
    )


def faults(report: BootReport) -> list[str]:
    """Return what keeps a medium with this report from booting somewhere; [] if nothing does."""
    found = []
    for platform, firmware in (("BIOS", "BIOS from CD"), ("UEFI", "UEFI from CD")):
        if platform not in report.platforms:
            found.append(f"no bootable El Torito image for {firmware}")
    if "grub2-mbr" not in report.system_area:
        found.append("no GRUB code in the MBR (BIOS from USB or disk)")
    if not report.active:
        found.append("no active MBR partition (some BIOSes then skip the disk)")
    if "GPT" not in report.system_area or _EFI_SYSTEM not in report.gpt_types:
        found.append("no EFI system partition in a GPT (UEFI from USB or disk)")
    return found


def report(iso: Path) -> BootReport:
    """Ask xorriso what is on the medium. StepFailed if it cannot read it."""
    argv: list[str | Path] = [
        "xorriso", "-no_rc", "-indev", iso,
        "-report_el_torito", "plain", "-report_system_area", "plain",
    ]  # fmt: skip
    return parse_report(run(argv).stdout)


def sha256(path: Path) -> str:
    """Return the hexadecimal SHA-256 of a file."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def checksums(iso: Path, names: Iterable[str]) -> tuple[str, dict[str, str]]:
    """Return the volume label and the SHA-256 of the named files, as pycdlib reads the medium.

    A file that is not on the medium is not in the result.
    """
    from pycdlib import PyCdlib  # costs 0.2 s, which a no-op build has no use for
    from pycdlib.pycdlibexception import PyCdlibException

    reader = PyCdlib()
    sums: dict[str, str] = {}
    try:
        reader.open(str(iso))
        label = reader.pvd.volume_identifier.decode("ascii", "replace").rstrip()
        for name in names:
            with contextlib.suppress(PyCdlibException):
                sums[name] = _digest(reader, name)
        reader.close()
    except PyCdlibException as error:
        raise StepFailed(f"{iso.name} is not a readable ISO 9660 image: {error}") from error
    return label, sums


def _digest(reader: Any, name: str) -> str:
    digest = hashlib.sha256()
    with reader.open_file_from_iso(rr_path=f"/{name}") as stream:
        while block := stream.read(_BLOCK):
            digest.update(block)
    return digest.hexdigest()


def check(iso: Path, contents: Mapping[str, Path]) -> BootReport:
    """Compare a medium with the files that should be on it. StepFailed lists every difference."""
    label, sums = checksums(iso, contents)
    found = [] if label == LABEL else [f"the volume is called {label!r} instead of {LABEL!r}"]
    for name, source in contents.items():
        if name not in sums:
            found.append(f"{name} is missing")
        elif sums[name] != sha256(source):
            found.append(f"{name} reads back differently")
    boot = report(iso)
    found += faults(boot)
    if found:
        raise StepFailed(
            f"{iso.name} is not what was to be written: {'; '.join(found)}",
            hint="look at the step's log; a full disk is the usual cause",
        )
    return boot
