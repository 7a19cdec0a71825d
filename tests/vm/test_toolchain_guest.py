# SPDX-License-Identifier: MIT
"""What the toolchain makes on the host, run by XSC's kernel."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path

import pytest
from vmkit import Built, Lab

from xsc.run import run

pytest_plugins = ("labs",)
pytestmark = [pytest.mark.vm, pytest.mark.timeout(600)]

GUEST = "/tmp/toolchain"
GREETING = "Hello from XSC!\n"
SIGSYS = 31
HELLO = """\
#include <unistd.h>
int main(void) { return write(1, "Hello from XSC!\\n", 16) != 16; }
"""
# Throws through frames of a library call, in two threads.
CXX = """\
#include <algorithm>
#include <cstdio>
#include <stdexcept>
#include <thread>
static void work()
{
	int numbers[] = { 3, 1, 2 };
	try {
		std::for_each(numbers, numbers + 3, [](int n) {
			if (n == 2)
				throw std::range_error("caught");
		});
	} catch (const std::exception &e) {
		std::puts(e.what());
	}
}
int main() { std::thread other(work); other.join(); work(); }
"""
TRAP = """\
#include <xsc/trap.h>
XSC_ALLOW_TRAP("shows what becomes of it") int main(void)
{
	long r;
	asm volatile("syscall" : "=a"(r) : "0"(39) : "rcx", "r11", "memory");
	return r <= 0;
}
"""
# Enters by a gate of its own, and has nothing else: no C library, no start files.
GATE = """\
	.globl _start
_start:	mov $1, %eax
	mov $1, %edi
	lea text(%rip), %rsi
	mov $16, %edx
	lea 1f(%rip), %rcx
	jmp *%gs:0
1:	mov $231, %eax
	xor %edi, %edi
	lea 1f(%rip), %rcx
	jmp *%gs:0
1:	hlt
	.section .rodata
text:	.ascii "Hello from XSC!\\n"
	.section .note.GNU-stack, "", @progbits
"""
PROGRAMS = {
    "shared": ("gcc", "hello.c", "-O2"),
    "static": ("gcc", "hello.c", "-static"),
    "static-pie": ("gcc", "hello.c", "-static-pie"),
    "lto": ("gcc", "hello.c", "-O2", "-flto"),
    "gold": ("gcc", "hello.c", "-fuse-ld=gold"),
    "cxx": ("g++", "cxx.cc", "-O2"),
    "cxx-static": ("g++", "cxx.cc", "-O2", "-static"),
    "trap": ("gcc", "trap.c"),
}
SAID = {"cxx": "caught\ncaught\n", "cxx-static": "caught\ncaught\n"}
HELLOS = [name for name in PROGRAMS if name != "trap"]


@pytest.fixture(scope="module")
def archive(built: Built, tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A tar archive of all programs."""
    tree = built("toolchain") / "tree"
    where = tmp_path_factory.mktemp("toolchain")
    sources = {"hello.c": HELLO, "cxx.cc": CXX, "trap.c": TRAP, "gate.S": GATE}
    for name, text in sources.items():
        (where / name).write_text(text)
    env = {"PATH": f"{tree}/bin:/usr/bin:/bin"}
    prefix = "x86_64-xsc-linux-gnu-"
    for name, (compiler, source, *options) in PROGRAMS.items():
        run([f"{prefix}{compiler}", *options, "-o", name, source], cwd=where, env=env)
    found = run([f"{prefix}gcc", "-print-file-name=xsc-note.o"], env=env).stdout.strip()
    run([f"{prefix}gcc", "-nostdlib", "-static", "-o", "gate", "gate.S", found], cwd=where, env=env)
    return packed([where / name for name in (*PROGRAMS, "gate")])


def packed(files: list[Path]) -> bytes:
    """Return a tar archive of files."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as tar:
        for path in files:
            tar.add(path, path.name)
    return stream.getvalue()


@pytest.fixture(scope="module")
def programs(archive: bytes, enforcing: Lab) -> str:
    """The directory of the programs in the guest that refuses traps."""
    return unpack(archive, enforcing)


def unpack(archive: bytes, lab: Lab) -> str:
    """Put the programs into a guest and return where they are."""
    lab.shell(f"rm -rf {GUEST}; mkdir {GUEST}")
    done = lab.machine.run(["tar", "-C", GUEST, "-x"], input=archive, timeout=120)
    assert done.code == 0, done.stderr
    return GUEST


def traps(lab: Lab) -> int:
    """Return how many traps of tagged tasks the kernel has counted."""
    return int(lab.shell("cat /sys/kernel/xsc/traps"))


@pytest.mark.parametrize("name", [*HELLOS, "gate"])
def test_programs_run_where_traps_are_refused(enforcing: Lab, programs: str, name: str) -> None:
    before = traps(enforcing)
    assert enforcing.shell(f"{programs}/{name}") == SAID.get(name, GREETING)
    assert traps(enforcing) == before
    assert enforcing.kernel_trouble() == []


def test_an_allowed_trap_is_refused_by_the_kernel(enforcing: Lab, programs: str) -> None:
    before = traps(enforcing)
    done = enforcing.run(["sh", "-c", f"{programs}/trap; echo $?"])
    assert done.stdout.decode() == f"{128 + SIGSYS}\n"
    assert traps(enforcing) == before + 1
    enforcing.kernel_trouble()


def test_an_allowed_trap_is_counted(permissive: Lab, archive: bytes) -> None:
    before = traps(permissive)
    permissive.shell(f"{unpack(archive, permissive)}/trap")
    assert traps(permissive) == before + 1


@pytest.mark.parametrize("name", HELLOS)
def test_programs_run_on_debians_kernel(stock: Lab, archive: bytes, name: str) -> None:
    assert stock.shell(f"{unpack(archive, stock)}/{name}") == SAID.get(name, GREETING)
