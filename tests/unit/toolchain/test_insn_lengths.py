# SPDX-License-Identifier: MIT
"""The linker's decoder of instruction lengths agrees with capstone on code of this machine."""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Iterator
from pathlib import Path

import capstone
import pytest
from elftools.elf.elffile import ELFFile

from xsc.paths import ROOT
from xsc.run import run

# Compiled code, vector code for every processor, and hand-written assembly with data in between.
SUBJECTS = ("libc.so.6", "libm.so.6", "libcrypto.so.3", "libstdc++.so.6")
LIBRARIES = Path("/usr/lib/x86_64-linux-gnu")
BYTES = 300_000
PLAIN, SYSCALL, SYSENTER, INT80 = range(4)


class Insn(ctypes.Structure):
    """struct insn of length.h."""

    _fields_ = [("length", ctypes.c_size_t), ("kind", ctypes.c_int)]


Decode = Callable[[bytes], tuple[int, int]]


@pytest.fixture(scope="module")
def decode(tmp_path_factory: pytest.TempPathFactory) -> Decode:
    """insn_decode() of length.c."""
    library = tmp_path_factory.mktemp("length") / "length.so"
    source = ROOT / "toolchain/tool/length.c"
    run(["gcc-12", "-O2", "-shared", "-fPIC", "-fsanitize=undefined", "-o", library, source])
    function = ctypes.CDLL(str(library)).insn_decode
    function.restype = Insn
    function.argtypes = [ctypes.c_char_p, ctypes.c_size_t]

    def call(code: bytes) -> tuple[int, int]:
        found = function(code, len(code))
        return found.length, found.kind

    return call


def instructions(path: Path) -> Iterator[tuple[bytes, int, str]]:
    """Yield what begins at each instruction of a file's code, its length and its mnemonic."""
    machine = capstone.Cs(capstone.CS_ARCH_X86, capstone.CS_MODE_64)
    with path.open("rb") as stream:
        code = ELFFile(stream).get_section_by_name(".text").data()[:BYTES]
    offset = 0
    while offset < len(code):
        for address, size, mnemonic, _ in machine.disasm_lite(code[offset:], offset):
            yield code[address : address + 15], size, mnemonic
            offset = address + size
        offset += 1


@pytest.mark.parametrize("name", SUBJECTS)
def test_lengths_of_real_code(decode: Decode, name: str) -> None:
    different = {}
    count = 0
    for code, size, mnemonic in instructions(LIBRARIES / name):
        count += 1
        # Undefined on purpose, with a ModRM byte or without: nobody agrees with nobody.
        if mnemonic not in ("ud0", "ud1") and decode(code)[0] != size:
            different[mnemonic] = (code.hex(), size, decode(code))
    assert count > 50_000
    assert not different


@pytest.mark.parametrize(
    ("code", "length", "kind"),
    [
        ("0f05", 2, SYSCALL),
        ("480f05", 3, SYSCALL),
        ("f3660f34", 4, SYSENTER),
        ("cd80", 2, INT80),
        ("cd81", 2, PLAIN),
        ("cd", 0, PLAIN),
        ("b80f050000", 5, PLAIN),
        ("48b80f05000000000000", 10, PLAIN),
        ("66b80f05", 4, PLAIN),
        ("488d050f050000", 7, PLAIN),
        ("c5f877", 3, PLAIN),
        ("c4e37904c00f", 6, PLAIN),
        ("62f17c48280f", 6, PLAIN),
        ("660f78c00f05", 6, PLAIN),
        ("f6050f05000000", 7, PLAIN),
        ("f6150f050000", 6, PLAIN),
        ("06", 0, PLAIN),
        ("66666666666666666666666666660f05", 0, PLAIN),
    ],
)
def test_lengths_of_odd_code(decode: Decode, code: str, length: int, kind: int) -> None:
    found = decode(bytes.fromhex(code))
    assert found[0] == length
    assert not length or found[1] == kind


def test_cut_off_code_is_none(decode: Decode) -> None:
    for code in ("48b80f05000000000000", "488d050f050000", "c4e37904c00f", "62f17c48280f", "0f05"):
        whole = bytes.fromhex(code)
        for size in range(len(whole)):
            assert decode(whole[:size])[0] == 0
