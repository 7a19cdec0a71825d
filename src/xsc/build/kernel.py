# SPDX-License-Identifier: MIT
"""The kernel: Debian's source, our overlay and series, configured for PCs and guests."""

from __future__ import annotations

import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from xsc.build import kernel_debs, linux_tree
from xsc.build.debian_source import installed
from xsc.build.meter import meter
from xsc.errors import StepFailed
from xsc.graph.step import Json, Step, StepContext
from xsc.paths import ROOT, cache_home
from xsc.run import run

CONFIGS = "linux/configs"
DISTRIBUTION = "bookworm"
INPUTS = (linux_tree.BASE, linux_tree.PATCHES, linux_tree.OVERLAY, CONFIGS)
PACKER = "src/xsc/build/kernel_debs.py"
# What the kernel's selftests are built from.
SELFTEST_PARTS = ("Makefile", "Kbuild", "Kconfig", "arch/x86", "include", "scripts", "tools", "usr")

# What the log has per unit of work, for the progress display.
_COMPILED, _PACKED = b"  CC  ", b"dpkg-deb: building package"
_SETTING = re.compile(r"^(?:(CONFIG_\w+)=(.*)|# (CONFIG_\w+) is not set)$", re.MULTILINE)


@dataclass(frozen=True)
class Flavour:
    """A kernel to build: its configuration, and about how many C files that compiles."""

    fragments: tuple[str, ...]
    compilations: int
    packages: bool


SHIPPED = Flavour(("xsc", "hardware", "vm"), 2370, packages=True)
DEBUG = Flavour((*SHIPPED.fragments, "debug"), 2380, packages=False)
RACE = Flavour((*SHIPPED.fragments, "race"), 2380, packages=False)


def parse_config(text: str) -> dict[str, str]:
    """Return the settings of a .config or a fragment; an option that is not set has value `n`."""
    settings = {}
    for name, value, unset in _SETTING.findall(text):
        settings[name or unset] = value or "n"
    return settings


def lost_settings(config: str, fragments: list[str]) -> list[str]:
    """Return what the fragments ask for and the final configuration does not have.

    A later fragment overrides an earlier one; an option that does not exist counts as `n`.
    """
    wanted: dict[str, str] = {}
    for fragment in fragments:
        wanted |= parse_config(fragment)
    have = parse_config(config)
    return [
        f"{name}={value} (is {have.get(name, 'n')})"
        for name, value in sorted(wanted.items())
        if have.get(name, "n") != value
    ]


def _params() -> Mapping[str, Json]:
    base = linux_tree.base(ROOT)
    compiler = run(["gcc", "-dumpfullversion"]).stdout.strip()
    linker = run(["ld", "--version"]).stdout.splitlines()[0]
    return {"source": installed(base).sha256, "gcc": compiler, "ld": linker}


def _environment(ctx: StepContext) -> dict[str, str]:
    """Names and times that would otherwise be this machine's, and a shared compiler cache."""
    return {
        "KBUILD_BUILD_TIMESTAMP": datetime.fromtimestamp(ctx.epoch, UTC).strftime("%c UTC"),
        "KBUILD_BUILD_USER": "xsc",
        "KBUILD_BUILD_HOST": "xsc",
        "KBUILD_BUILD_VERSION": "1",
        "CCACHE_DIR": str(cache_home() / "ccache"),
        "CCACHE_BASEDIR": str(ctx.work),
        "CCACHE_NOHASHDIR": "1",
        # The compiler's own dependency files spare the preprocessor run of a cold build.
        "CCACHE_DEPEND": "1",
    }


def _make(ctx: StepContext, tree: Path, objects: Path, *targets: str) -> None:
    ctx.run(
        [
            "make",
            f"-j{ctx.jobs}",
            f"O={objects}",
            "CC=ccache gcc",
            "HOSTCC=ccache gcc",
            # Some programs of the headers package name their source files.
            f"HOSTCFLAGS=-ffile-prefix-map={tree}=. -ffile-prefix-map={objects}=.",
            # They are packed again.
            "KDEB_COMPRESS=none",
            "KDEB_PKGVERSION=1",
            f"KDEB_CHANGELOG_DIST={DISTRIBUTION}",
            *targets,
        ],
        cwd=tree,
        env=_environment(ctx),
    )


