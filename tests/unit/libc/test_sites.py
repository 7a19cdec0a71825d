# SPDX-License-Identifier: MIT
"""Every place where the x86-64 port entered the kernel goes through the gate."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from xsc.build import glibc
from xsc.build.debian_source import apply_series, copy_overlay, series
from xsc.errors import StepFailed
from xsc.paths import ROOT

SITES = 24
RAW = {"clone.S": 1, "clone3.S": 1, "vfork.S": 1, "libc_sigaction.c": 1}

# The instruction as a statement of assembly, in a string of C, or after a label or macro argument.
_TRAP = re.compile(r'^\s*(?:"\s*|asm volatile \(")?syscall\s*(?:;|\\n|"|$|/\*)')
_GATE = re.compile(r"^\s*(?:asm volatile \()?XSC_ENTER(_RAW)?(?:_INSN)?\b")


def lines(tree: Path) -> Iterator[tuple[Path, str]]:
    for path in sorted(tree.rglob("*.[Sch]")):
        if "x32" in path.parts:
            continue
        for line in path.read_text(encoding="latin-1").splitlines():
            yield path, line


def test_the_port_had_so_many_sites(pristine: Path) -> None:
    found = [path for path, line in lines(pristine) if _TRAP.match(line)]
    assert (len(found), len(set(found))) == (SITES, 13)


def test_no_site_is_left(patched: Path) -> None:
    found = [path.name for path, line in lines(patched) if _TRAP.match(line)]
    assert Counter(found) == {"xsc-fallback.S": 3}


def test_each_site_became_a_gate_and_the_right_ones_raw(patched: Path) -> None:
    found = [(path.name, _GATE.match(line)) for path, line in lines(patched)]
    gates = [(name, match[1]) for name, match in found if match and name != "xsc-enter.h"]
    assert len(gates) == SITES
    assert Counter(name for name, raw in gates if raw) == RAW


def test_the_overlay_adds_files_only(pristine: Path, tmp_path: Path) -> None:
    copy_overlay(ROOT / glibc.OVERLAY, tmp_path)
    with pytest.raises(StepFailed, match="the overlay would replace"):
        copy_overlay(ROOT / glibc.OVERLAY, tmp_path)


def test_a_patch_that_does_not_apply_is_named_with_file_and_hunk(
    pristine: Path, tmp_path: Path
) -> None:
    port = "sysdeps/unix/sysv/linux/x86_64"
    for name in ("clone.S", "clone3.S", "vfork.S", "libc_sigaction.c"):
        (tmp_path / port).mkdir(parents=True, exist_ok=True)
        text = (pristine / port / name).read_text()
        (tmp_path / port / name).write_text(text.replace("xorl\t%ebp, %ebp", "xor %ebp, %ebp"))
    raw = [path for path in series(ROOT / glibc.PATCHES) if path.name.startswith("0003")]
    # Hunks that are near the changed line fail, those of other files do not matter.
    with pytest.raises(StepFailed) as caught:
        (tmp_path / port / "vfork.S").write_text("nothing\n")
        apply_series(tmp_path, raw)
    assert caught.value.message.startswith(f"{raw[0].name} does not apply: ")
    assert re.search(rf"{port}/vfork\.S: hunk 1 at line \d+", caught.value.message)


def test_fuzz_is_refused(pristine: Path, tmp_path: Path) -> None:
    port = "sysdeps/unix/sysv/linux/x86_64"
    (tmp_path / port).mkdir(parents=True)
    makefile = (pristine / port / "Makefile").read_text()
    near = "ifeq (yes,$(enable-x86-isa-level))\ntests += \\\n"
    assert near in makefile
    (tmp_path / port / "Makefile").write_text(makefile.replace(near, near.replace("+=", ":=")))
    link = [path for path in series(ROOT / glibc.PATCHES) if path.name.startswith("0004")]
    with pytest.raises(StepFailed, match="Makefile: hunk 1"):
        apply_series(tmp_path, link)
