# SPDX-License-Identifier: MIT
"""Step guest-bench: the benchmark programs, and Debian's own C library for their trap lane.

A program of the image that is started by Debian's ld.so is untagged: it makes the same calls by
traps, on the same kernel and in the same boot.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping

from xsc.build import apt
from xsc.build.guest_tests import TRANSPORT
from xsc.elf.notes import xsc_abi
from xsc.errors import InfraError, StepFailed
from xsc.graph.step import Json, Step, StepContext
from xsc.run import run

SOURCES = "guest/bench"
STOCK = "stock"
LOADER = "ld-linux-x86-64.so.2"
_LIBRARIES = "lib/x86_64-linux-gnu"


def stock_libc() -> apt.Package:
    """Return Debian's own libc6. InfraError when apt knows none."""
    for package in apt.resolve(["libc6"]):
        if package.name == "libc6":
            return package
    raise InfraError("apt knows no libc6", hint="run: sudo apt-get update")


def _params() -> Mapping[str, Json]:
    gcc = run(["gcc", "-dumpfullversion"]).stdout.strip()
    return {"gcc": gcc, "package": stock_libc().spec}


def _unpack_stock(context: StepContext) -> None:
    """Put Debian's ld.so and the libraries of its package into `stock`."""
    (deb,) = apt.download([stock_libc()], context.run)
    tree = context.work / "libc6"
    shutil.rmtree(tree, ignore_errors=True)
    context.run(["dpkg-deb", "--extract", deb, tree])
    target = context.out / STOCK
    target.mkdir()
    for library in sorted((tree / _LIBRARIES).glob("*.so.*")):
        shutil.copy2(library, target / library.name)
    shutil.rmtree(tree)
    if xsc_abi((target / LOADER).read_bytes()) is not None:
        raise StepFailed(
            f"Debian's {LOADER} carries the XSC note: it is no baseline",
            hint="look at which repositories apt is configured for: libc6 has to be Debian's",
        )


def _build(context: StepContext) -> None:
    context.progress(0.1, "compiling the benchmark programs")
    context.run(
        [
            *("make", "-C", context.root / SOURCES, f"-j{context.jobs}"),
            *(f"O={context.out}", f"SYSROOT={context.input('sysroot')}"),
        ]
    )
    context.progress(0.6, "unpacking Debian's C library")
    _unpack_stock(context)


STEPS = (
    Step(
        name="guest-bench",
        run=_build,
        inputs=(SOURCES, TRANSPORT, "src/xsc/build/apt.py"),
        needs=("sysroot",),
        params=_params,
        estimate=12.0,
    ),
)
