# SPDX-License-Identifier: MIT
"""A small build graph, its client, and a checkout whose ./xsc builds it: both ends of a build.

Usage: farside.py build STEP [options of ./xsc build]    on the server
       farside.py client ROOT CACHE BUILD HOST CONFIG POLICY STEP...    on this side
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import sys
import time
from pathlib import Path

SRC = Path(__file__).resolve().parents[3] / "src"
if str(SRC) not in sys.path:
    sys.path.insert(0, str(SRC))

from xsc.__main__ import show  # noqa: E402
from xsc.errors import XscError  # noqa: E402
from xsc.graph.expect import check  # noqa: E402
from xsc.graph.history import History  # noqa: E402
from xsc.graph.plan import make_plan  # noqa: E402
from xsc.graph.runner import build  # noqa: E402
from xsc.graph.step import Step, StepContext  # noqa: E402
from xsc.paths import Paths, cache_home  # noqa: E402
from xsc.progress import PlainReporter  # noqa: E402
from xsc.remote.address import parse  # noqa: E402
from xsc.remote.backoff import Pauses  # noqa: E402
from xsc.remote.executor import Policy, RemoteExecutor  # noqa: E402

BIG_BYTES = 3_000_000
LINES = 40
PATIENCE_SECONDS = 300.0


def count_run(context: StepContext, name: str) -> None:
    """Leave one line per execution of a step, outside of the checkout and of every store."""
    runs = Path((context.root / "tally").read_text().strip())
    with runs.open("a") as stream:
        print(name, file=stream)


def far(context: StepContext) -> None:
    """Say much, until the file `gate` beside the tally says that it may end."""
    count_run(context, "far")
    gate = Path((context.root / "tally").read_text().strip()).with_name("gate")
    for number in range(LINES):
        context.progress(number / LINES, f"line {number} of {LINES}")
    # A test that was killed opens no gate.
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not gate.exists() and time.monotonic() < deadline:
        time.sleep(0.02)
    (context.out / "text").write_text((context.root / "input").read_text().upper())
    (context.out / "tool").write_text("#!/bin/sh\n")
    (context.out / "tool").chmod(0o755)
    (context.out / "link").symlink_to("text")
    (context.out / "empty").mkdir()


def big(context: StepContext) -> None:
    """Write more than one packet."""
    count_run(context, "big")
    (context.out / "noise").write_bytes(random.Random(1).randbytes(BIG_BYTES))
    (context.out / "small").write_text("small\n")


def greedy(context: StepContext) -> None:
    """Fill whatever disk there is."""
    count_run(context, "greedy")
    with (context.out / "zeros").open("wb") as stream:
        for _ in range(64):
            stream.write(bytes(1 << 20))


def broken(context: StepContext) -> None:
    """Fail."""
    count_run(context, "broken")
    context.run(["sh", "-c", "echo it says why; exit 3"])


def suicide(context: StepContext) -> None:
    """Take the whole job along."""
    count_run(context, "suicide")
    os.killpg(0, signal.SIGKILL)


def near(context: StepContext) -> None:
    """Be too short to be worth the way."""
    count_run(context, "near")
    (context.out / "text").write_text("near\n")


def top(context: StepContext) -> None:
    """Collect what lies below."""
    count_run(context, "top")
    (context.out / "text").write_text((context.input("far") / "text").read_text() + "top\n")


STEPS = (
    Step("far", far, inputs=("input",), estimate=60.0),
    Step("big", big, inputs=("input",), estimate=60.0),
    Step("greedy", greedy, estimate=60.0),
    Step("broken", broken, estimate=60.0),
    Step("suicide", suicide, estimate=60.0),
    Step("near", near, estimate=1.0),
    Step("top", top, needs=("far", "near"), estimate=1.0),
    Step("odd", near, estimate=60.0, params=lambda: {"cache": str(cache_home())}),
)
REGISTRY = {step.name: step for step in STEPS}


def serve(words: list[str]) -> None:
    """Be `./xsc build` on the server."""
    parser = argparse.ArgumentParser()
    parser.add_argument("step")
    parser.add_argument("--progress")
    parser.add_argument("--build-dir", type=Path)
    parser.add_argument("--expect", type=Path)
    options = parser.parse_args(words)
    paths = Paths(Path.cwd(), options.build_dir, cache_home())
    with History(paths.cache / "history.db", paths.build) as history:
        plan = make_plan([options.step], REGISTRY, paths, history)
        check(plan, options.expect.read_text())
        build(plan, paths, history, PlainReporter(sys.stderr), 2)


def ask(words: list[str]) -> None:
    """Be `./xsc build --remote` on this side."""
    root, cache, output, host, config, policy, *steps = words
    paths = Paths(Path(root), Path(output), Path(cache))
    address = parse(host, Path(config))
    with (
        History(paths.cache / "history.db", paths.build) as history,
        RemoteExecutor(address, paths, Policy(policy), 30.0, Pauses(0.1, 0.4)) as executor,
    ):
        plan = make_plan(steps, REGISTRY, paths, history)
        build(plan, paths, history, PlainReporter(sys.stderr), 2, (executor,))


if __name__ == "__main__":
    role = {"build": serve, "client": ask}[sys.argv[1]]
    try:
        role(sys.argv[2:])
    except XscError as error:
        show(error, False)
        sys.exit(error.exit_code)
