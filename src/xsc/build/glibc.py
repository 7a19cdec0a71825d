# SPDX-License-Identifier: MIT
"""The C library: Debian's glibc with the gate in it, as Debian packages."""

from __future__ import annotations

import hashlib
import re
import shutil
from collections.abc import Mapping
from email.utils import formatdate
from pathlib import Path

from xsc.build import debian_source
from xsc.build.debian_source import Base, installed, read_base, series
from xsc.build.meter import meter
from xsc.elf.allowance import parse_allowances, violations
from xsc.elf.notes import xsc_abi
from xsc.elf.traps import Scan, scan
from xsc.errors import StepFailed
from xsc.graph.step import Json, Step, StepContext
from xsc.paths import ROOT, cache_home
from xsc.run import run

BASE = "glibc/BASE"
PATCHES = "glibc/patches"
OVERLAY = "glibc/overlay"
CHANGELOG = "glibc/debian/changelog.in"
TRAPFREE = "glibc/trapfree.data"
INPUTS = (BASE, PATCHES, OVERLAY, CHANGELOG, TRAPFREE)

PACKAGES = ("libc6", "libc-bin", "libc6-dev", "libc-dev-bin", "nscd", "libc-l10n", "locales")
TAGGED = ("ld-linux-x86-64.so.2", "libc.so.6", "crt1.o", "Scrt1.o", "rcrt1.o", "gcrt1.o")
REVISION = "+xsc1"
COMPILATIONS = 7600
MAINTAINER = "XSC developers <xsc@xsc.invalid>"
# Whatever shapes the packages beside the source; build-essential brings the compiler.
TOOLS = (
    "gcc-12",
    "binutils",
    "debhelper",
    "dpkg-dev",
    "libaudit-dev",
    "libcap-dev",
    "libselinux1-dev",
    "linux-libc-dev",
)

_CHANGELOG_HEAD = re.compile(r"^glibc \((?P<version>[^)]+)\) (?P<distribution>[^;]+);")


def our_version(debian: str) -> str:
    """Return the version of our packages: after Debian's `debian`, before its next update."""
    return debian + REVISION


def changelog(template: str, original: str, epoch: int) -> str:
    """Return Debian's changelog `original` with our entry, dated `epoch`, on top.

    Raises StepFailed if `original` does not start with an entry of glibc.
    """
    head = _CHANGELOG_HEAD.match(original)
    if head is None:
        raise StepFailed("the changelog of glibc-source does not start with an entry of glibc")
    values = {
        "VERSION": our_version(head["version"]),
        "DISTRIBUTION": head["distribution"],
        "MAINTAINER": MAINTAINER,
        "DATE": formatdate(epoch),
    }
    entry = re.sub(r"@(\w+)@", lambda match: values[match[1]], template)
    return entry + original


def base(root: Path) -> Base:
    """Return which source package the series was made for."""
    return read_base(root / BASE)


def _params() -> Mapping[str, Json]:
    layout = "${Package} ${Version}\n"
    answer = run(["dpkg-query", "-W", "-f", layout, *TOOLS], check=False).stdout
    tools: list[Json] = [*sorted(answer.splitlines())]
    return {"source": installed(base(ROOT)).sha256, "tools": tools}


def _source_digest(ctx: StepContext) -> str:
    """Identify the tree to build, so that an interrupted build goes on and another starts anew."""
    digest = hashlib.sha256(installed(base(ctx.root)).sha256.encode())
    files = [ctx.root / CHANGELOG, *series(ctx.root / PATCHES)]
    files += sorted(path for path in (ctx.root / OVERLAY).rglob("*") if path.is_file())
    for path in files:
        content = hashlib.sha256(path.read_bytes()).hexdigest()
        digest.update(f"{path.relative_to(ctx.root)} {content}\n".encode())
    digest.update(str(ctx.epoch).encode())
    return digest.hexdigest()[:16]


def _prepare(ctx: StepContext) -> Path:
    """Return the patched tree, unpacked by an earlier attempt or now."""
    # One path for every source: logs and debug information then say the same.
    home = ctx.work / "tree"
    tree = home / "glibc"
    stamp = home / "ready"
    digest = _source_digest(ctx)
    if stamp.exists() and stamp.read_text() == digest:
        return tree
    for stale in ctx.work.iterdir():
        shutil.rmtree(stale)
    wanted = base(ctx.root)
    packaging = wanted.packaging
    if packaging is None:
        raise StepFailed(f"{BASE} has no packaging")
    ctx.progress(0.0, f"unpacking {wanted.tarball.name}")
    tree.mkdir(parents=True)
    ctx.run(["tar", "-C", tree, "--strip-components=1", "-xf", wanted.tarball])
    debian_source.apply_series(tree, series(ctx.root / PATCHES), ctx.run)
    debian_source.copy_overlay(ctx.root / OVERLAY, tree)
    shutil.copytree(packaging, tree / "debian", symlinks=True)
    log = tree / "debian/changelog"
    log.write_text(changelog((ctx.root / CHANGELOG).read_text(), log.read_text(), ctx.epoch))
    control = tree / "debian/control"
    # Bugs of these packages are ours, not those of Debian's maintainers.
    control.write_text(
        re.sub(r"(?m)^Maintainer: (.*)$", _maintainer_fields, control.read_text(), count=1)
    )
    stamp.write_text(digest)
    return tree


