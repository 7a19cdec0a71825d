# SPDX-License-Identifier: MIT
"""GRUB's boot images: one for BIOS (CD and disk), one EFI program in a FAT file system."""

from __future__ import annotations

import os
from pathlib import Path

from xsc.graph.step import StepContext

EARLY = "image/grub/early.cfg"
MBR = Path("/usr/lib/grub/i386-pc/boot_hybrid.img")
TOOLS = ("grub-mkimage", "grub-pc", "grub-efi", "mkfs.fat", "mcopy")

# Everything grub.cfg and a person at GRUB's prompt need; the medium holds no module files.
_COMMON = (
    "all_video", "cat", "configfile", "echo", "fat", "halt", "help", "iso9660", "linux", "ls",
    "normal", "part_gpt", "part_msdos", "reboot", "search", "search_fs_uuid", "search_label",
    "serial", "sleep", "smbios", "terminal", "terminfo", "test", "true",
)  # fmt: skip
_BIOS = ("biosdisk", "vbe", "vga")
_EFI = ("efi_gop", "efi_uga")
_EFI_PATH = "EFI/BOOT/BOOTX64.EFI"
_FAT_ID = "58534337"  # "XSC7"; mkfs.fat would draw a random one


def bios_image(context: StepContext) -> Path:
    """Return a core image that El Torito firmware and boot_hybrid.img can both start."""
    return _mkimage(context, "i386-pc-eltorito", context.work / "eltorito.img", _BIOS)


def efi_image(context: StepContext) -> Path:
    """Return a FAT image with the EFI program at the path for removable media."""
    program = _mkimage(context, "x86_64-efi", context.work / "bootx64.efi", _EFI)
    os.utime(program, (context.epoch, context.epoch))
    image = context.work / "efi.img"
    image.unlink(missing_ok=True)
    kib = (program.stat().st_size // 1024 + 256 + 31) // 32 * 32
    context.run(
        [
            "mkfs.fat", "--invariant", "-i", _FAT_ID, "-n", "XSC_EFI", "-F", "12",
            "-C", image, str(kib),
        ]
    )  # fmt: skip
    context.run(["mmd", "-i", image, "::/EFI", "::/EFI/BOOT"])
    context.run(["mcopy", "-i", image, "-m", program, f"::/{_EFI_PATH}"])
    return image


def _mkimage(context: StepContext, target: str, output: Path, modules: tuple[str, ...]) -> Path:
    output.unlink(missing_ok=True)
    context.run(
        [
            "grub-mkimage", "-O", target, "-p", "/boot/grub", "-c", context.root / EARLY,
            "-o", output, *_COMMON, *modules,
        ]
    )  # fmt: skip
    return output
