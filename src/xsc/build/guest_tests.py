# SPDX-License-Identifier: MIT
"""The step `guest-tests`: the C programs of tests/guest, linked against the XSC libc."""

from __future__ import annotations

import re

from xsc.errors import StepFailed
from xsc.graph.step import Json, Step, StepContext
from xsc.run import run

SOURCES = "tests/guest"
TRANSPORT = "guest/include"
"""What the tests and the benchmarks share: the two ways into the kernel."""


def compiler_params() -> dict[str, Json]:
    """Return the compilers' versions: the programs depend on them."""
    return {name: run([name, "-dumpfullversion"]).stdout.strip() for name in ("gcc", "g++")}


def described(source: str) -> bool:
    """Say whether a test source says what it tests."""
    return re.search(r"^ \* Description: \S", source, re.MULTILINE) is not None


def build(ctx: StepContext) -> None:
    """Compile all programs. Raises StepFailed if one does not compile or does not say its aim."""
    sources = ctx.root / SOURCES
    for path in sorted(sources.glob("*.c")):
        if path.name != "twin.c" and not described(path.read_text()):
            raise StepFailed(
                f"{SOURCES}/{path.name} has no Description line",
                hint="say in the comment at the top what behaviour the program tests",
            )
    ctx.progress(None, "compiling the guest tests")
    ctx.run(
        [
            "make",
            "-C",
            sources,
            f"-j{ctx.jobs}",
            f"O={ctx.out}",
            f"SYSROOT={ctx.input('sysroot')}",
        ]
    )


STEPS = (
    Step(
        name="guest-tests",
        run=build,
        inputs=(SOURCES, TRANSPORT),
        needs=("sysroot",),
        params=compiler_params,
        estimate=25.0,
    ),
)
