# SPDX-License-Identifier: MIT
"""Step strace-tests: strace with its own test suite, built here, to be run in a guest."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path

from xsc.build import apt_source
from xsc.errors import StepFailed
from xsc.graph.step import Json, Step, StepContext
from xsc.run import run

PACKAGE = "strace"
VERSION = "6.1-0.1"
LIST = "tests.list"
# Its own kernel headers, as Debian changes structures in its 6.1; no stack traces, which need more
# libraries, and no other personalities, which need other compilers.
_CONFIGURE = (
    "--enable-bundled=yes",
    "--enable-mpers=no",
    "--enable-stacktrace=no",
    "--disable-gcc-Werror",
    "--disable-dependency-tracking",
)
_PRINT = "include Makefile\nxsc-print:\n\t@echo $(TESTS)\n"
# What the test programs were made of.
_SURPLUS = ("*.o", "*.a", "*.c", "Makefile*", "*.m4", "*.am")


def _params() -> Mapping[str, Json]:
    return {"gcc": run(["gcc", "-dumpfullversion"]).stdout.strip(), "version": VERSION}


def _unpack(context: StepContext) -> Path:
    files = apt_source.download(PACKAGE, VERSION, context.run)
    tree = context.work / "tree"
    shutil.rmtree(tree, ignore_errors=True)
    tree.mkdir()
    (tarball,) = files.glob("*.orig.tar.*z")
    context.run(["tar", "-xf", tarball, "-C", tree, "--strip-components=1"])
    return tree


def build(context: StepContext) -> None:
    """Compile strace and the programs it is tested with, and list its tests."""
    context.progress(0.05, "fetching the source")
    tree = _unpack(context)
    context.progress(0.1, "configuring")
    context.run(["./configure", *_CONFIGURE], cwd=tree)
    context.progress(0.2, "compiling strace")
    context.run(["make", f"-j{context.jobs}"], cwd=tree)
    context.progress(0.4, "compiling what it is tested with")
    context.run(["make", f"-j{context.jobs}", "-C", "tests", "check", "TESTS="], cwd=tree)
    names = context.run(
        ["make", "-s", "-C", "tests", "-f", "-", "xsc-print"],
        cwd=tree,
        input=_PRINT,
        capture=True,
    ).stdout.split()
    if len(names) < 1000:
        raise StepFailed(
            f"strace {VERSION} has {len(names)} tests",
            hint="its Makefile changed: mend _PRINT in xsc.build.strace_tests",
        )
    context.progress(0.9, f"{len(names)} tests")
    shutil.copytree(tree / "tests", context.out / "tests", ignore=shutil.ignore_patterns(*_SURPLUS))
    (context.out / "src").mkdir()
    for name in ("strace", "config.h"):
        shutil.copy2(tree / "src" / name, context.out / "src" / name)
    (context.out / LIST).write_text("".join(f"{name}\n" for name in sorted(names)))


STEPS = (
    Step(
        name="strace-tests",
        run=build,
        inputs=("src/xsc/build/apt.py", "src/xsc/build/apt_source.py"),
        params=_params,
        estimate=400.0,
    ),
)
