# SPDX-License-Identifier: MIT
"""Programs of every kind are made, tagged, free of traps, and work on this machine."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from toolkit import GREETING, HELLO, Toolchain

Write = Callable[[Mapping[str, str]], None]

KINDS = (
    *("", "-O0", "-O1", "-O2", "-O3", "-Os", "-no-pie", "-static", "-static-pie -fPIE"),
    *("-O2 -flto", "-O2 -flto -static", "-fuse-ld=gold", "-fuse-ld=gold -static", "-pipe"),
    *("-O2 -flto -fno-use-linker-plugin", "-fno-lto", "-fuse-ld=bfd"),
    *("-fcf-protection=full", "-fcf-protection=none", "-fstack-protector-strong", "-pg", "-s"),
    *("-O2 -g -save-temps", "-D_FORTIFY_SOURCE=2 -O2", "-Wl,-z,now,-z,relro", "-Wl,--gc-sections"),
    "-fsanitize=undefined -fsanitize-undefined-trap-on-error",
)


@pytest.mark.parametrize("options", KINDS)
def test_hello(tools: Toolchain, sources: Write, options: str) -> None:
    sources({"hello.c": HELLO})
    tools.make("gcc", *options.split(), "-o", "hello", "hello.c")
    assert tools.said("hello") == GREETING
    tools.check("hello", static="-static" in options)


@pytest.mark.parametrize(
    ("options", "collects"),
    [("", False), ("-static", False), ("-shared -fPIC", False), ("-flto", True), ("-fno-lto", True),
     ("-flto=2", True), ("-fuse-ld=gold", True), ("-fno-use-linker-plugin", True)],
)  # fmt: skip
def test_collect2_runs_where_it_has_something_to_do(
    tools: Toolchain, sources: Write, options: str, collects: bool
) -> None:
    sources({"hello.c": HELLO})
    said = tools.make("gcc", "-###", *options.split(), "-o", "hello", "hello.c")
    # Commands are indented, the compiler's own variables are not.
    last = [shlex.split(line)[0] for line in said.splitlines() if line.startswith(" ")][-1]
    assert Path(last).name == ("collect2" if collects else "ld")
    assert collects or "lib/xsc/toolchain/gcc/" in last


@pytest.mark.parametrize("options", ["", "-static", "-static-pie", "-shared", "-no-pie -g"])
def test_collect2_changes_nothing(tools: Toolchain, sources: Write, options: str) -> None:
    sources({"a.cc": CXX})
    tools.make("g++", "-g", "-fPIC", "-c", "a.cc")
    tools.make("g++", *options.split(), "-o", "direct", "a.o")
    tools.make("g++", *options.split(), "-fuse-ld=bfd", "-o", "collected", "a.o")
    assert (tools.where / "direct").read_bytes() == (tools.where / "collected").read_bytes()


def test_static_programs_need_no_help(tools: Toolchain, sources: Write) -> None:
    sources({"hello.c": HELLO})
    for option in ("-static", "-static-pie"):
        tools.make("gcc", option, "-o", "hello", "hello.c")
        assert tools.run("./hello").stdout == GREETING


CXX = """\
#include <iostream>
#include <map>
#include <stdexcept>
#include <string>
#include <thread>
struct unwound { ~unwound() { std::cout << "unwound "; } };
static void thrower(int n)
{
	unwound guard;
	if (n == 0)
		throw std::runtime_error("thrown");
	thrower(n - 1);
}
int main()
{
	std::map<std::string, int> seen;
	std::thread other([&] {
		try { thrower(2); } catch (const std::exception &e) { seen[e.what()]++; }
	});
	other.join();
	std::cout << seen["thrown"] << std::endl;
}
"""


@pytest.mark.parametrize("options", ["-O0", "-O2 -flto", "-O2 -static", "-static-libstdc++"])
def test_cxx_exceptions(tools: Toolchain, sources: Write, options: str) -> None:
    sources({"a.cc": CXX})
    tools.make("g++", *options.split(), "-o", "a", "a.cc")
    assert tools.said("a") == "unwound unwound unwound 1\n"
    tools.check("a", static="-static" in options.split())


def test_shared_library(tools: Toolchain, sources: Write) -> None:
    main = "const char *word(void);\nint puts(const char *);\nint main(void) { puts(word()); }\n"
    sources({"word.c": 'const char *word(void) { return "word"; }', "main.c": main})
    tools.make("gcc", "-shared", "-fPIC", "-o", "libword.so", "word.c")
    tools.make("gcc", "-o", "main", "main.c", "-L.", "-lword", "-Wl,-rpath,.")
    assert tools.said("main") == "word\n"


def test_libraries_come_from_the_tree(tools: Toolchain, sources: Write) -> None:
    sources({"hello.c": HELLO})
    tools.make("gcc", "-o", "hello", "hello.c", "-lm", "-Wl,--no-as-needed,-t")
    files = tools.tool("gcc", "-o", "hello", "hello.c", "-lm", "-Wl,-t").stdout.split()
    used = {
        Path(name).resolve() for name in files if name.endswith((".so", ".a", ".so.6", ".so.2"))
    }
    assert len(used) > 3
    inside = tools.tree.resolve() / "lib/xsc/sysroot"
    assert [path for path in used if not path.is_relative_to(inside)] == []


def test_the_systems_own_libraries_are_not_found(tools: Toolchain, sources: Write) -> None:
    """Those of debhelper's own dependencies are on every machine that builds XSC."""
    sources({"hello.c": HELLO})
    assert Path("/usr/lib/x86_64-linux-gnu/libelf.so").exists()
    assert "cannot find -lelf" in tools.refused("gcc", "-o", "hello", "hello.c", "-lelf")


