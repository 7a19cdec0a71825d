# SPDX-License-Identifier: MIT
"""A small build graph and a program that builds it, for tests that kill the builder.

Usage: toy.py ROOT CACHE BUILD TARGET. ROOT holds `input` and, to make a step slow, `seconds`.
"""

from __future__ import annotations

import sys
from pathlib import Path

SRC = Path(__file__).resolve().parents[3] / "src"
if str(SRC) not in sys.path:
    sys.path.insert(0, str(SRC))

from xsc.errors import StepFailed  # noqa: E402
from xsc.graph.history import History  # noqa: E402
from xsc.graph.plan import Plan, make_plan  # noqa: E402
from xsc.graph.runner import build  # noqa: E402
from xsc.graph.step import Step, StepContext  # noqa: E402
from xsc.paths import Paths  # noqa: E402
from xsc.progress import PlainReporter  # noqa: E402


def count_run(context: StepContext, name: str) -> None:
    """Leave one line per execution of a step in the checkout."""
    with (context.root / "runs").open("a") as runs:
        print(name, file=runs)


def base(context: StepContext) -> None:
    """Copy the input."""
    count_run(context, "base")
    (context.out / "text").write_bytes((context.root / "input").read_bytes())


def middle(context: StepContext) -> None:
    """Take as long as the file `seconds` says, writing beats from a child of a child."""
    count_run(context, "middle")
    seconds = (context.root / "seconds").read_text().strip()
    (context.out / "half").write_text("half-written\n")
    script = f"(for i in $(seq {int(float(seconds) * 20)}); do echo $i >> beats; sleep 0.05; done)"
    context.run(["sh", "-c", f"{script}; true"])
    context.progress(0.5, "half way")
    (context.out / "text").write_text((context.input("base") / "text").read_text().upper())


def top(context: StepContext) -> None:
    """Collect what lies below."""
    count_run(context, "top")
    (context.out / "text").write_text((context.input("middle") / "text").read_text())


def side(context: StepContext) -> None:
    """Depend on nothing."""
    count_run(context, "side")
    (context.out / "link").symlink_to("nowhere")


def broken(context: StepContext) -> None:
    """Fail, after having written something."""
    count_run(context, "broken")
    (context.out / "text").write_text("rubbish\n")
    context.run(["sh", "-c", "echo it says why; exit 3"])


def greedy(context: StepContext) -> None:
    """Read the output of a step that is not among the needs."""
    context.input("base")


def editor(context: StepContext) -> None:
    """Have an input edited while the step runs."""
    (context.root / "input").write_text("edited\n")


def full(context: StepContext) -> None:
    """Raise what an XscError raised by a step looks like."""
    raise StepFailed("no", hint="try harder")


STEPS = (
    Step("base", base, inputs=("input",)),
    Step("middle", middle, needs=("base",), params=lambda: {"tool": "1.0"}),
    Step("top", top, needs=("middle",)),
    Step("side", side),
    Step("broken", broken, needs=("base",)),
    Step("greedy", greedy),
    Step("full", full),
    Step("editor", editor, inputs=("input",)),
)
REGISTRY = {step.name: step for step in STEPS}


def make(paths: Paths, *targets: str) -> Plan:
    """Build targets of the toy graph and return the plan that was followed."""
    with History(paths.cache / "history.db", paths.build) as history:
        plan = make_plan(targets, REGISTRY, paths, history)
        build(plan, paths, history, PlainReporter(sys.stderr), 2)
    return plan


if __name__ == "__main__":
    checkout, cache, output, *names = sys.argv[1:]
    make(Paths(Path(checkout), Path(output), Path(cache)), *names)
