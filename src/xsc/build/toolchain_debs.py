# SPDX-License-Identifier: MIT
"""What the packages of the toolchain are called, say about themselves and depend on."""

from __future__ import annotations

from collections.abc import Sequence

from xsc.build.deb import Deb
from xsc.build.glibc import our_version
from xsc.version import VERSION

TOOLS = "xsc-toolchain"
SYSROOT = "xsc-sysroot"
NATIVE = "xsc-toolchain-native"

_LICENCES = """\
Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/
Upstream-Name: XSC

Files: *
Copyright: 2026 The XSC developers
License: Expat
"""
_EXPAT = """
License: Expat
 Permission is hereby granted, free of charge, to any person obtaining a copy
 of this software and associated documentation files (the "Software"), to deal
 in the Software without restriction, including without limitation the rights
 to use, copy, modify, merge, publish, distribute, sublicense, and/or sell
 copies of the Software, and to permit persons to whom the Software is
 furnished to do so, subject to the following conditions:
 .
 The above copyright notice and this permission notice shall be included in all
 copies or substantial portions of the Software.
 .
 THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR
 IMPLIED, INCLUDING BUT NOT LIMITED TO THE WARRANTIES OF MERCHANTABILITY,
 FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT. IN NO EVENT SHALL THE
 AUTHORS OR COPYRIGHT HOLDERS BE LIABLE FOR ANY CLAIM, DAMAGES OR OTHER
 LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR OTHERWISE, ARISING FROM,
 OUT OF OR IN CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS IN THE
 SOFTWARE.
"""
_PLUGIN = """
Files: usr/lib/xsc/toolchain/xsc.so
Copyright: 2026 The XSC developers
License: GPL-3+

License: GPL-3+
 The plugin is free software: you can redistribute it and/or modify it under
 the terms of the GNU General Public License, version 3 or any later version.
 The text is in /usr/share/common-licenses/GPL-3.
"""


def _tree_licence(contents: Sequence[str]) -> str:
    """Say whose files the tree has: those of Debian's packages, under their licences."""
    lines = "\n".join(f"  {name}" for name in contents)
    return (
        "Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/\n"
        "Upstream-Name: XSC\n"
        "Comment: Files of these packages, unchanged but for the C library, whose changes are in\n"
        f" the source of XSC under LGPL-2.1+:\n{lines}\n"
        "\nFiles: *\nCopyright: 2026 The XSC developers, and the authors of these packages\n"
        "License: as-packaged\n"
        "\nLicense: as-packaged\n Each package is under the licences in the file copyright of the"
        " Debian package\n of that name and version.\n"
    )


def _tools(libc: str, gcc: str) -> Deb:
    following = ".".join((*gcc.split(".")[:-1], str(int(gcc.split(".")[-1]) + 1)))
    # The plugin is for one release of the compiler.
    compilers = ", ".join(
        f"{name} (>= {gcc}), {name} (<< {following}~)" for name in ("gcc-12", "g++-12", "cpp-12")
    )
    return Deb(
        TOOLS,
        VERSION,
        "amd64",
        "devel",
        "compiler and linker for programs without system call traps",
        "GCC and binutils of Debian under the names x86_64-xsc-linux-gnu-*, with what makes their"
        " output programs of XSC: they are linked with XSC's C library and tagged, and"
        " instructions that trap into the kernel are refused when they are compiled, assembled or"
        " linked.",
        {
            "Depends": f"libc6 (>= 2.34), {compilers}, binutils, {SYSROOT} (= {VERSION}) | {libc}",
            "Suggests": "ccache, cmake, meson, pkg-config",
        },
        _LICENCES + _PLUGIN + _EXPAT,
        (
            "# Started three times in each compilation: without a loader that takes half as long.",
            f"{TOOLS}: statically-linked-binary [usr/lib/xsc/toolchain/tool]",
        ),
    )


def _tree(contents: Sequence[str]) -> Deb:
    return Deb(
        SYSROOT,
        VERSION,
        "amd64",
        "devel",
        "C library and headers to compile programs of XSC against",
        "A tree with XSC's C library and the headers and libraries of GCC, for compiling on a"
        " machine that has Debian's own C library.",
        {"Enhances": TOOLS},
        _tree_licence(contents),
        (
            "# Files for the compiler, not for the programs of this system.",
            f"{SYSROOT}: embedded-library *",
            f"{SYSROOT}: no-code-sections *",
            f"{SYSROOT}: shared-library-is-executable *",
            f"{SYSROOT}: shared-library-lacks-prerequisites *",
            f"{SYSROOT}: undeclared-elf-prerequisites *",
            f"{SYSROOT}: unstripped-binary-or-object *",
            "# Linker scripts.",
            f"{SYSROOT}: unpack-message-for-deb-data ar failed for *",
        ),
    )


def _native(libc: str) -> Deb:
    return Deb(
        NATIVE,
        VERSION,
        "amd64",
        "devel",
        "compiler for programs without system call traps, under plain names",
        "Puts gcc, g++, cc, as, ld and their like into /usr/lib/xsc/bin. With this directory first"
        " in PATH, packages are built as ever and their programs are checked for instructions that"
        " trap into the kernel.",
        {"Depends": f"{TOOLS} (= {VERSION}), {libc}"},
        _LICENCES + _EXPAT,
    )


def packages(debian_libc: str, gcc: str, contents: Sequence[str]) -> dict[str, Deb]:
    """Return the packages of the toolchain by name.

    `debian_libc` is the version of Debian's C library that XSC's is made from, `gcc` the
    upstream version of the compiler the plugin is for, `contents` what the sysroot is made of.
    """
    libc = f"libc6-dev (>= {our_version(debian_libc)})"
    return {deb.name: deb for deb in (_tools(libc, gcc), _tree(contents), _native(libc))}
