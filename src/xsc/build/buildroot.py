# SPDX-License-Identifier: MIT
"""Step buildroot: the clean system that packages are built in, with XSC's library and tools."""

from __future__ import annotations

import os
from collections.abc import Mapping, Set
from pathlib import Path

from xsc.build import apt, inventory, tools
from xsc.build.namespace import stage
from xsc.build.rootfs import make_repository
from xsc.graph.step import Json, Step, StepContext

# Nothing is built from these, and every package unpacks the tree once.
_EXCLUDED = ("/usr/share/doc/*", "/usr/share/info/*", "/usr/share/man/*", "/usr/share/locale/*")
_KEPT = ("/usr/share/doc/*/copyright", "/usr/share/locale/locale.alias")
# Not xsc-sysroot: the C library of the tree itself is XSC's.
_TOOLCHAIN = ("xsc-toolchain", "xsc-toolchain-native")
# debhelper is no part of a minimal build root, but nearly every package wants it.
WANTED = ("?essential", "apt", "build-essential", "debhelper", "fakeroot")
ARCHIVE = "buildroot.tar.zst"
PACKAGES = "packages"
_NEEDS = ("glibc", "toolchain")
_TOOLS = ("mmdebstrap", "apt-ftparchive", "zstd")


def _params() -> Mapping[str, Json]:
    packages = apt.resolve(WANTED)
    return {
        "packages": [package.spec for package in packages],
        "tools": dict(tools.versions(_TOOLS)),
    }


def _own_packages(context: StepContext, names: Set[str]) -> list[Path]:
    """Return the packages of steps among `names`; they take the place of Debian's."""
    debs = [deb for need in _NEEDS for deb in sorted((context.input(need) / "debs").glob("*.deb"))]
    return [deb for deb in debs if inventory.package_of(deb.name) in names]


def build_buildroot(context: StepContext) -> None:
    """Install the packages with mmdebstrap and pack the tree."""
    packages = apt.resolve(WANTED)
    context.progress(0.05, f"fetching {len(packages)} Debian packages")
    files = apt.download(packages, context.run)
    names = {package.name for package in packages} | set(_TOOLCHAIN)
    local = _own_packages(context, names)
    with stage(context) as place:
        repo = make_repository(context, place / "repo", files, local)
        context.progress(0.3, f"installing {len(packages)} packages")
        argv = [
            "mmdebstrap",
            "--mode=root" if os.geteuid() == 0 else "--mode=unshare",
            "--variant=apt",
            f"--architectures={apt.ARCH}",
            "--skip=check/empty",
            '--aptopt=APT::Install-Recommends "false"',
            '--aptopt=Acquire::Languages "none"',
            '--aptopt=APT::Sandbox::User "root"',
            *(f"--dpkgopt=path-exclude={glob}" for glob in _EXCLUDED),
            *(f"--dpkgopt=path-include={glob}" for glob in _KEPT),
            # Java's packages link their manual pages there, whether or not they are excluded.
            '--customize-hook=mkdir -p "$1/usr/share/man/man1"',
            # The host's, copied for the time of the installation.
            '--customize-hook=rm -f "$1/etc/resolv.conf" "$1/etc/hostname"',
            '--customize-hook=rm -f "$1/etc/apt/sources.list"',
            f"--include={','.join(sorted(names))}",
            "bookworm",
            str(context.out / ARCHIVE if os.geteuid() == 0 else place / ARCHIVE),
            f"deb [trusted=yes] copy://{repo} ./",
        ]
        context.run(argv, env={"TMPDIR": str(place)})
        if os.geteuid() != 0:
            context.run(["cp", place / ARCHIVE, context.out / ARCHIVE])
    (context.out / PACKAGES).write_text("".join(f"{name}\n" for name in sorted(names)))
    context.progress(1.0, f"{len(packages)} packages")


STEPS = (
    Step(
        name="buildroot",
        run=build_buildroot,
        inputs=tuple(f"src/xsc/build/{name}.py" for name in ("apt", "namespace")),
        needs=_NEEDS,
        params=_params,
        estimate=60.0,
    ),
)
