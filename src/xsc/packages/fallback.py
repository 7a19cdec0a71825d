# SPDX-License-Identifier: MIT
"""Build packages, and those whose source the archive has lost at the version before.

An archive keeps several versions of a source in its indexes, and may have the files of some only.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from xsc.graph.plan import Plan
from xsc.packages.attempts import Attempts
from xsc.packages.builder import Retry, Site, build_packages, failed_before, graph_plan, to_build
from xsc.packages.classify import Cause
from xsc.packages.steps import Planned, Say


@dataclass(frozen=True)
class Run:
    """How the packages of one run are built, and planned again."""

    site: Callable[[], Site]
    """Gives a place to build in; its reporter is closed before anything else is said."""
    plan: Callable[[Sequence[str]], list[Planned]]
    """Plans packages by their names, at versions that are not lost."""
    retry: Retry
    say: Say


def build_all(
    planned: Sequence[Planned], plan: Plan, todo: Sequence[Planned], run: Run
) -> list[Planned]:
    """Build `todo` until each is built, has failed otherwise, or has no version left.

    Returns the packages of `planned`, whose plan is `plan`, at the versions they have come to.
    Raises InfraError when the disk is full.
    """
    now = {one.name: one for one in planned}
    tried: set[tuple[str, str]] = set()
    while todo:
        tried |= {(one.name, one.source_version) for one in todo}
        site = run.site()
        try:
            build_packages(todo, plan, site)
        finally:
            site.reporter.close()
        gone = {one.name: one.source_version for one in todo if _is_lost(one, plan, site.attempts)}
        if not gone:
            break
        # Those alone: the others stay what they were when the run began, whatever the index is now.
        anew = run.plan(sorted(gone))
        now |= {one.name: one for one in anew}
        # No version twice: with another index, what was noted for the one before is forgotten.
        left = [one for one in anew if (one.name, one.source_version) not in tried]
        plan = graph_plan(left, site.paths, site.history)
        todo = to_build(left, plan, site.attempts, run.retry, only_failed=False)
        for one in left:
            if words := _words(one, plan, todo):
                run.say(f"{one.name}: the archive has no source of {gone[one.name]}; {words}")
    return list(now.values())


def _is_lost(package: Planned, plan: Plan, attempts: Attempts) -> bool:
    last = failed_before(package, plan, attempts)
    return last is not None and last.cause is Cause.SOURCE


def _words(package: Planned, plan: Plan, todo: Sequence[Planned]) -> str:
    """Return what is done about a package at an older version; nothing if it fails at that too."""
    if package in todo:
        return f"building {package.source_version}"
    is_built = package.steps and not {package.build_step, package.scan_step} & set(plan.missing)
    return f"{package.source_version} is built" if is_built else ""
