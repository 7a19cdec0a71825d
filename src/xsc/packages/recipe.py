# SPDX-License-Identifier: MIT
"""How one source package is built in a clean tree. Its digest is part of every package's key."""

from __future__ import annotations

import json
import shlex
import shutil
from dataclasses import dataclass
from email.utils import formatdate
from pathlib import Path

from xsc.build import apt, apt_source, buildroot
from xsc.build.namespace import as_root, isolated, stage
from xsc.errors import StepFailed
from xsc.graph.step import StepContext
from xsc.packages.archive import Source
from xsc.packages.classify import ENDED
from xsc.packages.versions import our_version

SCRIPTS = "image/buildroot"
MAINTAINER = "XSC developers <xsc@xsc.invalid>"
LIMIT_SECONDS = 8 * 3600


@dataclass(frozen=True)
class Recipe:
    """What the result of a build depends on, besides the build root."""

    source: Source
    packages: tuple[apt.Package, ...]
    """Everything that must be installed, the build root's own packages included."""
    revision: int
    options: tuple[str, ...]
    """DEB_BUILD_OPTIONS, without the number of jobs."""
    profiles: tuple[str, ...]
    traps: bool = False
    """Trap instructions are known to be in it: the toolchain warns of them instead of refusing."""

    @property
    def version(self) -> str:
        """The version of the packages."""
        return our_version(self.source.version, self.source.built, self.revision)


def changelog_entry(recipe: Recipe, epoch: int) -> str:
    """Return the entry that gives the packages their version, and marks them as a mere rebuild.

    Such packages still satisfy what depends on exactly the version of their source.
    """
    return (
        f"{recipe.source.name} ({recipe.version}) bookworm; urgency=low, binary-only=yes\n\n"
        "  * Built again against the C library of XSC; the source is unchanged.\n\n"
        f" -- {MAINTAINER}  {formatdate(epoch)}\n\n"
    )


def build_package(recipe: Recipe, context: StepContext) -> None:
    """Build the packages of one source in a tree of its own and hand them over."""
    name = recipe.source.name
    context.progress(0.02, f"fetching {recipe.version}")
    files = apt_source.download(name, recipe.source.version, context.run)
    root_names = set((context.input("buildroot") / buildroot.PACKAGES).read_text().split())
    extra = [package for package in recipe.packages if package.name not in root_names]
    debs = apt.download(extra, context.run)
    with stage(context) as place:
        root = place / "root"
        root.mkdir(mode=0o755)
        context.progress(0.1, f"unpacking the build root, {len(debs)} packages more")
        archive = context.input("buildroot") / buildroot.ARCHIVE
        # Device nodes are the kernel's root's to make; `enter` mounts a /dev of its own.
        unpack = ["tar", "-C", str(root), "--numeric-owner", "--exclude=./dev/*", "-xpf"]
        context.run([*as_root(), *unpack, archive])
        _provide(recipe, context, root, (files, debs))
        context.progress(0.15, "building")
        enter = context.root / SCRIPTS / "enter"
        done = context.run([*isolated(), enter, root, "/xsc/build"], check=False)
        print(f"{ENDED}{done.returncode}", file=context.log, flush=True)
        if done.returncode != 0:
            raise StepFailed(f"{name} {recipe.version} does not build")
        context.progress(0.95, "collecting the packages")
        _collect(recipe, context.out, root / "build")


def _provide(
    recipe: Recipe, context: StepContext, root: Path, inputs: tuple[Path, list[Path]]
) -> None:
    """Put everything that the build reads below /xsc of the tree."""
    files, debs = inputs
    own = root / "xsc"
    for folder, content in (("source", sorted(files.iterdir())), ("debs", debs)):
        (own / folder).mkdir(mode=0o755, parents=True)
        for file in content:
            shutil.copyfile(file, own / folder / file.name)
    shutil.copy(context.root / SCRIPTS / "build", own / "build")
    (own / "entry").write_text(changelog_entry(recipe, context.epoch))
    settings = {
        "OPTIONS": " ".join([*recipe.options, f"parallel={context.jobs}"]),
        "PROFILES": " ".join(recipe.profiles),
        "TRAPS": "warn" if recipe.traps else "refuse",
        "SECONDS_LIMIT": str(LIMIT_SECONDS),
    }
    lines = [f"{key}={shlex.quote(value)}\n" for key, value in settings.items()]
    (own / "settings").write_text("".join(lines))


def _collect(recipe: Recipe, out: Path, built: Path) -> None:
    found = sorted(built.glob("*.deb"))
    if not found:
        raise StepFailed(f"{recipe.source.name} built no package")
    (out / "debs").mkdir()
    for deb in found:
        shutil.copyfile(deb, out / "debs" / deb.name)
    for info in built.glob("*.buildinfo"):
        shutil.copyfile(info, out / info.name)
    result = {
        "source": recipe.source.name,
        "source_version": recipe.source.version,
        "version": recipe.version,
        "debs": [deb.name for deb in found],
    }
    (out / "result.json").write_text(json.dumps(result, indent=1) + "\n")
