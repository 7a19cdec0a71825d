# SPDX-License-Identifier: MIT
"""Packages whose build is a few lines of Python, and a program that builds them.

Started as a program: packagekit.py ROOT. ROOT/order names the packages; what happens to one is in
the file of its name: `fail`, `machine`, `slow`, `trap`, or nothing of that.
"""

from __future__ import annotations

import functools
import json
import sys
import time
from pathlib import Path

from xsc.errors import InfraError, StepFailed
from xsc.graph.history import History
from xsc.graph.step import Step, StepContext
from xsc.graph.store import Store
from xsc.packages.builder import Site, build_packages, graph_plan, to_build
from xsc.packages.scanning import RESULT
from xsc.packages.sets import Fact, Kind, Known
from xsc.packages.state import Row, rows
from xsc.packages.steps import Planned
from xsc.paths import Paths
from xsc.progress import Mode
from xsc.reporters import make_reporter

REASON = "a reason that is long enough"


def build(root: Path, name: str, context: StepContext) -> None:
    """Do what the package's file says, and count it."""
    with (root / "builds").open("a") as stream:
        stream.write(f"{name}\n")
    print("xsc: phase build", file=context.log, flush=True)
    what = (root / name).read_text()
    if "slow" in what:
        time.sleep(600)
    if "fail" in what:
        print("a.c:1:1: error: no\nxsc: ended with 1", file=context.log)
        raise StepFailed("does not build")
    if "machine" in what:
        raise InfraError("the line is down")
    (context.out / "debs").mkdir()


def scan(root: Path, name: str, context: StepContext) -> None:
    """Find what the package's file says."""
    finds = {"p: bin/p": ["bin/p: syscall"]} if "trap" in (root / name).read_text() else {}
    (context.out / RESULT).write_text(json.dumps({"programs": 1, "finds": finds}))


def planned(root: Path) -> list[Planned]:
    """Return the packages of `root`."""
    found = []
    for name in (root / "order").read_text().split():
        version = (
            (root / f"{name}.version").read_text() if (root / f"{name}.version").exists() else "1"
        )
        made = Step(
            f"package-{name}",
            functools.partial(build, root, name),
            params=functools.partial(dict, version=version),
        )
        scanned = Step(f"traps-{name}", functools.partial(scan, root, name), needs=(made.name,))
        found.append(Planned(name, version, (made, scanned)))
    return found


def run(root: Path, retry: bool = False, only_failed: bool = False) -> list[Row]:
    """Build what is missing and return how all packages stand."""
    paths = Paths(root=root, build=root / "build", cache=root / "cache")
    packages = planned(root)
    with History(paths.cache / "history.db", paths.build) as history:
        plan = graph_plan(packages, paths, history)
        site = Site(paths, history, make_reporter(Mode.PLAIN), 1)
        todo = to_build(packages, plan, site.attempts, lambda attempt: retry, only_failed)
        build_packages(todo, plan, site)
        facts = {"known": Fact(kind=Kind.TRAPS, reason=REASON)}
        known = Known(revision=1, steps={}, facts=facts)
        return rows(packages, plan, site.attempts, Store(paths.store), known)


if __name__ == "__main__":
    for row in run(Path(sys.argv[1])):
        print(row.source, row.words)
