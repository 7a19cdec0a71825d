# SPDX-License-Identifier: MIT
"""Step stock-kernel: Debian's own kernel image, unpacked, to compare XSC's with."""

from __future__ import annotations

import re
import shutil
from collections.abc import Mapping
from pathlib import Path

from xsc.build import apt, tools
from xsc.errors import InfraError, StepFailed
from xsc.graph.step import Json, Step, StepContext

_META = "linux-image-amd64"
_IMAGE = re.compile(r"^linux-image-\d\S*-amd64$")


def image_package() -> apt.Package:
    """Return the package that linux-image-amd64 depends on. InfraError when there is none."""
    for package in apt.resolve([_META]):
        if _IMAGE.match(package.name):
            return package
    raise InfraError(f"{_META} depends on no kernel image", hint="run: sudo apt-get update")


def _params() -> Mapping[str, Json]:
    return {"package": image_package().spec, "tools": dict(tools.versions(("depmod",)))}


def _build(context: StepContext) -> None:
    context.progress(0.05, f"fetching {image_package().name}")
    (deb,) = apt.download([image_package()], context.run)
    tree = context.work / "tree"
    shutil.rmtree(tree, ignore_errors=True)
    context.progress(0.5, "unpacking it")
    context.run(["dpkg-deb", "--extract", deb, tree])
    release = _only(tree / "lib" / "modules").name
    # The package computes module dependencies when it is installed; ours never is.
    context.run(["depmod", "--basedir", tree, release])
    shutil.move(tree / "boot" / f"vmlinuz-{release}", context.out / "vmlinuz")
    shutil.move(tree / "boot" / f"config-{release}", context.out / "config")
    shutil.move(tree / "lib" / "modules" / release, context.out / "modules")
    (context.out / "release").write_text(f"{release}\n")
    shutil.rmtree(tree)


def _only(directory: Path) -> Path:
    entries = list(directory.iterdir())
    if len(entries) != 1:
        raise StepFailed(f"{directory} holds {len(entries)} entries instead of one")
    return entries[0]


STEPS = (
    Step(
        name="stock-kernel",
        run=_build,
        inputs=("src/xsc/build/apt.py",),
        params=_params,
        estimate=12.0,
    ),
)
