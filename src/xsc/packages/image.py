# SPDX-License-Identifier: MIT
"""The image from rebuilt packages: the ordinary steps, given more packages of our own.

The steps of the image take a package of ours in place of Debian's wherever the C library's step has
one. Here they are given a directory in that step's place that holds rebuilt packages besides.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from xsc.build import apt, inventory, registry
from xsc.build.profiles import load
from xsc.graph.step import Step, StepContext
from xsc.packages import archive
from xsc.packages.steps import Planned
from xsc.repo.publish import link_or_copy

SUFFIX = "-rebuilt"
# The C library comes from its own step in every image.
LIBC = "glibc"


@dataclass(frozen=True)
class Image:
    """An image made of rebuilt packages where there are any."""

    steps: Mapping[str, Step]
    """All steps of the build graph, and those of this image."""
    rebuilt: tuple[str, ...]
    """Source packages that were built here, apart from the C library's."""
    older: tuple[str, ...] = ()
    """Those that were built here too, of a source older than Debian's: apt would not take them."""


def sources(root: Path, profile: str) -> tuple[str, ...]:
    """Return the source packages of a profile's image that hold machine code."""
    packages = apt.resolve(["?essential", *load(root, profile).packages.include])
    native = [package.name for package in packages if package.arch != "all"]
    return tuple(sorted(set(archive.sources_of(native).values())))


def with_rebuilt(profile: str, planned: Sequence[Planned], built: Sequence[str]) -> Image:
    """Return the steps of an image in which the packages named in `built` take Debian's place.

    Those that are older than Debian's do not: the image would lack an update that Debian has.
    """
    there = [one for one in planned if one.name in built and one.name != LIBC]
    chosen = [one for one in there if not one.newer]
    makers = tuple(one.build_step for one in chosen)
    base_root, base_iso = registry()[f"rootfs-{profile}"], registry()[f"iso-{profile}"]
    rootfs = Step(
        name=base_root.name + SUFFIX,
        run=partial(build_rootfs, base_root, makers),
        inputs=(*base_root.inputs, "src/xsc/build/rootfs.py"),
        needs=(*base_root.needs, *makers),
        params=base_root.params,
        estimate=base_root.estimate,
    )
    iso = Step(
        name=base_iso.name + SUFFIX,
        run=partial(build_iso, base_iso, base_root.name),
        inputs=(*base_iso.inputs, "src/xsc/build/iso.py"),
        needs=tuple(rootfs.name if need == base_root.name else need for need in base_iso.needs),
        params=base_iso.params,
        estimate=base_iso.estimate,
    )
    own = {step.name: step for one in chosen for step in one.steps}
    steps = {**registry(), **own, rootfs.name: rootfs, iso.name: iso}
    older = (one.name for one in there if one.newer)
    return Image(steps, tuple(sorted(one.name for one in chosen)), tuple(sorted(older)))


def build_rootfs(base: Step, makers: Sequence[str], context: StepContext) -> None:
    """Run the step `base` with the packages of `makers` beside those of the C library."""
    own = context.work / "own"
    shutil.rmtree(own, ignore_errors=True)
    (own / "debs").mkdir(parents=True)
    wanted = base.params()["packages"]
    assert isinstance(wanted, list)
    names = {str(spec).partition("=")[0] for spec in wanted}
    for maker in (LIBC, *makers):
        for deb in sorted((context.input(maker) / "debs").glob("*.deb")):
            # Of a rebuilt source only what the image holds; the rest is in the repository.
            if maker == LIBC or inventory.package_of(deb.name) in names:
                link_or_copy(deb, own / "debs" / deb.name)
    base.run(replace(context, upstream={**context.upstream, LIBC: own}))
    shutil.rmtree(own)


def build_iso(base: Step, rootfs: str, context: StepContext) -> None:
    """Run the step `base` with the other root file system."""
    upstream = {**context.upstream, rootfs: context.input(rootfs + SUFFIX)}
    base.run(replace(context, upstream=upstream))
