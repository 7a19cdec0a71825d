# SPDX-License-Identifier: MIT
"""The step `toolchain`: GCC and binutils of Debian as tools that make programs of XSC.

`tree/` can be used wherever it is; `debs/` has the same as packages.
"""

from __future__ import annotations

import gzip
import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path

from xsc.build import apt, glibc
from xsc.build.deb import pack
from xsc.build.sysroot import GREETING, LINKS, WANTED
from xsc.build.toolchain_debs import NATIVE, SYSROOT, TOOLS, packages
from xsc.errors import StepFailed
from xsc.graph.step import Json, Step, StepContext
from xsc.paths import ROOT
from xsc.run import run

SOURCES = "toolchain"
MANUAL = "docs/man/x86_64-xsc-linux-gnu.1"
TRIPLET = "x86_64-xsc-linux-gnu"
DEBIAN_TRIPLET = "x86_64-linux-gnu"
# Debian packages whose programs are wrapped, or make and shape what is built here.
DEBIAN = ("binutils", "cpp-12", "dpkg", "g++-12", "gcc-12", "gcc-12-plugin-dev")

COMPILERS = ("cc", "c++", "cpp", "g++", "gcc")
CHECKERS = ("as", "ld", "ld.bfd", "ld.gold")
PLAIN = (
    *("addr2line", "ar", "c++filt", "elfedit", "gcc-ar", "gcc-nm", "gcc-ranlib", "gprof", "nm"),
    *("objcopy", "objdump", "ranlib", "readelf", "size", "strings", "strip"),
)
# The run-time libraries of sanitizers trap: the compiler refuses to use them.
LEFT_OUT = ("asan", "hwasan", "lsan", "tsan", "ubsan")

_HELLO = f"""\
#include <unistd.h>
int main(void) {{ return write(1, "{GREETING}\\n", {len(GREETING) + 1}) < 0; }}
"""


def _params() -> Mapping[str, Json]:
    layout = "${Package} ${Version}\n"
    answer = run(["dpkg-query", "-W", "-f", layout, *DEBIAN], check=False).stdout
    versions: list[Json] = [*sorted(answer.splitlines())]
    return {"tools": versions}


def _link(directory: Path, names: Iterable[str], target: str) -> None:
    directory.mkdir(parents=True, exist_ok=True)
    for name in names:
        (directory / name).symlink_to(target)


def _versioned(names: Iterable[str]) -> list[str]:
    return [f"{name}-12" for name in names if name not in ("cc", "c++")]


def lay_out_tools(made: Path, share: Path, tree: Path) -> None:
    """Put what was compiled to `made`, and the files of `share`, in their places in `tree`."""
    home = tree / "lib/xsc/toolchain"
    home.mkdir(parents=True)
    for name in ("tool", "xsc.so"):
        shutil.copy(made / name, home / name)
    for name in ("xsc.specs", "sysroot.specs", "traps.allow"):
        shutil.copyfile(share / name, home / name)
    shutil.copytree(share / "include", home / "include")
    _link(home / "gcc", CHECKERS, "../tool")
    shutil.copyfile(made / "xsc-note.o", home / "gcc/xsc-note.o")
    names = (*COMPILERS, *_versioned(COMPILERS), *CHECKERS, *PLAIN, "trapscan")
    _link(tree / "bin", (f"{TRIPLET}-{name}" for name in names), "../lib/xsc/toolchain/tool")
    for name in ("run", "pkg-config"):
        shutil.copy(share / f"{name}.sh", tree / "bin" / f"{TRIPLET}-{name}")
    for kind in ("cmake", "meson"):
        shutil.copytree(share / kind, tree / "share/xsc" / kind)


def lay_out_manual(page: Path, tree: Path) -> None:
    """Put the manual page in its place in `tree`, under the name of each tool."""
    folder = tree / "share/man/man1"
    folder.mkdir(parents=True)
    packed = gzip.compress(page.read_bytes(), mtime=0)
    (folder / f"{TRIPLET}.1.gz").write_bytes(packed)
    tools = sorted(tool.name for tool in (tree / "bin").iterdir())
    _link(folder, (f"{tool}.1.gz" for tool in tools), f"{TRIPLET}.1.gz")


