# SPDX-License-Identifier: MIT
"""Small projects of each build system: a library, a program that uses it, a test of the program."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from toolkit import TRIPLET, Toolchain

Write = Callable[[Mapping[str, str]], None]

LIBRARY = {
    "word.h": "const char *word(void);\n",
    "word.c": '#include "word.h"\nconst char *word(void) { return WORD; }\n',
    "main.c": '#include <stdio.h>\n#include "word.h"\nint main(void) { puts(word()); }\n',
}
WORD = "built for XSC"
TRAP = {"trap.c": 'int main(void)\n{\n\tasm("syscall");\n\treturn 0;\n}\n'}


@pytest.fixture
def project(sources: Write) -> Write:
    """A function that writes the files of a build system beside those of the project."""

    def write(files: Mapping[str, str]) -> None:
        sources({**LIBRARY, **files})

    return write


def succeed(tools: Toolchain, *argv: str | Path, **extra: str) -> str:
    """Run a program that must succeed; return all it said."""
    done = tools.run(*argv, **extra)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return done.stdout + done.stderr


CONFIGURE = """\
AC_INIT([word], [1])
AC_CONFIG_SRCDIR([word.c])
AC_CANONICAL_HOST
AC_PROG_CC
AC_PROG_CXX
AC_PROG_RANLIB
AC_CHECK_TOOL([AR], [ar])
AC_CHECK_HEADERS([linux/xsc.h])
AC_CHECK_FUNCS([clone3 no_such_function posix_spawn])
AC_CHECK_SIZEOF([long])
AC_SEARCH_LIBS([dlopen], [dl])
AC_PATH_TOOL([PKG_CONFIG], [pkg-config])
AC_MSG_CHECKING([whether asm statements may trap])
AC_COMPILE_IFELSE([AC_LANG_PROGRAM([], [[__asm__("syscall");]])],
  [AC_MSG_RESULT([yes])], [AC_MSG_RESULT([no])])
AC_CONFIG_HEADERS([config.h])
AC_CONFIG_FILES([Makefile])
AC_OUTPUT
"""
MAKEFILE_IN = """\
main: main.o libword.a
	@CC@ @LDFLAGS@ -o $@ main.o -L. -lword
libword.a: word.o
	@AR@ rc $@ word.o
	@RANLIB@ $@
.c.o:
	@CC@ @CFLAGS@ -DWORD='"built for XSC"' -c $<
