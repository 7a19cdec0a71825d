# SPDX-License-Identifier: MIT
"""A QEMU that ends itself: known by its words and its signal, started anew, and said."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from xsc.vm import boot
from xsc.vm.aborts import MOST_BOOTS, boot_again, failed_assertion
from xsc.vm.accel import Accel
from xsc.vm.errors import QemuAborted, QemuFailed
from xsc.vm.firmware import Firmware, Media, Medium
from xsc.vm.qemu import Hardware

OF_LIBC = "qemu: ../../hw/pci/msix.c:218: msix_table_mmio_write: Assertion `addr < 16' failed."
OF_GLIB = "ERROR:../../softmmu/memory.c:9:access: assertion failed: (size > 0)"
UNREACHABLE = "ERROR:../../accel/tcg/cputlb.c:9:walk: code should not be reached"


@pytest.mark.parametrize("words", [OF_LIBC, OF_GLIB, UNREACHABLE])
def test_an_assertion_is_found_in_what_qemu_wrote(words: str) -> None:
    said = f"+ qemu -append 'a b'\nqemu: warning: so and so\n{words}\nBail out!\n"
    assert failed_assertion(-signal.SIGABRT, said) == words


@pytest.mark.parametrize("status", [None, 0, 1, -signal.SIGKILL, -signal.SIGSEGV])
def test_words_alone_are_no_abort(status: int | None) -> None:
    assert failed_assertion(status, OF_LIBC) is None


@pytest.mark.parametrize("words", ["", "Aborted", "qemu: cannot set up guest memory"])
def test_a_signal_alone_is_no_assertion(words: str) -> None:
    assert failed_assertion(-signal.SIGABRT, words) is None


def boots(fates: Iterator[Exception | str]) -> str:
    fate = next(fates)
    if isinstance(fate, Exception):
        raise fate
    return fate


@pytest.mark.parametrize("aborted", range(MOST_BOOTS))
def test_a_boot_is_made_again_and_each_is_told(
    aborted: int, capsys: pytest.CaptureFixture[str]
) -> None:
    fates = iter([*[QemuAborted(OF_LIBC)] * aborted, "up"])
    assert boot_again(lambda: boots(fates)) == "up"
    assert capsys.readouterr().err.count(OF_LIBC) == aborted


def test_it_ends_some_time() -> None:
    fates = iter([QemuAborted(OF_LIBC)] * MOST_BOOTS)
    with pytest.raises(QemuAborted):
        boot_again(lambda: boots(fates))
    assert next(fates, "none left") == "none left"


def test_other_failures_are_not_made_again() -> None:
    fates = iter([QemuFailed("no memory"), "up"])
    with pytest.raises(QemuFailed):
        boot_again(lambda: boots(fates))
    assert next(fates) == "up"


def test_a_medium_is_booted_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """What the console has said by then does not matter."""
    qemu, medium = tmp_path / "qemu", Medium(tmp_path / "a.iso", Firmware.BIOS, Media.CDROM)
    script = f'echo boot >> {tmp_path}/boots; echo "{OF_LIBC}" >&2; kill -ABRT $$'
    qemu.write_text(f"#!/bin/sh\n{script.replace('`', chr(92) + '`')}\n")
    qemu.chmod(0o755)
    medium.iso.touch()
    monkeypatch.setattr("xsc.vm.qemu.QEMU", str(qemu))
    with pytest.raises(QemuAborted, match="msix_table_mmio_write"):
        boot.verify(Hardware(Accel("tcg", "test")), medium, log=tmp_path / "log")
    assert (tmp_path / "boots").read_text().count("boot") == MOST_BOOTS
    assert capsys.readouterr().err.count("booting once more") == MOST_BOOTS - 1
