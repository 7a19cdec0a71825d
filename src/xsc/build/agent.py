# SPDX-License-Identifier: MIT
"""Step agent: the program in the guest that runs commands for `xsc vm exec`.

It is linked dynamically: its interpreter and libc are the guest's, so that it makes ring calls
there and no trap of its own disturbs what is counted.
"""

from __future__ import annotations

from collections.abc import Mapping

from xsc.graph.step import Json, Step, StepContext
from xsc.run import run

AGENT = "xsc-agent"
_SOURCE = "guest/agent"
_FLAGS = ("-std=gnu11", "-O2", "-Wall", "-Wextra", "-Wshadow", "-Werror")


def _params() -> Mapping[str, Json]:
    return {"flags": list(_FLAGS), "gcc": run(["gcc", "-dumpfullversion"]).stdout.strip()}


def _build(context: StepContext) -> None:
    context.progress(0.1, "compiling the guest agent")
    sources = sorted((context.root / _SOURCE).glob("*.c"))
    prefix = f"-ffile-prefix-map={context.root}=."
    target = context.out / AGENT
    context.run(["gcc", *_FLAGS, prefix, "-s", "-o", target, *sources])


STEPS = (Step(name="agent", run=_build, inputs=(_SOURCE,), params=_params, estimate=3.0),)
