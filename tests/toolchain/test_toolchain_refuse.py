# SPDX-License-Identifier: MIT
"""What is refused, and where the message says it is."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

import pytest
from toolkit import HELLO, Toolchain

Write = Callable[[Mapping[str, str]], None]

# What stands in an asm statement, and how the message calls it.
STATEMENTS = {
    "syscall": "syscall",
    "SYSCALL": "syscall",
    "sysenter": "sysenter",
    "int $0x80": "int 0x80",
    "int $128": "int 0x80",
    "nop; syscall": "syscall",
    "mov %rdi, %rax\\n\\tsyscall\\n\\tret": "syscall",
    "here: there: rex64 syscall": "syscall",
    "/* why */ syscall # because": "syscall",
    ".byte 0x0f, 0x05": "syscall",
    ".byte 0xf\\n\\t.byte 5": "syscall",
    ".byte 15\\n\\t.byte 0x34": "sysenter",
    ".short 0x80cd": "int 0x80",
}
HARMLESS = (
    "# syscall",
    "/* syscall */ nop",
    '.pushsection .rodata; .ascii \\"syscall\\"; .popsection',
    "syscall_entry: nop",
    "int $3",
    "movl $0x050f, %eax",
    ".byte 0x0f\\n\\tnop\\n\\t.byte 0x90, 0x90",
)


@pytest.mark.parametrize("text", STATEMENTS)
def test_compiler_names_the_line_of_an_asm_statement(
    tools: Toolchain, sources: Write, text: str
) -> None:
    sources({"a.c": f'int f(void)\n{{\n\tasm volatile("{text}");\n\treturn 0;\n}}\n'})
    said = tools.refused("gcc", "-c", "a.c")
    expected = rf"a\.c:3:\d+: error: '{STATEMENTS[text]}' in an 'asm' statement \[xsc-trap\]"
    assert re.search(expected, said), said
    assert not tools.exists("a.o")


@pytest.mark.parametrize("text", HARMLESS)
def test_compiler_lets_other_statements_pass(tools: Toolchain, sources: Write, text: str) -> None:
    sources({"a.c": f'int f(void)\n{{\n\tasm volatile("{text}");\n\treturn 0;\n}}\n'})
    tools.make("gcc", "-c", "a.c")


@pytest.mark.parametrize("options", [(), ("-O2",), ("-O3", "-flto"), ("-Os", "-g"), ("-pipe",)])
def test_options_do_not_matter(tools: Toolchain, sources: Write, options: tuple[str, ...]) -> None:
    code = 'long f(long n)\n{\n\tlong r;\n\tasm("syscall" : "=a"(r) : "0"(n) : "rcx", "r11");\n'
    sources({"a.c": code + "\treturn r;\n}\n"})
    assert "a.c:4:" in tools.refused("gcc", *options, "-c", "a.c")


def test_operands_are_looked_at(tools: Toolchain, sources: Write) -> None:
    code = 'void f(void)\n{{\n\tasm("int %0" : : "i"({}));\n}}\n'
    sources({"bad.c": code.format("64 * 2"), "good.c": code.format("3")})
    assert "bad.c:3:" in tools.refused("gcc", "-c", "bad.c")
    tools.make("gcc", "-c", "good.c")


def test_macros_and_headers_are_named(tools: Toolchain, sources: Write) -> None:
    header = '\n#define ENTER asm volatile("syscall")\nstatic inline void f(void) { ENTER; }\n'
    sources({"f.h": header, "a.c": '#include "f.h"\nvoid g(void)\n{\n\tf();\n}\n'})
    said = tools.refused("gcc", "-O2", "-c", "a.c")
    assert re.search(r"f\.h:2:\d+: error: 'syscall'", said), said


def test_functions_that_nobody_calls_are_not_looked_at(tools: Toolchain, sources: Write) -> None:
    sources({"a.c": 'static inline void f(void) { asm("syscall"); }\nint main(void) { return 0; }'})
    tools.make("gcc", "-o", "a", "a.c")


def test_asm_outside_of_functions_is_named(tools: Toolchain, sources: Write) -> None:
    lines = 'int x;\nasm(".globl f\\n"\n    "f:\\n"\n    "\\tint $0x80\\n"\n    "\\tret");\n'
    sources({"t.h": lines, "a.c": '#include "t.h"\n', "b.c": lines})
    assert re.search(r"t\.h:4:\d+: error: 'int 0x80'", tools.refused("gcc", "-c", "a.c"))
    assert re.search(r"b\.c:4:\d+: error: 'int 0x80'", tools.refused("gcc", "-c", "b.c"))


def test_cxx_templates_are_named_once(tools: Toolchain, sources: Write) -> None:
    code = 'template <class T> T f(T x)\n{\n\tasm("syscall");\n\treturn x;\n}\n'
    sources({"a.cc": code + "int main() { return f(0) + f(0L) + f('a'); }\n"})
    said = tools.refused("g++", "-c", "a.cc")
    assert said.count("error:") == 1
    assert "a.cc:3:" in said


def test_what_macros_of_the_assembler_make_is_named(tools: Toolchain, sources: Write) -> None:
    code = 'asm(".macro enter a, b\\n\\t.byte \\\\a, \\\\b\\n.endm");\n\n\n\n\n'
    call = 'int f(void)\n{\n\tasm volatile("nop\\n\\tenter 0x0f, 5");\n\treturn 0;\n}\n'
    sources({"a.c": code + call})
    said = tools.refused("gcc", "-c", "a.c")
    assert re.search(r"a\.c:8: error: `syscall` at f\+0x\w+ \[xsc-trap\]", said), said


@pytest.mark.parametrize("name", ["a.S", "a.s"])
def test_assembler_names_the_line(tools: Toolchain, sources: Write, name: str) -> None:
    code = "\t.text\n\t.globl f\nf:\tmov %rdi, %rax\n\tsyscall\n\tret\n"
    sources({name: code})
    expected = rf"{re.escape(name)}:4: error: `syscall` at f\+0x3 \[xsc-trap\]"
    assert re.search(expected, tools.refused("gcc", "-c", name))
    assert not tools.exists("a.o")
    assert re.search(expected, tools.refused("as", "-o", "a.o", name))
    assert not tools.exists("a.o")


def test_assembler_sees_through_the_preprocessor(tools: Toolchain, sources: Write) -> None:
    sources({"a.S": "#define GO sysenter\n\n#ifdef NEVER\n\tsyscall\n#endif\ng:\tGO\n"})
    said = tools.refused("gcc", "-c", "a.S")
    assert re.search(r"a\.S:6: error: `sysenter` at g\+0", said), said
    assert said.count("[xsc-trap]") == 1


def trapping_object(tools: Toolchain, sources: Write, name: str = "trap") -> None:
    """Make an object file with a trap by a compiler that does not care."""
    sources({f"{name}.c": f'void {name}(void) {{ asm volatile("nop\\n\\tsyscall"); }}\n'})
    done = tools.run("gcc-12", "-O2", "-c", f"{name}.c")
    assert done.returncode == 0, done.stderr


USER = "void trap(void);\nint main(void) { trap(); return 0; }\n"


@pytest.mark.parametrize("linker", ["bfd", "gold"])
def test_linker_names_symbol_and_object(tools: Toolchain, sources: Write, linker: str) -> None:
    trapping_object(tools, sources)
    sources({"main.c": USER})
    said = tools.refused("gcc", f"-fuse-ld={linker}", "-o", "main", "main.c", "trap.o")
    expected = r"main: `syscall` at trap\+0x1 in \.text, from trap\.o \[xsc-trap\]"
    assert re.search(expected, said), said
    assert not tools.exists("main")


@pytest.mark.parametrize("options", [("-static",), ("-static-pie",), ("-s",), ("-O2", "-flto")])
def test_linker_finds_traps_of_archives(
    tools: Toolchain, sources: Write, options: tuple[str, ...]
) -> None:
    trapping_object(tools, sources)
    sources({"main.c": USER})
    tools.make("ar", "rc", "libtrap.a", "trap.o")
    said = tools.refused("gcc", *options, "-o", "main", "main.c", "-L.", "-ltrap")
    assert re.search(r"`syscall` at .*from \./libtrap\.a\(trap\.o\) \[xsc-trap\]", said), said
    assert said.count("[xsc-trap]") == 1


def test_linker_checks_shared_libraries(tools: Toolchain, sources: Write) -> None:
    trapping_object(tools, sources)
    said = tools.refused("gcc", "-shared", "-o", "libtrap.so", "trap.o")
    assert "libtrap.so: `syscall` at trap+0x1" in said
    tools.make("ld", "-r", "-o", "all.o", "trap.o")
    assert "from all.o" in tools.refused("ld", "-shared", "-o", "libtrap.so", "all.o")


SHARED = {
    "by path": ("lib/libtrap.so",),
    "by path, and another name": ("lib/copy.so",),
    "by directory": ("-Llib", "-ltrap"),
    "by directory, apart": ("-Wl,-L,lib", "-ltrap"),
    "by directory, in full": ("-Wl,--library-path=lib", "-ltrap"),
    "by a response file": ("@words",),
}


@pytest.fixture
def library(tools: Toolchain, sources: Write) -> Toolchain:
    """A shared library with a trap in it, and a program that needs it."""
    trapping_object(tools, sources)
    sources({"main.c": USER, "words": "-Llib -ltrap", "lib/empty": ""})
    make = ("gcc-12", "-shared", "-Wl,-soname,libtrap.so", "-o", "lib/libtrap.so", "trap.o")
    assert tools.run(*make).returncode == 0
    (tools.where / "lib" / "copy.so").write_bytes((tools.where / "lib/libtrap.so").read_bytes())
    return tools


@pytest.mark.parametrize("way", SHARED)
def test_linker_warns_of_libraries_that_trap(library: Toolchain, way: str) -> None:
    said = library.make("gcc", "-o", "main", "main.c", *SHARED[way])
    expected = (
        r"warning: main: needs \S*lib/\w+\.so, which holds 1 trap instruction, the first a "
        r"`syscall` at trap\+0x1 in \.text \[xsc-trap\]"
    )
    assert len(re.findall(expected, said)) == said.count("[xsc-trap]") == 1, said
    assert library.exists("main")


def test_libraries_that_are_not_needed_are_not_looked_at(library: Toolchain) -> None:
    (library.where / "main.c").write_text(HELLO)
    said = library.make("gcc", "-o", "main", "main.c", "-Wl,--as-needed", "-Llib", "-ltrap")
    assert "[xsc-trap]" not in said


def test_traps_of_libraries_can_be_allowed(library: Toolchain, sources: Write) -> None:
    sources({"list": "libtrap.so*  .text  syscall  1  known\n"})
    allow = "-Wl,--xsc-allow=list"
    assert library.make("gcc", allow, "-o", "main", "main.c", "-Llib", "-ltrap") == ""


def test_response_files_hide_nothing(tools: Toolchain, sources: Write) -> None:
    trapping_object(tools, sources)
    sources({"main.c": USER, "words": "-o 'my program' \"main.c\" trap.o"})
    said = tools.refused("gcc", "@words")
    assert "my program: `syscall` at trap+0x1 in .text, from trap.o" in said
    sources({"good.c": HELLO, "words": "-o my\\ program good.c"})
    tools.make("gcc", "@words")
    assert tools.exists("my program")


def test_all_finds_are_told(tools: Toolchain, sources: Write) -> None:
    trapping_object(tools, sources, "one")
    trapping_object(tools, sources, "two")
    sources({"main.c": "void one(void), two(void);\nint main(void) { one(); two(); return 0; }\n"})
    said = tools.refused("gcc", "-o", "main", "main.c", "one.o", "two.o")
    assert "at one+0x1 in .text, from one.o" in said
    assert "at two+0x1 in .text, from two.o" in said


def test_a_failed_link_is_only_that(tools: Toolchain, sources: Write) -> None:
    sources({"main.c": USER})
    said = tools.refused("gcc", "-o", "main", "main.c")
    assert "undefined reference to `trap'" in said
    assert "[xsc-trap]" not in said


def test_warnings_instead_of_errors(tools: Toolchain, sources: Write) -> None:
    sources({"a.c": 'int main(void)\n{\n\tasm("syscall" : : "a"(39) : "rcx", "r11");\n}\n'})
    said = tools.make("gcc", "-o", "a", "a.c", XSC_TRAPS="warn")
    assert re.search(r"a\.c:3:\d+: warning: 'syscall'", said), said
    assert re.search(r"warning: a: `syscall` at main", said), said
    assert tools.exists("a")
    assert "XSC_TRAPS is `maybe`" in tools.refused("gcc", "-o", "a", "a.c", XSC_TRAPS="maybe")
