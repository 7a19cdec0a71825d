# SPDX-License-Identifier: MIT
"""Running the tools of a toolchain in a directory."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path

from xsc.elf.allowance import Allowance, violations
from xsc.elf.notes import xsc_abi
from xsc.elf.traps import scan
from xsc.run import kept_env

TRIPLET = "x86_64-xsc-linux-gnu"
FALLBACK = Allowance("*", ".xsc_fallback", "syscall", 3, "what static programs bring")

HELLO = """\
#include <unistd.h>
int main(void) { return write(1, "Hello from XSC!\\n", 16) != 16; }
"""
GREETING = "Hello from XSC!\n"


@dataclass(frozen=True)
class Toolchain:
    """Tools below `tree`, which work in `where`."""

    tree: Path
    where: Path

    def environment(self, **extra: str) -> dict[str, str]:
        """Return the environment of the tools: their directory before the system's."""
        path = f"{self.tree}/bin:/usr/bin:/bin"
        return {**kept_env(), "LC_ALL": "C", "PATH": path, **extra}

    def run(self, *argv: str | Path, **extra: str) -> subprocess.CompletedProcess[str]:
        """Run a program with the tools in PATH; `extra` goes to its environment."""
        return subprocess.run(
            [str(word) for word in argv],
            cwd=self.where,
            env=self.environment(**extra),
            capture_output=True,
            text=True,
        )

    def tool(self, name: str, *argv: str | Path, **extra: str) -> subprocess.CompletedProcess[str]:
        """Run the tool `name` of the triplet."""
        return self.run(f"{TRIPLET}-{name}", *argv, **extra)

    def make(self, name: str, *argv: str | Path, **extra: str) -> str:
        """Run a tool that must succeed; return what it said on stderr."""
        done = self.tool(name, *argv, **extra)
        assert done.returncode == 0, done.stderr
        return done.stderr

    def refused(self, name: str, *argv: str | Path, **extra: str) -> str:
        """Run a tool that must fail; return what it said on stderr."""
        done = self.tool(name, *argv, **extra)
        assert done.returncode != 0, f"{name} {argv} succeeded\n{done.stderr}"
        return done.stderr

    def said(self, program: str) -> str:
        """Return what a program prints with the C library it was linked with."""
        done = self.tool("run", f"./{program}")
        assert done.returncode == 0, done.stderr
        return done.stdout

    def exists(self, name: str) -> bool:
        """Say whether a file was made."""
        return (self.where / name).exists()

    def check(self, program: str, static: bool = False) -> None:
        """Check by the other scanner, which shares no code, that a program is one of XSC."""
        image = (self.where / program).read_bytes()
        assert xsc_abi(image) == 1
        allowed = (FALLBACK,) if static else ()
        assert not violations(scan(image, program).traps, [program], allowed)
