# SPDX-License-Identifier: MIT
"""Source packages as steps of the build graph: one that builds, one that scans the result."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from functools import partial

from debian.debian_support import Version

from xsc.build import apt, registry
from xsc.errors import UsageError
from xsc.graph.step import Json, Step
from xsc.packages import archive, lost
from xsc.packages.recipe import SCRIPTS, Recipe, build_package
from xsc.packages.scanning import scan_packages
from xsc.packages.sets import Known
from xsc.packages.stand_in import build_without
from xsc.run import stop_all, stopping

ESTIMATE_SECONDS = 240.0
NO_BIARCH = "nobiarch"
"""The build profile that leaves out what a package has for 32-bit programs."""
NOT_OURS = frozenset({"libc6-dbg", "libc6-dev-i386", "libc6-dev-x32", "libc6-i386", "libc6-x32"})
"""Packages of Debian's C library that want exactly Debian's libc6 beside them."""
Say = Callable[[str], None]


@dataclass(frozen=True)
class Options:
    """How packages are built."""

    run_tests: bool = False

    def build_options(self) -> tuple[str, ...]:
        """Return DEB_BUILD_OPTIONS: no debug symbols, and no tests unless they are wanted."""
        return ("noautodbgsym",) if self.run_tests else ("noautodbgsym", "nocheck")

    def profiles(self) -> tuple[str, ...]:
        """Return the build profiles that go with them."""
        return () if self.run_tests else ("nocheck",)


@dataclass(frozen=True)
class Planned:
    """A source package with its steps, or with the reason why it cannot be built now."""

    name: str
    version: str
    """Of the packages that come out."""
    steps: tuple[Step, ...] = ()
    waits: str = ""
    """What is missing to build it."""
    source_version: str = ""
    """Of the source that it is built from. Empty if a step of the build graph has its own."""
    lost: tuple[str, ...] = ()
    """Versions of the source that the index names and the archive has not, newest first."""

    @property
    def newer(self) -> tuple[str, ...]:
        """The lost versions after its own. If there are any, it is older than Debian's package."""
        return tuple(one for one in self.lost if Version(one) > Version(self.source_version))

    @property
    def build_step(self) -> str:
        """Name of the step that makes the packages."""
        return self.steps[0].name

    @property
    def scan_step(self) -> str:
        """Name of the step that looks for traps in them."""
        return self.steps[-1].name


def _facts(recipe: Recipe, left_out: Sequence[str]) -> Mapping[str, Json]:
    return {
        **({"left out": list(left_out)} if left_out else {}),
        "source": asdict(recipe.source),
        "packages": [package.spec for package in recipe.packages],
        "version": recipe.version,
        "options": list(recipe.options),
        "profiles": list(recipe.profiles),
        "traps": recipe.traps,
    }


def package_steps(recipe: Recipe, left_out: Sequence[str] = ()) -> tuple[Step, Step]:
    """Return the steps of one source package, which is built without `left_out`."""
    name = recipe.source.name
    inputs = [SCRIPTS, "src/xsc/build/namespace.py"]
    run = partial(build_package, recipe)
    if left_out:
        run = partial(build_without, tuple(left_out), recipe)
        # By another module, whose digest alone is in the key.
        inputs += ["src/xsc/packages/recipe.py"]
    build = Step(
        name=f"package-{name}",
        run=run,
        inputs=tuple(inputs),
        needs=("buildroot",),
        params=partial(_facts, recipe, left_out),
        estimate=ESTIMATE_SECONDS,
    )
    return build, scan_step(name, build.name)


def scan_step(name: str, made_by: str) -> Step:
    """Return the step that scans what the step `made_by` made of a source package."""
    return Step(
        name=f"traps-{name}",
        run=partial(scan_packages, made_by),
        inputs=("src/xsc/elf",),
        needs=(made_by,),
        estimate=5.0,
    )


def _closure(
    source: archive.Source, profiles: Sequence[str]
) -> tuple[tuple[apt.Package, ...], tuple[str, ...]]:
    """Return what has to be installed to build a package, and the profiles to build it with.

    Raises DepWait if that cannot be had.
    """
    chosen = tuple(profiles)
    packages = archive.closure(source, chosen)
    if _of_debians_libc(packages):
        chosen = (*chosen, NO_BIARCH)
        packages = archive.closure(source, chosen)
    if alien := _of_debians_libc(packages):
        raise archive.DepWait(f"it needs {', '.join(alien)}, of which XSC has none of its own")
    return packages, chosen


def _of_debians_libc(packages: Iterable[apt.Package]) -> list[str]:
    return [package.name for package in packages if package.name in NOT_OURS]


def _solve(asked: Sequence[tuple[archive.Source, Sequence[str]]], say: Say) -> None:
    """Have apt work out what packages with their profiles need: seconds for each, once."""
    open_questions = [one for one in asked if not archive.is_solved(*one)]
    if not open_questions:
        return
    say(f"asking apt what {len(open_questions)} packages need to be built (once per index)")

    def ask(question: tuple[archive.Source, Sequence[str]]) -> None:
        if stopping():
            raise KeyboardInterrupt
        try:
            _closure(*question)
        except archive.DepWait:
            pass  # an answer like any other, and kept

    with ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:
        try:
            list(pool.map(ask, open_questions))
        except BaseException:
            stop_all()
            raise


def plan_packages(names: Sequence[str], known: Known, options: Options, say: Say) -> list[Planned]:
    """Return what building each package takes. UsageError for one that Debian does not have."""
    found = archive.find(names)
    gone = lost.noted(names)
    sources = {name: archive.without(found[name], known.left_out(name)) for name in names}
    wanted = {name: (*options.profiles(), *known.build_profiles(name)) for name in names}
    _solve([(sources[name], wanted[name]) for name in names if name not in known.steps], say)
    planned = []
    for name in names:
        source = sources[name]
        if name in known.steps:
            planned.append(_of_the_graph(name, known.steps[name], source.version))
            continue
        origin = source.version, gone.get(name, ())
        try:
            packages, profiles = _closure(source, wanted[name])
        except archive.DepWait as reason:
            planned.append(Planned(name, source.version, (), reason.message, *origin))
            continue
        recipe = Recipe(
            source,
            packages,
            known.revision,
            (*options.build_options(), *known.build_options(name)),
            profiles,
            traps=known.traps(name),
        )
        steps = package_steps(recipe, known.left_out(name))
        planned.append(Planned(name, recipe.version, steps, "", *origin))
    return planned


def _of_the_graph(name: str, step: str, version: str) -> Planned:
    if step not in registry():
        raise UsageError(f"known.toml: {name} shall be made by {step}, which is no step")
    return Planned(name, version, (registry()[step], scan_step(name, step)))
