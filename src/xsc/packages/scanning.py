# SPDX-License-Identifier: MIT
"""Look for trap instructions in the programs and libraries of built packages."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from xsc.elf.traps import scan
from xsc.graph.step import StepContext

RESULT = "traps.json"
# Where the C library keeps what it uses on a kernel without a gate; static programs bring it along.
FALLBACK_SECTION = ".xsc_fallback"


@dataclass(frozen=True)
class Traps:
    """What the scan of one source package's programs found."""

    programs: int
    """ELF files."""
    finds: Mapping[str, tuple[str, ...]]
    """`package: file`, and the instructions in it."""

    @property
    def count(self) -> int:
        """Number of instructions."""
        return sum(len(found) for found in self.finds.values())


def elf_files(tree: Path) -> Iterator[Path]:
    """Yield the ELF files of a tree, each once."""
    for path in sorted(tree.rglob("*")):
        if path.is_symlink() or not path.is_file():
            continue
        with path.open("rb") as stream:
            if stream.read(4) == b"\x7fELF":
                yield path


def scan_tree(tree: Path, package: str) -> tuple[int, dict[str, tuple[str, ...]]]:
    """Return the number of ELF files of an unpacked package, and what was found in which."""
    programs = 0
    finds: dict[str, tuple[str, ...]] = {}
    for path in elf_files(tree):
        programs += 1
        name = str(path.relative_to(tree))
        traps = scan(path.read_bytes(), name).traps
        words = tuple(str(trap) for trap in traps if trap.section != FALLBACK_SECTION)
        if words:
            finds[f"{package}: {name}"] = words
    return programs, finds


def scan_packages(made_by: str, context: StepContext) -> None:
    """Step: scan the packages that the step `made_by` made and write what was found."""
    debs = sorted((context.input(made_by) / "debs").glob("*.deb"))
    programs = 0
    finds: dict[str, tuple[str, ...]] = {}
    for number, deb in enumerate(debs):
        context.progress(number / len(debs), f"looking for traps in {deb.name}")
        tree = context.work / "tree"
        shutil.rmtree(tree, ignore_errors=True)
        context.run(["dpkg-deb", "-x", deb, tree])
        count, found = scan_tree(tree, deb.name.partition("_")[0])
        programs += count
        finds |= found
        shutil.rmtree(tree)
    facts = {"programs": programs, "finds": finds}
    (context.out / RESULT).write_text(json.dumps(facts, indent=1) + "\n")


def read(out: Path) -> Traps:
    """Read what scan_packages() wrote."""
    facts = json.loads((out / RESULT).read_text())
    return Traps(facts["programs"], {key: tuple(value) for key, value in facts["finds"].items()})
