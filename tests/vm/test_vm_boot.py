# SPDX-License-Identifier: MIT
"""The ISO itself: each firmware, each kind of medium, each menu entry, up to the root shell."""

from __future__ import annotations

import os
import signal
import termios
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pexpect
import pytest

from xsc.config import Settings
from xsc.vm import boot
from xsc.vm.accel import probe
from xsc.vm.boot import Report
from xsc.vm.errors import BootTimeout
from xsc.vm.firmware import Firmware, Media, Medium
from xsc.vm.qemu import Hardware

pytestmark = [pytest.mark.vm, pytest.mark.timeout(1500)]

Built = Callable[[str], Path]

# Every firmware with every medium; the profiles, modes, machines and sizes take turns.
SYSTEMS = [
    ("bios", "cdrom", "permissive", "standard", "q35", "2G"),
    ("bios", "usb", "enforcing", "minimal", "q35", "512M"),
    ("bios", "ahci", "enforcing", "minimal", "q35", "1G"),
    ("bios", "nvme", "permissive", "minimal", "q35", "1G"),
    ("uefi", "cdrom", "permissive", "minimal", "q35", "1G"),
    ("uefi", "usb", "enforcing", "standard", "q35", "2G"),
    ("uefi", "ahci", "off", "minimal", "q35", "1G"),
    ("uefi", "nvme", "permissive", "minimal", "q35", "1G"),
    ("bios", "cdrom", "off", "standard", "pc", "512M"),
]


def iso_of(built: Built, profile: str) -> Path:
    """Return the ISO of a profile; XSC_TEST_ISO names one to test instead."""
    if "XSC_TEST_ISO" in os.environ:
        return Path(os.environ["XSC_TEST_ISO"])
    (iso,) = built(f"iso-{profile}").glob("*.iso")
    return iso


@pytest.mark.parametrize(
    ("firmware", "media", "entry", "profile", "machine", "memory"),
    SYSTEMS,
    ids=["-".join(row) for row in SYSTEMS],
)
def test_the_iso_boots_to_a_root_shell(
    built: Built,
    settings: Settings,
    firmware: str,
    media: str,
    entry: str,
    profile: str,
    machine: str,
    memory: str,
) -> None:
    log = settings.paths.logs / f"test-boot-{firmware}-{media}-{entry}-{profile}.log"
    report = boot.verify(
        Hardware(probe(), machine, memory=memory),
        Medium(iso_of(built, profile), Firmware(firmware), Media(media)),
        entry=entry,
        log=log,
    )
    print(f"shell after {report.shell_seconds} s, off after {report.total_seconds} s", report.facts)
    check_counters(report, entry)


def check_counters(report: Report, entry: str) -> None:
    """Nothing trapped since PID 1 started, and the ring was really used; or XSC is off."""
    if entry == "off":
        assert report.counters.get("kernel.calls", 0) == 0
        return
    assert report.facts["kernel.mode"] == entry
    assert report.counters["self.traps"] == 0
    assert report.counters["kernel.traps"] == 0
    assert report.counters["self.calls"] > 0
    assert report.counters["kernel.calls"] > 1000


def test_a_disk_without_a_boot_loader_is_told_from_success(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    disk = tmp_path / "blank.iso"
    disk.write_bytes(bytes(1 << 20))
    monkeypatch.setattr(boot, "MENU_SECONDS", 0.5)
    with pytest.raises(BootTimeout, match="no boot menu"):
        boot.verify(Hardware(probe()), Medium(disk), log=tmp_path / "log")


@pytest.fixture
def console(built: Built, settings: Settings) -> Iterator[pexpect.spawn[bytes]]:
    """`xsc vm boot --interactive` on a terminal, at the boot menu, as `./xsc run` shows it."""
    words = [str(settings.paths.root / "xsc"), "vm", "boot", "--interactive"]
    words += ["--iso", str(iso_of(built, "minimal"))]
    # The shell keeps the terminal alive after QEMU has gone, so that it can be looked at.
    script = 'stty -a | grep -o ".icanon"; "$@"; echo "code $?"; stty -a | grep -o ".icanon"'
    child = pexpect.spawn("sh", ["-c", script, "sh", *words], timeout=200)
    child.expect(" icanon")
    child.expect("Ctrl-A X")
    child.expect("Serial console")
    assert not termios.tcgetattr(child.fileno())[3] & termios.ICANON
    yield child
    child.close(force=True)


def test_ctrl_a_x_gives_the_terminal_back(console: pexpect.spawn[bytes]) -> None:
    console.send("\x01x")
    console.expect("code 0", timeout=30)
    console.expect(" icanon")


def test_a_signal_gives_the_terminal_back_and_ends_the_machine(
    console: pexpect.spawn[bytes],
) -> None:
    (xsc,) = children(console.pid)
    (qemu,) = children(xsc)
    os.kill(xsc, signal.SIGTERM)
    console.expect("code 130", timeout=30)
    console.expect(" icanon")
    deadline = time.monotonic() + 10
    while Path(f"/proc/{qemu}").exists():
        assert time.monotonic() < deadline, "QEMU outlived xsc"
        time.sleep(0.1)


def children(pid: int) -> list[int]:
    """Return the ids of a process's children."""
    return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
