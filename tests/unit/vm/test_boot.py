# SPDX-License-Identifier: MIT
"""Booting media by firmware: command lines, and what counts as an answer of the shell."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest

from xsc.errors import StepFailed, UsageError
from xsc.vm import boot
from xsc.vm.accel import Accel
from xsc.vm.firmware import Firmware, Media, Medium, boot_argv
from xsc.vm.qemu import Channels, Hardware

ROOT = Path(__file__).resolve().parents[3]
TCG = Hardware(Accel("tcg", "test"))
TOKEN = "0123456789abcdef01234567"


def argv_of(firmware: Firmware, media: Media, machine: str = "q35") -> list[str]:
    hardware = Hardware(TCG.accel, machine)
    medium = Medium(Path("/x/a.iso"), firmware, media)
    return boot_argv(hardware, medium, Channels(), Path("/x/vars.fd"))


@pytest.mark.parametrize("firmware", list(Firmware))
@pytest.mark.parametrize(
    ("media", "device"),
    [
        (Media.CDROM, "ide-cd"),
        (Media.USB, "usb-storage"),
        (Media.AHCI, "ide-hd"),
        (Media.NVME, "nvme"),
    ],
)
def test_the_iso_is_on_what_was_asked_for(firmware: Firmware, media: Media, device: str) -> None:
    argv = argv_of(firmware, media)
    (found,) = [word for word in argv if "drive=medium" in word]
    assert found.split(",")[0] == device
    assert "bootindex=0" in found


@pytest.mark.parametrize("media", list(Media))
def test_the_iso_is_never_written(media: Media) -> None:
    (drive,) = [word for word in argv_of(Firmware.BIOS, media) if "id=medium" in word]
    assert {"readonly=on", "snapshot=on"} & set(drive.split(","))


def test_uefi_has_a_copy_of_its_variables_and_read_only_code() -> None:
    flash = [word for word in argv_of(Firmware.UEFI, Media.CDROM) if "if=pflash" in word]
    assert [word.endswith("readonly=on") for word in flash] == [True, False]
    assert "file=/x/vars.fd" in flash[1]
    assert not any("pflash" in word for word in argv_of(Firmware.BIOS, Media.CDROM))


def test_it_is_an_ordinary_pc() -> None:
    assert any("e1000e" in word for word in argv_of(Firmware.BIOS, Media.CDROM))
    assert "VGA" in argv_of(Firmware.BIOS, Media.CDROM)
    with pytest.raises(UsageError):
        argv_of(Firmware.BIOS, Media.AHCI, "pc")


def test_the_hotkeys_are_those_of_the_menu() -> None:
    """What boot.py presses must start what boot.py believes it starts, with a serial console."""
    menu = (ROOT / "image" / "grub" / "grub.cfg").read_text()
    entries = menu.split("menuentry ")[1:]
    for mode, key in boot.ENTRIES.items():
        (entry,) = [text for text in entries if f"--hotkey={key} " in text]
        assert f"xsc={mode} " in entry
        assert "$serial" in entry
    assert 'set serial="console=tty0 console=ttyS0' in menu
    assert re.search(boot._MENU, menu.encode()), "the title the console is searched for"


def test_the_menu_is_recognised_when_every_letter_comes_twice() -> None:
    doubled = "".join(2 * letter for letter in "Serial console: permissive")
    assert re.search(boot._MENU, doubled.encode())


def answer(*lines: str, token: str = TOKEN) -> str:
    return "\r\n".join(["noise", f"begin-{token}", *lines, f"end-{token}", "more noise"])


def test_an_answer_is_what_stands_between_the_marks() -> None:
    text = answer("uid: 0", "cmdline: quiet xsc=off a:b", "self.calls: 12", "no colon")
    assert boot.parse_answer(text, TOKEN) == {
        "uid": "0",
        "cmdline": "quiet xsc=off a:b",
        "self.calls": "12",
    }


@pytest.mark.parametrize(
    "text",
    [
        "",
        "root@xsc:~# ",
        answer("uid: 0")[:-40],
        answer("uid: 0", token="another" + TOKEN[7:]),
        f"end-{TOKEN}\nbegin-{TOKEN}\n",
        boot.question(TOKEN),
        "\r\n".join(boot.question(TOKEN)[at : at + 80] for at in range(0, 900, 80)),
    ],
)
def test_anything_else_is_no_answer(text: str) -> None:
    assert boot.parse_answer(text, TOKEN) is None


@pytest.mark.parametrize("shell", ["bash", "dash", "busybox sh"])
def test_shells_understand_the_question(shell: str, tmp_path: Path) -> None:
    """Without a port, the answer goes to the terminal: here `script` provides one."""
    (tmp_path / "question.sh").write_text(boot.question(TOKEN) + "\n")
    command = f"{shell} {tmp_path / 'question.sh'}"
    done = subprocess.run(
        ["script", "-qec", command, "/dev/null"],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=30,
        check=False,
    )
    facts = boot.parse_answer(done.stdout.decode(), TOKEN)
    assert facts is not None, done
    assert facts["uid"] == str(os.getuid())
    assert facts["release"] == os.uname().release


def test_a_report_from_another_entry_or_user_is_refused() -> None:
    good = {"uid": "0", "cmdline": "x xsc=enforcing y"}
    boot._check(good, "enforcing")
    for bad in ({**good, "uid": "1000"}, {**good, "cmdline": "xsc=permissive"}, {}):
        with pytest.raises(StepFailed):
            boot._check(bad, "enforcing")