def test_another_tree_can_be_named(tools: Toolchain, sources: Write) -> None:
    sources({"hello.c": HELLO})
    given = f"--sysroot={tools.tree}/lib/xsc/sysroot"
    tools.make("gcc", given, "-o", "hello", "hello.c")
    assert tools.said("hello") == GREETING
    assert "unistd.h" in tools.refused("gcc", f"--sysroot={tools.where}", "hello.c")


def test_programs_without_start_files_are_tagged(tools: Toolchain, sources: Write) -> None:
    start = '#include <unistd.h>\nvoid _start(void) { _exit(write(1, "ok\\n", 3) != 3); }\n'
    sources({"a.c": start})
    tools.make("gcc", "-O2", "-nostartfiles", "-o", "a", "a.c")
    tools.check("a")


def test_programs_without_library_bring_the_note_themselves(
    tools: Toolchain, sources: Write
) -> None:
    sources({"a.S": "\t.globl _start\n_start:\thlt\n"})
    tools.make("gcc", "-nostdlib", "-static", "-o", "a", "a.S")
    with pytest.raises(AssertionError):
        tools.check("a")
    note = tools.tool("gcc", "-print-file-name=xsc-note.o").stdout.strip()
    tools.make("gcc", "-nostdlib", "-static", "-o", "a", "a.S", note)
    tools.check("a")


def test_a_program_without_the_note_is_refused(tools: Toolchain, sources: Write) -> None:
    sources(
        {
            "hello.c": HELLO,
            "drop.ld": "SECTIONS { /DISCARD/ : { *(.note.xsc) } } INSERT AFTER .text;",
        }
    )
    said = tools.refused("gcc", "-o", "hello", "hello.c", "-Wl,-T,drop.ld")
    assert "hello: lacks the note XSC_ABI" in said
    assert not tools.exists("hello")