def _configure(ctx: StepContext, tree: Path, objects: Path, fragments: tuple[str, ...]) -> None:
    """Write .config from defconfig and the fragments, without touching it when nothing changes."""
    paths = [ctx.root / CONFIGS / f"{name}.config" for name in fragments]
    fresh = ctx.work / "config"
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir()
    _make(ctx, tree, fresh, "x86_64_defconfig")
    config = fresh / ".config"
    merged = "\n".join(path.read_text() for path in paths)
    # The last setting of an option wins in Kconfig.
    config.write_text(config.read_text() + merged)
    # No modules: the initramfs has nothing to load, and the medium boots anywhere.
    _make(ctx, tree, fresh, "olddefconfig", "mod2yesconfig")
    final = config.read_text()
    if lost := lost_settings(final, [path.read_text() for path in paths]):
        raise StepFailed(
            f"the configuration does not keep: {', '.join(lost)}",
            hint=f"mend the fragments in {CONFIGS}: an option has gone or lacks a dependency",
        )
    target = objects / ".config"
    if not target.exists() or target.read_text() != final:
        objects.mkdir(parents=True, exist_ok=True)
        target.write_text(final)


def _build(ctx: StepContext, flavour: Flavour) -> None:
    home = ctx.work / "tree"
    tree = linux_tree.update(ctx, home)
    if warning := installed(linux_tree.base(ctx.root)).differs(linux_tree.base(ctx.root)):
        ctx.progress(None, warning)
    objects = ctx.work / "objects"
    ctx.progress(0.05, "configuring")
    _configure(ctx, tree, objects, flavour.fragments)
    with meter(ctx, _COMPILED, flavour.compilations, (0.08, 0.9), "compiling the kernel"):
        _make(ctx, tree, objects, "bzImage")
    release = (objects / "include/config/kernel.release").read_text().strip()
    for source, name in (
        (objects / "arch/x86/boot/bzImage", "bzImage"),
        (objects / ".config", "config"),
        (objects / "System.map", "System.map"),
        (objects / "arch/x86/entry/vdso/vdsoxsc.so.dbg", "vdsoxsc.so"),
    ):
        shutil.copyfile(source, ctx.out / name)
    (ctx.out / "release").write_text(f"{release}\n")
    if flavour.packages:
        _packages(ctx, tree, objects)


def _packages(ctx: StepContext, tree: Path, objects: Path) -> None:
    # bindeb-pkg puts the packages beside the object tree.
    for stale in ctx.work.glob("linux-*.deb"):
        stale.unlink()
    with meter(ctx, _PACKED, 3, (0.9, 1.0), "packing Debian packages"):
        _make(ctx, tree, objects, "bindeb-pkg")
    debs = ctx.out / "debs"
    debs.mkdir()
    for kind in ("image", "headers"):
        found = sorted(ctx.work.glob(f"linux-{kind}-*.deb"))
        if len(found) != 1:
            raise StepFailed(f"the kernel build made {len(found)} {kind} packages instead of one")
        kernel_debs.repack(ctx, found[0], debs)


def build_kernel(ctx: StepContext) -> None:
    """Build the kernel that is shipped, and its packages."""
    _build(ctx, SHIPPED)


def build_debug_kernel(ctx: StepContext) -> None:
    """Build the kernel with KASAN, lockdep and the other checks; no packages."""
    _build(ctx, DEBUG)


def build_race_kernel(ctx: StepContext) -> None:
    """Build the kernel with KCSAN; no packages."""
    _build(ctx, RACE)


def unpack_source(ctx: StepContext) -> None:
    """Provide the parts of the patched tree from which the kernel's selftests are built."""
    tree = linux_tree.update(ctx, ctx.work / "tree")
    target = ctx.out / "linux"
    target.mkdir()
    for part in SELFTEST_PARTS:
        source = tree / part
        if source.is_dir():
            (target / part).parent.mkdir(parents=True, exist_ok=True)
            shutil.copytree(source, target / part, symlinks=True)
        else:
            shutil.copyfile(source, target / part)


STEPS = (
    Step("kernel", build_kernel, inputs=(*INPUTS, PACKER), params=_params, estimate=600.0),
    Step("kernel-debug", build_debug_kernel, inputs=INPUTS, params=_params, estimate=1200.0),
    Step("kernel-race", build_race_kernel, inputs=INPUTS, params=_params, estimate=1200.0),
    Step("linux-src", unpack_source, inputs=INPUTS[:3], params=_params, estimate=45.0),
)