"""


def test_autoconf(tools: Toolchain, project: Write) -> None:
    project({"configure.ac": CONFIGURE, "Makefile.in": MAKEFILE_IN})
    succeed(tools, "autoconf")
    succeed(tools, "autoheader")
    # As dh_update_autotools_config does it, from debhelper's dependency autotools-dev.
    for name in ("config.sub", "config.guess"):
        shutil.copy(Path("/usr/share/misc") / name, tools.where)
    (tools.where / "install-sh").touch()
    said = succeed(tools, "./configure", f"--host={TRIPLET}")
    assert f"checking for {TRIPLET}-gcc... {TRIPLET}-gcc" in said
    assert f"checking for {TRIPLET}-ar... {TRIPLET}-ar" in said
    assert f"bin/{TRIPLET}-pkg-config" in said
    assert "checking whether asm statements may trap... no" in said
    config = (tools.where / "config.h").read_text()
    assert "#define HAVE_LINUX_XSC_H 1" in config
    assert "#define HAVE_POSIX_SPAWN 1" in config
    assert "/* #undef HAVE_NO_SUCH_FUNCTION */" in config
    assert "#define SIZEOF_LONG 8" in config
    succeed(tools, "make")
    tools.check("main")
    assert tools.said("main") == f"{WORD}\n"


CMAKE = """\
cmake_minimum_required(VERSION 3.20)
project(word C CXX ASM)
enable_testing()
find_package(Threads REQUIRED)
find_library(ELF elf)
find_path(XSC linux/xsc.h)
add_library(word SHARED word.c)
target_compile_definitions(word PRIVATE WORD="built for XSC")
add_executable(main main.c)
target_link_libraries(main word Threads::Threads)
add_executable(trap EXCLUDE_FROM_ALL trap.c)
add_test(NAME says COMMAND main)
set_tests_properties(says PROPERTIES PASS_REGULAR_EXPRESSION "built for XSC")
message("elf: ${ELF}, xsc: ${XSC}, architecture: ${CMAKE_LIBRARY_ARCHITECTURE}")
message("cross: ${CMAKE_CROSSCOMPILING}")
"""


def test_cmake(tools: Toolchain, project: Write) -> None:
    project({"CMakeLists.txt": CMAKE, **TRAP})
    file = tools.tree / f"share/xsc/cmake/{TRIPLET}.cmake"
    said = succeed(tools, "cmake", "-B", "out", f"-DCMAKE_TOOLCHAIN_FILE={file}")
    assert "cross: TRUE" in said
    # What the system has is not what the tree has.
    assert "elf: ELF-NOTFOUND" in said
    assert f"xsc: {tools.tree}/lib/xsc/sysroot/usr/include" in said
    assert "architecture: x86_64-linux-gnu" in said
    succeed(tools, "cmake", "--build", "out")
    tools.check("out/main")
    assert "100% tests passed" in succeed(tools, "ctest", "--test-dir", "out")
    done = tools.run("cmake", "--build", "out", "--target", "trap")
    assert done.returncode != 0
    assert "trap.c:3:" in done.stdout + done.stderr


MESON = """\
project('word', 'c')
word = library('word', 'word.c', c_args: '-DWORD="built for XSC"')
main = executable('main', 'main.c', link_with: word)
executable('trap', 'trap.c', build_by_default: false)
test('says', main)
elf = dependency('libelf', required: false)
message('libelf:', elf.found(), 'cross:', meson.is_cross_build())
message('spawn:', meson.get_compiler('c').has_function('posix_spawn'))
"""


def test_meson(tools: Toolchain, project: Write) -> None:
    project({"meson.build": MESON, **TRAP})
    file = tools.tree / f"share/xsc/meson/{TRIPLET}.ini"
    said = succeed(tools, "meson", "setup", "--cross-file", file, "out")
    assert "libelf: false cross: true" in said
    assert "spawn: true" in said
    succeed(tools, "ninja", "-C", "out")
    tools.check("out/main")
    assert tools.said("out/main") == f"{WORD}\n"
    succeed(tools, "meson", "test", "-C", "out")
    done = tools.run("ninja", "-C", "out", "trap")
    assert done.returncode != 0
    assert "trap.c:3:" in done.stdout


def test_pkg_config_looks_into_the_tree(tools: Toolchain) -> None:
    flags = tools.tool("pkg-config", "--cflags", "--libs", "libtirpc")
    assert flags.returncode == 0, flags.stderr
    assert f"-I{tools.tree}/lib/xsc/sysroot/usr/include/tirpc" in flags.stdout
    assert tools.run("pkg-config", "--exists", "libelf").returncode == 0
    assert tools.tool("pkg-config", "--exists", "libelf").returncode != 0


def test_ccache(tools: Toolchain, project: Write) -> None:
    project(TRAP)
    cache = {"CCACHE_DIR": str(tools.where / "cache"), "CCACHE_COMPILERCHECK": "content"}
    compiler = ("ccache", f"{TRIPLET}-gcc", "-O2", "-c")
    for _ in range(2):
        succeed(tools, *compiler, "main.c", **cache)
        done = tools.run(*compiler, "trap.c", **cache)
        assert done.returncode != 0
        assert "trap.c:3:" in done.stderr
    counts = succeed(tools, "ccache", "--print-stats", **cache)
    numbers = dict(line.split("\t") for line in counts.splitlines())
    assert int(numbers["direct_cache_hit"]) + int(numbers["preprocessed_cache_hit"]) == 1
    assert int(numbers["compile_failed"]) >= 1
