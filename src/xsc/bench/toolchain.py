# SPDX-License-Identifier: MIT
"""What the toolchain's checks cost: each program is built by it and by plain GCC, in turns."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from xsc.bench.stats import Figure, figure
from xsc.run import run

LIMIT = 1.1
PLAIN = "/usr/bin/x86_64-linux-gnu-"
CROSS = "x86_64-xsc-linux-gnu-"

_HELLO = """\
#include <unistd.h>
int main(void) { return write(1, "Hello from XSC!\\n", 16) != 16; }
"""
_WORDS = """\
#include <algorithm>
#include <iostream>
#include <map>
#include <string>
int main()
{
	std::map<std::string, int> counts;
	std::string word;
	while (std::cin >> word)
		counts[word]++;
	for (const auto &each : counts)
		std::cout << each.first << ' ' << each.second << '\\n';
}
"""


@dataclass(frozen=True)
class Case:
    """A program that is compiled and linked by one command."""

    name: str
    compiler: str
    options: tuple[str, ...]
    sources: tuple[Path, ...]
    builds: int
    """How often in one sample: a sample of some tenths of a second is hardly jittered."""


@dataclass(frozen=True)
class Cost:
    """Seconds that one build takes, and how much longer than by plain GCC."""

    case: str
    plain: Figure
    checked: Figure
    ratio: Figure

    @property
    def kept(self) -> bool:
        """Say whether the limit is kept."""
        return self.ratio.median <= LIMIT


def cases(scratch: Path, project: Sequence[Path]) -> tuple[Case, ...]:
    """Return what is built; the small sources are written to `scratch`."""
    hello, words = scratch / "hello.c", scratch / "words.cc"
    hello.write_text(_HELLO)
    words.write_text(_WORDS)
    return (
        Case("hello, shared", "gcc", ("-O2",), (hello,), 8),
        Case("hello, static", "gcc", ("-O2", "-static"), (hello,), 4),
        Case("C++ with containers", "g++", ("-O2",), (words,), 1),
        Case("project of several files", "gcc", ("-O2",), tuple(project), 1),
    )


def _seconds(case: Case, prefix: str, scratch: Path) -> float:
    """Build a case some times and return how long one build took."""
    files = [str(path) for path in (scratch / "out", *case.sources)]
    argv = [f"{prefix}{case.compiler}", *case.options, "-o", *files]
    lines = "\n" * case.builds
    start = time.perf_counter()
    # One program starts all builds: what it takes to start that one must not count.
    run(["xargs", "-d", "\n", "-I", "{}", *argv], input=lines)
    return (time.perf_counter() - start) / case.builds


def _cost(case: Case, prefixes: Mapping[str, str], scratch: Path, reps: int) -> Cost:
    samples: dict[str, list[float]] = {name: [] for name in prefixes}
    for rep in range(-1, reps):
        # Who begins changes; the first round fills the page cache.
        order = sorted(prefixes, reverse=rep % 2 == 0)
        taken = {name: _seconds(case, prefixes[name], scratch) for name in order}
        if rep >= 0:
            for name, seconds in taken.items():
                samples[name].append(seconds)
    pairs = zip(samples["checked"], samples["plain"], strict=True)
    plain, checked = figure(samples["plain"]), figure(samples["checked"])
    ratio = figure(above / below for above, below in pairs)
    assert plain is not None and checked is not None and ratio is not None
    return Cost(case.name, plain, checked, ratio)


def measure(
    tree: Path, project: Sequence[Path], reps: int, say: Callable[[str], None]
) -> tuple[Cost, ...]:
    """Measure the tools below `tree`; `project` are the C files of a program.

    Raises StepFailed if something cannot be built.
    """
    prefixes = {"plain": PLAIN, "checked": f"{tree}/bin/{CROSS}"}
    with tempfile.TemporaryDirectory(prefix="xsc-bench-") as name:
        scratch = Path(name)
        found = []
        for case in cases(scratch, project):
            say(f"{case.name}, {reps} times each")
            found.append(_cost(case, prefixes, scratch, reps))
        return tuple(found)