def test_the_systems_c_library_is_refused(tools: Toolchain, sources: Write) -> None:
    """With the plain name the compiler takes the system's files, which are Debian's here."""
    sources({"hello.c": HELLO})
    native = tools.tree / "lib/xsc/bin/gcc"
    done = tools.run(native, "-o", "hello", "hello.c")
    assert done.returncode != 0
    assert "install XSC's libc6-dev" in done.stderr
    done = tools.run(native, "-shared", "-fPIC", "-o", "hello.so", "hello.c")
    assert done.returncode == 0, done.stderr
    done = tools.run(native, "-c", "-x", "c", "-", "-o", "x.o")
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("option", ["-m32", "-mx32"])
def test_32_bit_programs_are_refused(tools: Toolchain, sources: Write, option: str) -> None:
    sources({"hello.c": HELLO, "boot.c": "int boot(void) { return 1; }\n"})
    assert "XSC programs are 64-bit" in tools.refused("gcc", option, "-o", "hello", "hello.c")
    assert "XSC programs are 64-bit" in tools.refused("gcc", option, "-c", "hello.c")
    tools.make("gcc", option, "-ffreestanding", "-c", "boot.c")


@pytest.mark.parametrize("kind", ["address", "thread", "leak", "undefined", "undefined,address"])
def test_sanitizers_that_trap_are_refused(tools: Toolchain, sources: Write, kind: str) -> None:
    sources({"hello.c": HELLO})
    said = tools.refused("gcc", f"-fsanitize={kind}", "-o", "hello", "hello.c")
    name = kind.rpartition(",")[2]
    assert f"-fsanitize={name}: its run-time library enters the kernel by traps" in said
    assert "cannot find" not in said


def test_constants_are_no_traps(tools: Toolchain, sources: Write) -> None:
    """The bytes of each trap, as immediate, displacement, offset of a jump, and data in code."""
    code = """\
	.globl main
	.type main, @function
main:	movl $0x050f, %eax
	movabs $0x80cd340f050f, %rdx
	lea 0x050f(%rdi), %rax
	mov 0x340f0000(%rdi), %rax
	xor %eax, %eax
	ret
	.size main, . - main
	.balign 16
.Ltable:
	.quad 0x06060606050f0606, 0x80cd3737340f3737, 0xd5d5d5d5d5050fd5
	.globl after
	.type after, @function
after:	ret
	.size after, . - after
	.section .note.GNU-stack, "", @progbits
"""
    sources({"a.S": code})
    for options in ((), ("-static",), ("-s",)):
        tools.make("gcc", *options, "-o", "a", "a.S")
    image = (tools.where / "a").read_bytes()
    assert image.count(b"\x0f\x05") >= 4


def test_names(tools: Toolchain) -> None:
    tools.make("gcc", "--version")
    for name in (
        "ar",
        "nm",
        "objcopy",
        "objdump",
        "ranlib",
        "readelf",
        "strip",
        "gcc-ar",
        "gcc-nm",
    ):
        assert "GNU" in tools.tool(name, "--version").stdout, name
    assert "GNU ld" in tools.tool("ld", "--version").stdout
    assert tools.tool("gcc", "-print-prog-name=ld").stdout.strip().startswith(str(tools.tree))
    assert tools.tool("gcc-12", "-dumpmachine").stdout == "x86_64-linux-gnu\n"
    assert "__XSC__ 1" in tools.tool("cpp", "-dM", "/dev/null").stdout


def test_tree_can_be_moved(tools: Toolchain, sources: Write, tmp_path: Path) -> None:
    place = tmp_path / "a place"
    done = tools.run("cp", "-a", tools.tree, place)
    assert done.returncode == 0, done.stderr
    moved = Toolchain(place, tmp_path)
    sources({"hello.c": HELLO})
    moved.make("gcc", "-o", "hello", "hello.c")
    assert moved.said("hello") == GREETING


def test_an_older_output_is_not_blamed(tools: Toolchain, sources: Write) -> None:
    """`--version` and the like make nothing, whatever lies about."""
    sources({"t.S": "syscall\n"})
    assert tools.run("gcc-12", "-c", "-o", "a.out", "t.S").returncode == 0
    for name in ("as", "ld"):
        assert tools.tool(name, "--version").returncode == 0
