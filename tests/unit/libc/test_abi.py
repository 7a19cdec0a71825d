# SPDX-License-Identifier: MIT
"""The C library and the kernel's header say the same."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from xsc.elf import notes
from xsc.paths import ROOT

UAPI = ROOT / "linux/overlay/include/uapi/linux/xsc.h"
PORT = ROOT / "glibc/overlay/sysdeps/unix/sysv/linux/x86_64"


def defined(path: Path, name: str) -> str:
    match = re.search(rf"^\s*#\s*define\s+{name}\s+(\S+)", path.read_text(), re.MULTILINE)
    assert match, f"{name} is not defined in {path}"
    return match[1]


@pytest.mark.parametrize(
    ("name", "file"),
    [
        ("AT_XSC_BASE", "xsc-init.h"),
        ("NT_XSC_ABI", "xsc-note.h"),
        ("XSC_ABI_VERSION", "xsc-note.h"),
    ],
)
def test_numbers_agree(name: str, file: str) -> None:
    assert int(defined(PORT / file, name), 0) == int(defined(UAPI, name), 0)


def test_the_owner_of_the_note_agrees() -> None:
    owner = defined(UAPI, "XSC_NOTE_OWNER")
    assert f"{owner}, XSC_ABI_VERSION" in (PORT / "xsc-note.h").read_text()
    assert owner == f'"{notes.OWNER}"'
    assert int(defined(UAPI, "NT_XSC_ABI"), 0) == notes.NT_XSC_ABI


def test_the_fallback_table_starts_like_the_control_page() -> None:
    layout = re.search(r"struct xsc_ctrl \{(.*?)\};", UAPI.read_text(), re.DOTALL)
    assert layout
    members = re.findall(r"(\w+);", layout[1])
    table = re.search(r"struct xsc_table\n\{(.*?)\};", (PORT / "xsc-init.h").read_text(), re.DOTALL)
    assert table
    assert re.findall(r"(\w+)\)? ?(?:\(void\))?;", table[1]) == members
