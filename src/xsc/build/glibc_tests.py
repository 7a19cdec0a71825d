# SPDX-License-Identifier: MIT
"""Step glibc-tests: programs of the C library's own tests, linked to be run with any C library.

The tree is prepared and compiled as for the packages, so that ccache has nearly all of it.  Then
its makefiles build the tests of some directories and "run" them: by a wrapper that writes down how
each one would have been started.
"""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path

from xsc.build import glibc
from xsc.build.meter import meter
from xsc.errors import StepFailed
from xsc.graph.step import Json, Step, StepContext

SUBDIRS = ("io", "misc", "nptl", "posix", "signal", "socket")
LIST = "tests.json"
# Where the guest finds the output of this step.
HOME = "/opt/glibc-tests"
# There are 661; fewer mean that the makefiles have stopped early.
FEWEST = 600
# Commands that write a file: a display.
PROGRAMS = 1400
_RECORD = "#!/bin/sh\nprintf '%s\\n' \"$@\"\n"
# What make must not do: run programs by a C library that stays here, make locales, check scripts.
_OVERRIDES = (
    "run-via-rtld-prefix=",
    "gen-locales=",
    "tests-container=",
    "tests-printers=",
    "tests-special=",
)
_ASSIGNMENT = re.compile(r"([A-Za-z_]\w*)=(.*)")
_CODE = (".c", ".h", ".S", ".awk", ".list", ".py", ".sh")


def recorded(text: str, places: Mapping[str, str]) -> dict[str, Json] | None:
    """Return how a test is started, from the words that the wrapper wrote down.

    `places` maps prefixes of paths here to those in the guest. Returns None for words that start
    no program of the tests.
    """
    words = text.splitlines()
    env: dict[str, Json] = {}
    while words and (found := _ASSIGNMENT.fullmatch(words[0])):
        env[found[1]] = _moved(found[2], places)
        words.pop(0)
    argv = [_moved(word, places) for word in words]
    if not argv or not argv[0].startswith(f"{HOME}/"):
        return None
    # They name tables of the build tree, which the guest has at their usual place.
    for name in ("GCONV_PATH", "LOCPATH"):
        env.pop(name, None)
    return {"argv": [*argv], "env": env}


def _moved(word: str, places: Mapping[str, str]) -> str:
    for here, there in places.items():
        word = word.replace(here, there)
    return word


def _is_dynamic(path: Path) -> bool:
    """Say whether a program names the interpreter of the system, not none and not another."""
    return b"\0/lib64/ld-linux-x86-64.so.2\0" in b"\0" + path.read_bytes()[:4096]


def _pack(objects: Path, source: Path, target: Path) -> None:
    """Copy programs and modules of a directory, and what its tests read."""
    target.mkdir(parents=True)
    for path in sorted(objects.iterdir()):
        if path.is_file() and path.read_bytes()[:4] == b"\x7fELF" and path.suffix in ("", ".so"):
            shutil.copy2(path, target / path.name)
    data = target.parent / "src" / source.name
    data.mkdir(parents=True)
    for path in sorted(source.iterdir()):
        if path.is_file() and path.suffix not in _CODE and path.name != "Makefile":
            shutil.copy2(path, data / path.name)


def _tests(ctx: StepContext, objects: Path, source: Path) -> Iterable[dict[str, Json]]:
    places = {
        # The guest has this one, as a library of the system.
        f"{objects}//malloc/libc_malloc_debug.so": "libc_malloc_debug.so.0",
        str(objects): HOME,
        str(source): f"{HOME}/src",
    }
    for subdir in SUBDIRS:
        _pack(objects / subdir, source / subdir, ctx.out / subdir)
        for path in sorted((objects / subdir).glob("*.out")):
            start = recorded(path.read_text(errors="replace"), places)
            program = objects / subdir / path.stem
            if start is None or not program.is_file() or not _is_dynamic(program):
                continue
            given = source / subdir / f"{path.stem}.input"
            start["input"] = f"{HOME}/src/{subdir}/{given.name}" if given.exists() else ""
            yield {"name": f"{subdir}/{path.stem}", "cwd": f"{HOME}/src/{subdir}", **start}


def build(ctx: StepContext) -> None:
    """Compile the library, the tests and their modules, and list how each test is started."""
    tree = glibc._prepare(ctx)
    with meter(ctx, b" -c ", glibc.COMPILATIONS, (0.02, 0.5), "compiling the C library"):
        glibc._rules(ctx, tree, "build_libc")
    objects = tree / "build-tree/amd64-libc"
    record = tree.parent / "record"
    record.write_text(_RECORD)
    record.chmod(0o755)
    with meter(ctx, b" -o ", PROGRAMS, (0.5, 0.95), "compiling its tests"):
        for subdir in SUBDIRS:
            ctx.run(
                [
                    "make",
                    "-r",
                    "-k",
                    f"-j{ctx.jobs}",
                    f"subdir={subdir}",
                    "..=../",
                    f"objdir={objects}",
                    f"test-wrapper-env={record}",
                    f"test-wrapper={record}",
                    *_OVERRIDES,
                    "tests",
                ],
                cwd=tree / subdir,
            )
    found = list(_tests(ctx, objects, tree))
    if len(found) < FEWEST:
        raise StepFailed(
            f"the C library has {len(found)} tests in {', '.join(SUBDIRS)}",
            hint="its makefiles changed: mend xsc.build.glibc_tests",
        )
    (ctx.out / LIST).write_text(json.dumps(found, indent=0) + "\n")


STEPS = (
    Step(
        name="glibc-tests",
        run=build,
        inputs=(*glibc.INPUTS, "src/xsc/build/glibc.py"),
        params=glibc._params,
        estimate=600.0,
    ),
)
