# SPDX-License-Identifier: MIT
"""Versions of the host's image tools: another compressor or boot loader makes other bytes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache

from xsc.errors import InfraError
from xsc.run import run

# Debian package of each tool; the package's version says more than what the tool prints.
PACKAGES: Mapping[str, str] = {
    "apt-ftparchive": "apt-utils",
    "depmod": "kmod",
    "dpkg-deb": "dpkg",
    "grub-efi": "grub-efi-amd64-bin",
    "grub-mkimage": "grub-common",
    "grub-pc": "grub-pc-bin",
    "linux-source": "linux-source-6.1",
    "mcopy": "mtools",
    "mkfs.fat": "dosfstools",
    "mksquashfs": "squashfs-tools",
    "mmdebstrap": "mmdebstrap",
    "xorriso": "xorriso",
    "zstd": "zstd",
}


@cache
def _installed() -> Mapping[str, str]:
    layout = "${Package} ${Version} ${db:Status-Abbrev}\n"
    names = sorted(set(PACKAGES.values()))
    found = {}
    for line in run(["dpkg-query", "-W", "-f", layout, *names], check=False).stdout.splitlines():
        fields = line.split()
        if len(fields) == 3 and fields[2].startswith("ii"):
            found[fields[0]] = fields[1]
    return found


def versions(names: Iterable[str]) -> dict[str, str]:
    """Return the package version of each tool. InfraError when one is not installed."""
    wanted = {name: PACKAGES[name] for name in names}
    missing = sorted({package for package in wanted.values() if package not in _installed()})
    if missing:
        raise InfraError(
            f"not installed: {', '.join(missing)}",
            hint=f"sudo apt-get install {' '.join(missing)}",
        )
    return {name: _installed()[package] for name, package in wanted.items()}


def kernel_source() -> str:
    """Return the version of Debian's linux source package that the kernel step builds from."""
    return versions(("linux-source",))["linux-source"]