def _maintainer_fields(match: re.Match[str]) -> str:
    return f"Maintainer: {MAINTAINER}\nXSBC-Original-Maintainer: {match[1]}"


def _rules(ctx: StepContext, tree: Path, *targets: str) -> None:
    """Run targets of debian/rules: names of the stamps it keeps for what is done."""
    path = f"/usr/lib/ccache:{run(['printenv', 'PATH']).stdout.strip()}"
    flags = f"-pipe -O2 -ffile-prefix-map={tree}=."
    ctx.run(
        [
            "make",
            "-f",
            "debian/rules",
            # Only memusagestat, which is in no package of ours, draws with libgd.
            "LIBGD=no",
            # Debian's flags without -g: the debug package is not built.
            f"HOST_CFLAGS={flags}",
            f"BUILD_CFLAGS={flags}",
            *(f"{tree}/stamp-dir/{target}" for target in targets),
        ],
        cwd=tree,
        env={
            "PATH": path,
            "LC_ALL": "C",
            "DEB_BUILD_PROFILES": "nobiarch nocheck noudeb",
            "DEB_BUILD_OPTIONS": f"nocheck noautodbgsym parallel={ctx.jobs}",
            "DEB_RULES_REQUIRES_ROOT": "no",
            "CCACHE_DIR": str(cache_home() / "ccache"),
            "CCACHE_BASEDIR": str(ctx.work),
            "CCACHE_NOHASHDIR": "1",
            # glibc asks the compiler for dependencies anyway: no second preprocessor run.
            "CCACHE_DEPEND": "1",
            # The tree has just been unpacked, its times say nothing.
            "CCACHE_SLOPPINESS": "include_file_mtime,include_file_ctime",
            "MAKEFLAGS": None,
            "MAKELEVEL": None,
        },
    )


def _package(ctx: StepContext, tree: Path) -> tuple[Path, ...]:
    """Make the packages anew: an interrupted attempt leaves maintainer scripts half written."""
    ctx.run(["dh_clean"], cwd=tree)
    for kind in ("install_*", "debhelper*", "binaryinst_*"):
        for stamp in (tree / "stamp-dir").glob(kind):
            stamp.unlink()
    for stale in tree.parent.glob("*.deb"):
        stale.unlink()
    _rules(ctx, tree, *(f"binaryinst_{name}" for name in PACKAGES))
    found = []
    for name in PACKAGES:
        debs = sorted(tree.parent.glob(f"{name}_*.deb"))
        if len(debs) != 1:
            raise StepFailed(f"the build made {len(debs)} packages called {name} instead of one")
        found.append(debs[0])
    return tuple(found)


def check_tree(unpacked: Path, allowed: str) -> None:
    """Check that unpacked packages hold no trap but the `allowed` and carry the note.

    Raises StepFailed that names every instruction, wrong count and untagged file.
    """
    total = Scan()
    names = []
    untagged = set(TAGGED)
    for path in sorted(path for path in unpacked.rglob("*") if path.is_file()):
        if path.is_symlink():
            continue
        image = path.read_bytes()
        names.append(path.name)
        total += scan(image, path.name)
        if path.name in untagged and xsc_abi(image) == 1:
            untagged.remove(path.name)
    found = [*violations(total.traps, names, parse_allowances(allowed))]
    found += [f"{name}: not there, or without the XSC note" for name in sorted(untagged)]
    if found:
        raise StepFailed(
            "the C library is not free of traps:\n" + "\n".join(found),
            hint=f"convert the site to XSC_ENTER, or give it a line with a reason in {TRAPFREE}",
        )


def build_glibc(ctx: StepContext) -> None:
    """Build the packages, prove that they hold no trap, and hand them over."""
    if warning := installed(base(ctx.root)).differs(base(ctx.root)):
        ctx.progress(None, warning)
    tree = _prepare(ctx)
    with meter(ctx, b" -c ", COMPILATIONS, (0.02, 0.75), "compiling the C library"):
        _rules(ctx, tree, "build_libc", "build_C.utf8")
    ctx.progress(0.75, "packing Debian packages")
    debs = _package(ctx, tree)
    ctx.progress(0.97, "looking for trap instructions")
    unpacked = tree.parent / "unpacked"
    shutil.rmtree(unpacked, ignore_errors=True)
    for deb in debs:
        ctx.run(["dpkg-deb", "-x", deb, unpacked])
    check_tree(unpacked, (ctx.root / TRAPFREE).read_text())
    (ctx.out / "debs").mkdir()
    for deb in debs:
        shutil.copyfile(deb, ctx.out / "debs" / deb.name)
    version = ctx.run(
        ["dpkg-parsechangelog", "-l", tree / "debian/changelog", "-S", "Version"], capture=True
    )
    (ctx.out / "version").write_text(version.stdout)


STEPS = (Step("glibc", build_glibc, inputs=INPUTS, params=_params, estimate=480.0),)
