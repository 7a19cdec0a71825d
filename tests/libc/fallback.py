# SPDX-License-Identifier: MIT
"""Starts programs on a C library that is not installed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from subprocess import CompletedProcess

from xsc.build.sysroot import LIBRARIES, LOADER
from xsc.run import run

TIMEOUT_SECONDS = 50.0


@dataclass(frozen=True)
class Fallback:
    """A tree with the C library, and how to start programs on it without installing it."""

    tree: Path

    def loader(self, *argv: str | Path) -> CompletedProcess[str]:
        """Run ld.so itself."""
        return run([self.tree / LOADER, *argv], check=False, timeout=TIMEOUT_SECONDS)

    def start(
        self, program: Path, *argv: str | Path, input: str | None = None
    ) -> CompletedProcess[str]:
        """Run a dynamic program with this C library instead of the host's."""
        words: Sequence[str | Path] = [self.tree / LOADER, "--library-path"]
        path = f"{self.tree}/{LIBRARIES}:{self.tree}/usr/{LIBRARIES}"
        return run(
            [*words, path, program, *argv], input=input, check=False, timeout=TIMEOUT_SECONDS
        )
