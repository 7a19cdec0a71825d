# SPDX-License-Identifier: MIT
"""A tree for `gcc --sysroot`: what is compiled against it runs on the XSC C library."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

from xsc.build import apt
from xsc.elf.allowance import Allowance, violations
from xsc.elf.notes import xsc_abi
from xsc.elf.traps import scan
from xsc.errors import StepFailed
from xsc.graph.step import Json, Step, StepContext

UAPI = "linux/overlay/include/uapi/linux/xsc.h"
# With what these depend on: the kernel's headers, libcrypt, the run-time libraries of gcc.
WANTED = ("libc6-dev", "libstdc++-12-dev")
LINKS: Mapping[str, Sequence[str]] = {
    "dynamic": (),
    "static": ("-static",),
    "static-pie": ("-static-pie",),
}
LOADER = "lib64/ld-linux-x86-64.so.2"
LIBRARIES = "lib/x86_64-linux-gnu"
GREETING = "hello through the gate"

_HELLO = f"""\
#include <linux/xsc.h>
#include <stdio.h>
int main(void) {{ return puts("{GREETING}") == EOF; }}
"""
_STATIC = Allowance("*", ".xsc_fallback", "syscall", 3, "a static program brings the fallback")


def _params() -> Mapping[str, Json]:
    return {"packages": [package.spec for package in apt.resolve(WANTED)]}


def make_relative(tree: Path) -> None:
    """Turn absolute symbolic links into relative ones: they mean files of `tree`."""
    for path in sorted(path for path in tree.rglob("*") if path.is_symlink()):
        target = os.readlink(path)
        if target.startswith("/"):
            path.unlink()
            path.symlink_to(os.path.relpath(tree / target.lstrip("/"), path.parent))


def compiler_options(tree: Path) -> tuple[str, ...]:
    """Return what makes the host's gcc compile and link against `tree`.

    --sysroot alone does not do it: Debian's gcc looks for start files and libraries beside itself
    first, and finds the host's where libc6-dev is installed.
    """
    return f"--sysroot={tree}", f"-B{tree}/usr/lib/x86_64-linux-gnu"


def _unpack(ctx: StepContext) -> None:
    """Unpack our packages, and Debian's for the rest of what those depend on."""
    ours = sorted((ctx.input("glibc") / "debs").glob("*.deb"))
    replaced = {deb.name.partition("_")[0] for deb in ours}
    others = [p for p in apt.resolve(WANTED) if p.name not in replaced]
    needed = [deb for deb in ours if deb.name.partition("_")[0] in ("libc6", "libc6-dev")]
    for deb in (*needed, *apt.download(others, ctx.run)):
        ctx.run(["dpkg-deb", "-x", deb, ctx.out])
    for surplus in ("usr/share/doc", "usr/share/man", "usr/share/lintian"):
        shutil.rmtree(ctx.out / surplus, ignore_errors=True)
    make_relative(ctx.out)
    header = ctx.out / "usr/include/linux/xsc.h"
    shutil.copyfile(ctx.root / UAPI, header)


def _check(ctx: StepContext) -> None:
    """Link a program in every way, and prove that it is tagged, free of traps, and works."""
    source = ctx.work / "hello.c"
    source.write_text(_HELLO)
    for kind, options in LINKS.items():
        program = ctx.work / f"hello-{kind}"
        ctx.run(["gcc", *compiler_options(ctx.out), "-O2", *options, "-o", program, source])
        image = program.read_bytes()
        if xsc_abi(image) != 1:
            raise StepFailed(f"a {kind} program linked in the sysroot lacks the XSC note")
        allowed = (_STATIC,) if options else ()
        if found := violations(scan(image, program.name).traps, [program.name], allowed):
            raise StepFailed(f"a {kind} program holds trap instructions: {'; '.join(found)}")
        loader: list[str | Path] = []
        if not options:
            loader = [ctx.out / LOADER, "--library-path", ctx.out / LIBRARIES]
        said = ctx.run([*loader, program], capture=True).stdout
        if said.strip() != GREETING:
            raise StepFailed(f"a {kind} program linked in the sysroot said {said!r}")


def build_sysroot(ctx: StepContext) -> None:
    """Assemble the tree and try it out."""
    ctx.progress(0.1, "unpacking")
    _unpack(ctx)
    ctx.progress(0.8, "linking a program in every way")
    _check(ctx)


STEPS = (
    Step(
        "sysroot",
        build_sysroot,
        inputs=(UAPI,),
        needs=("glibc",),
        params=_params,
        estimate=15.0,
    ),
)