def lay_out_native(tree: Path) -> None:
    """Put the plain names in their place in `tree`."""
    plain = (*COMPILERS, *_versioned(COMPILERS), *CHECKERS)
    full = [f"{DEBIAN_TRIPLET}-{name}" for name in plain if name not in ("cc", "c++")]
    _link(tree / "lib/xsc/bin", (*plain, *full), "../toolchain/tool")


def lay_out_sysroot(sysroot: Path, tree: Path) -> None:
    """Copy the sysroot to its place in `tree`."""
    patterns = [f"lib{name}*" for name in LEFT_OUT]
    target = tree / "lib/xsc/sysroot"
    shutil.copytree(sysroot, target, symlinks=True, ignore=shutil.ignore_patterns(*patterns, "etc"))
    for lost in sorted(path for path in target.rglob("*") if path.is_symlink()):
        if not lost.exists():
            lost.unlink()


def _check(ctx: StepContext, tree: Path) -> None:
    """Compile a program in every way, and let it say something."""
    source = ctx.work / "hello.c"
    source.write_text(_HELLO)
    env: dict[str, str | None] = {"PATH": f"{tree}/bin:/usr/bin:/bin"}
    for kind, options in LINKS.items():
        program = ctx.work / f"hello-{kind}"
        ctx.run([tree / f"bin/{TRIPLET}-gcc", *options, "-o", program, source], env=env)
        runner = tree / f"bin/{TRIPLET}-run"
        said = ctx.run([runner, program], env=env, capture=True).stdout
        if said.strip() != GREETING:
            raise StepFailed(f"a {kind} program of the toolchain said {said!r}")
    # Traps are refused when it links; the tools themselves were linked by plain GCC.
    ctx.run([tree / f"bin/{TRIPLET}-trapscan", *(tree / "lib/xsc/toolchain").glob("*.so")], env=env)
    ctx.run([tree / f"bin/{TRIPLET}-trapscan", tree / "lib/xsc/toolchain/tool"], env=env)


def _pack(ctx: StepContext) -> None:
    """Make the packages. The directories of the tree are those below /usr."""
    contents = [package.spec for package in apt.resolve(WANTED)]
    gcc = run(["gcc-12", "-dumpfullversion"]).stdout.strip()
    debian = glibc.base(ROOT).version
    debs = packages(debian, gcc, contents)
    tree, target = ctx.out / "tree", ctx.out / "debs"
    target.mkdir()
    parts = {
        TOOLS: ("bin", "lib/xsc/toolchain", "share/man", "share/xsc"),
        SYSROOT: ("lib/xsc/sysroot",),
        NATIVE: ("lib/xsc/bin",),
    }
    for name, folders in parts.items():
        scratch = ctx.work / "package"
        shutil.rmtree(scratch, ignore_errors=True)
        for folder in folders:
            shutil.copytree(tree / folder, scratch / "usr" / folder, symlinks=True)
        ctx.progress(None, f"packing {name}")
        pack(ctx, debs[name], scratch, target)


def build_toolchain(ctx: StepContext) -> None:
    """Compile the tools, put them together with the sysroot, try them out, pack them."""
    ctx.progress(0.05, "compiling the tools")
    made = ctx.work / "made"
    made.mkdir(exist_ok=True)
    sources, sysroot = ctx.root / SOURCES, ctx.input("sysroot")
    # Made anew: what is at hand may be linked against another sysroot.
    ctx.run(["make", "-B", "-C", sources, f"O={made}", f"SYSROOT={sysroot}", f"-j{ctx.jobs}"])
    ctx.run(["strip", "--strip-unneeded", made / "tool", made / "xsc.so"])
    tree = ctx.out / "tree"
    lay_out_tools(made, sources / "share", tree)
    lay_out_manual(ctx.root / MANUAL, tree)
    lay_out_native(tree)
    ctx.progress(0.3, "copying the sysroot")
    lay_out_sysroot(sysroot, tree)
    ctx.progress(0.5, "compiling programs in every way")
    _check(ctx, tree)
    ctx.progress(0.6, "packing")
    _pack(ctx)


STEPS = (
    Step(
        "toolchain",
        build_toolchain,
        inputs=(
            SOURCES,
            MANUAL,
            *(f"src/xsc/build/{name}.py" for name in ("deb", "toolchain_debs")),
        ),
        needs=("sysroot",),
        params=_params,
        estimate=40.0,
    ),
)
