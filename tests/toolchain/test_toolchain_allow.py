# SPDX-License-Identifier: MIT
"""Each way to allow a trap, and that the reason arrives."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import pytest
from toolkit import Toolchain

Write = Callable[[Mapping[str, str]], None]

# Makes the call getpid by a trap and by the library.
BODY = """
{
	long r;
	asm volatile("mov %1, %0\\n\\tsyscall" : "=&a"(r) : "i"(39) : "rcx", "r11", "memory");
	return r;
}
int main(void) { return trap() != getpid(); }
"""
FORMS = {
    "attribute": '__attribute__((xsc_allow_trap("compared, 100% {all}"))) long trap(void)' + BODY,
    "macro": '#include <xsc/trap.h>\nXSC_ALLOW_TRAP("compared") long trap(void)' + BODY,
    "pragma": '#pragma XSC_ALLOW_TRAP "compared"\nlong trap(void)' + BODY,
    "inlined": '#pragma XSC_ALLOW_TRAP "compared"\nstatic inline long trap(void)' + BODY,
}
OPTIONS = ("-O0", "-O2", "-O2 -flto", "-O2 -static", "-O2 -static-pie -fPIE", "-fuse-ld=gold", "-s")


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("options", OPTIONS)
def test_allowed_traps_are_made_and_explained(
    tools: Toolchain, sources: Write, form: str, options: str
) -> None:
    sources({"a.c": "#include <unistd.h>\n" + FORMS[form]})
    tools.make("gcc", *options.split(), "-o", "a", "a.c")
    assert tools.said("a") == ""
    scanned = tools.tool("trapscan", "a")
    assert scanned.returncode == 0
    assert "in .text, allowed: compared" in scanned.stdout


def test_a_reason_of_any_bytes_is_kept_readable(tools: Toolchain, sources: Write) -> None:
    sources({"a.c": "#include <unistd.h>\n" + FORMS["attribute"]})
    tools.make("gcc", "-o", "a", "a.c")
    assert "allowed: compared, 100_ _all_" in tools.tool("trapscan", "a").stdout


@pytest.mark.parametrize("language", ["gcc", "g++"])
def test_pragma_ends(tools: Toolchain, sources: Write, language: str) -> None:
    code = '#pragma XSC_ALLOW_TRAP\nvoid f(void) { asm("syscall"); }\n'
    later = '#pragma XSC_REFUSE_TRAP\nvoid g(void)\n{\n\tasm("syscall");\n}\n'
    name = "a.c" if language == "gcc" else "a.cc"
    sources({name: code})
    tools.make(language, "-c", name)
    assert "allowed: no reason given" in tools.tool("trapscan", "a.o").stdout
    sources({name: code + later})
    assert f"{name}:6:" in tools.refused(language, "-c", name)


def test_allowance_reaches_no_further_than_its_function(tools: Toolchain, sources: Write) -> None:
    code = '#include <xsc/trap.h>\nXSC_ALLOW_TRAP("f") void f(void) { asm("syscall"); }\n'
    sources({"a.c": code + 'void g(void)\n{\n\tasm("sysenter");\n}\n'})
    said = tools.refused("gcc", "-c", "a.c")
    assert "a.c:5:" in said
    assert said.count("error:") == 1


def test_only_the_instruction_itself_is_allowed(tools: Toolchain, sources: Write) -> None:
    hidden = ".macro hidden\\n\\t.byte 0x0f, 0x05\\n.endm\\n"
    code = f'asm("{hidden}");\n#pragma XSC_ALLOW_TRAP "one"\n'
    sources({"a.c": code + 'void f(void)\n{\n\tasm("syscall\\n\\thidden");\n}\n'})
    said = tools.refused("gcc", "-O2", "-c", "a.c")
    assert "`syscall` at f+0x2" in said
    assert said.count("[xsc-trap]") == 1


def test_asm_outside_of_functions(tools: Toolchain, sources: Write) -> None:
    sources({"a.c": '#pragma XSC_ALLOW_TRAP "top"\nasm("top: syscall\\n\\tret");\n'})
    tools.make("gcc", "-c", "a.c")
    assert "at top+0 in .text, allowed: top" in tools.tool("trapscan", "a.o").stdout


def test_assembly(tools: Toolchain, sources: Write) -> None:
    code = '#include <xsc/trap.h>\nf:\tXSC_TRAP(int $0x80, "asm, too")\n\tret\n'
    sources({"a.S": code, "b.S": code + "\tsyscall\n"})
    tools.make("gcc", "-c", "a.S")
    assert "`int 0x80` at f+0 in .text, allowed: asm, too" in tools.tool("trapscan", "a.o").stdout
    assert "b.S:4: error: `syscall` at f+0x3" in tools.refused("gcc", "-c", "b.S")


def test_other_compilers_accept_the_header(tools: Toolchain, sources: Write) -> None:
    sources({"a.c": '#include "trap.h"\nXSC_ALLOW_TRAP("x") int f(void) { return 0; }\n'})
    header = tools.tree / "lib/xsc/toolchain/include/xsc"
    done = tools.run("gcc-12", "-Wall", "-Werror", f"-I{header}", "-c", "a.c")
    assert done.returncode == 0, done.stderr


PROGRAM = (
    'int main(void) { asm("mov $39, %%eax\\n\\tsyscall" : : : "rax", "rcx", "r11"); return 0; }'
)


@pytest.fixture
def trap(tools: Toolchain, sources: Write) -> Toolchain:
    """An object file with a trap that nobody has allowed."""
    sources({"a.c": PROGRAM})
    assert tools.run("gcc-12", "-c", "a.c").returncode == 0
    return tools


def test_lists(trap: Toolchain, sources: Write) -> None:
    line = "# measures\n\na*  .text  syscall  1  measures the trap\n"
    sources({"list": line, "other": line.replace("a*", "b*")})
    trap.make("gcc", "-Wl,--xsc-allow=list", "-o", "a", "a.o")
    trap.make("gcc", "-Wl,--xsc-allow=other", "-Wl,--xsc-allow=list", "-o", "a", "a.o")
    trap.make("gcc", "-o", "a", "a.o", XSC_TRAP_LISTS="other:list")
    assert "measures the trap" in trap.tool("trapscan", "a", XSC_TRAP_LISTS="list").stdout
    assert "[xsc-trap]" in trap.refused("gcc", "-Wl,--xsc-allow=other", "-o", "a", "a.o")
    assert "[xsc-trap]" in trap.refused("gcc", "-Wl,--xsc-allow=list", "-o", "b", "a.o")


@pytest.mark.parametrize(
    "line", ["* .text syscall 0 none", "* .init syscall 1 there", "* .text sysenter 1 other"]
)
def test_lists_say_what_and_how_many(trap: Toolchain, sources: Write, line: str) -> None:
    sources({"list": line})
    assert "[xsc-trap]" in trap.refused("gcc", "-Wl,--xsc-allow=list", "-o", "a", "a.o")


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ("* .text syscall 1", "list:1: not `file section opcode count reason`"),
        ("\n* .text syscall one reason", "list:2: `one` is no count"),
    ],
)
def test_lists_without_reason_are_refused(
    trap: Toolchain, sources: Write, line: str, complaint: str
) -> None:
    sources({"list": line})
    assert complaint in trap.refused("gcc", "-Wl,--xsc-allow=list", "-o", "a", "a.o")


def test_a_list_that_is_not_there_is_an_error(trap: Toolchain) -> None:
    said = trap.refused("gcc", "-Wl,--xsc-allow=nothing", "-o", "a", "a.o")
    assert "nothing: No such file or directory" in said
