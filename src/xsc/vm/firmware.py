# SPDX-License-Identifier: MIT
"""Command lines of machines that boot a medium by their own firmware, as an ordinary PC does."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from xsc.errors import InfraError, UsageError
from xsc.vm.qemu import Channels, Hardware, channel_argv, escape, machine_argv

OVMF = Path("/usr/share/OVMF")
OVMF_CODE = OVMF / "OVMF_CODE_4M.fd"
OVMF_VARS = OVMF / "OVMF_VARS_4M.fd"


class Firmware(StrEnum):
    """What starts the boot loader."""

    BIOS = "bios"
    UEFI = "uefi"


class Media(StrEnum):
    """What the machine finds the ISO on."""

    CDROM = "cdrom"
    USB = "usb"
    AHCI = "ahci"
    NVME = "nvme"


@dataclass(frozen=True)
class Medium:
    """An ISO and how the machine is to boot it."""

    iso: Path
    firmware: Firmware = Firmware.BIOS
    media: Media = Media.CDROM


# On q35 `ide.0` is the first port of the built-in AHCI controller, on pc the first IDE channel.
_DEVICES = {
    Media.CDROM: ["-device", "ide-cd,drive=medium,bus=ide.0,bootindex=0"],
    Media.USB: ["-device", "qemu-xhci", "-device", "usb-storage,drive=medium,bootindex=0"],
    Media.AHCI: ["-device", "ide-hd,drive=medium,bus=ide.0,bootindex=0"],
    Media.NVME: ["-device", "nvme,drive=medium,serial=xsc,bootindex=0"],
}


def medium_argv(medium: Medium, machine: str) -> list[str]:
    """The drive. Writes of the guest go to a snapshot: a stick may be written, the ISO never is.

    Raises UsageError for AHCI on a machine type that has none.
    """
    if medium.media is Media.AHCI and machine.startswith("pc"):
        raise UsageError("the machine type pc has no AHCI", hint="use --machine q35")
    drive = f"file={escape(str(medium.iso))},if=none,id=medium,format=raw"
    drive += ",media=cdrom,readonly=on" if medium.media is Media.CDROM else ",snapshot=on"
    return ["-drive", drive, *_DEVICES[medium.media]]


def firmware_argv(firmware: Firmware, variables: Path) -> list[str]:
    """UEFI from flash, with `variables` as this machine's own copy of its settings; or SeaBIOS."""
    if firmware is Firmware.BIOS:
        return []
    if not OVMF_CODE.exists():
        raise InfraError(f"{OVMF_CODE} is missing", hint="install the Debian package ovmf")
    argv: list[str] = []
    for path, access in ((OVMF_CODE, ",readonly=on"), (variables, "")):
        argv += ["-drive", f"if=pflash,format=raw,file={escape(str(path))}{access}"]
    return argv


def boot_argv(hardware: Hardware, medium: Medium, channels: Channels, variables: Path) -> list[str]:
    """The whole command line: an ordinary PC with a screen, a network card and the medium."""
    argv = machine_argv(hardware)
    argv += ["-device", "VGA"]
    card = "e1000" if hardware.machine.startswith("pc") else "e1000e"
    argv += ["-nic", f"user,model={card}"]
    argv += firmware_argv(medium.firmware, variables)
    argv += medium_argv(medium, hardware.machine)
    argv += channel_argv(channels)
    return argv
