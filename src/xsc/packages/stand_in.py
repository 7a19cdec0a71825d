# SPDX-License-Identifier: MIT
"""Build a package without something that it asks for and that cannot be had for XSC.

The build root then counts an empty package of that name as installed. Only packages that need this
are built by this module: a change of it is no change for the others.
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from xsc.build import buildroot
from xsc.graph.step import StepContext
from xsc.packages.recipe import MAINTAINER, Recipe, build_package

STATUS = "./var/lib/dpkg/status"
# Higher than any version that is asked for.
VERSION = "999:0"


def build_without(names: Sequence[str], recipe: Recipe, context: StepContext) -> None:
    """Build the packages of one source in a tree where empty packages stand in for `names`."""
    own = context.work / "buildroot"
    shutil.rmtree(own, ignore_errors=True)
    own.mkdir()
    _add_stand_ins(names, context, own)
    build_package(recipe, replace(context, upstream={**context.upstream, "buildroot": own}))
    shutil.rmtree(own)


def stanza(name: str) -> str:
    """Return what dpkg's status file says of an installed, empty package."""
    fields = {
        "Package": name,
        "Status": "install ok installed",
        "Maintainer": MAINTAINER,
        "Architecture": "amd64",
        "Version": VERSION,
        "Description": "stands in for a package that XSC has not",
    }
    return "".join(f"{key}: {value}\n" for key, value in fields.items()) + "\n"


def _add_stand_ins(names: Sequence[str], context: StepContext, own: Path) -> None:
    """Copy the build root to `own`, with the stand-ins in it."""
    given = context.input("buildroot")
    shutil.copyfile(given / buildroot.PACKAGES, own / buildroot.PACKAGES)
    tree, archive = own / "tree", own / buildroot.ARCHIVE
    tree.mkdir()
    # Not compressed: it is read once.
    context.run(["zstd", "-q", "-d", given / buildroot.ARCHIVE, "-o", archive])
    context.run(["tar", "-C", tree, "-xf", archive, STATUS])
    with (tree / STATUS).open("a") as status:
        status.write("".join(stanza(name) for name in names))
    # Of two files with one name in an archive the later is the one that stays.
    owner = ["--owner=0", "--group=0", "--mode=0644"]
    context.run(["tar", "-C", tree, *owner, "-rf", archive, STATUS])
    shutil.rmtree(tree)
