# SPDX-License-Identifier: MIT
"""Steps iso-<profile>: one medium that boots from CD and USB stick, with BIOS and UEFI."""

from __future__ import annotations

import hashlib
import os
import shutil
import time
import uuid
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

from xsc.build import bootloader, isocheck, manifest, tools
from xsc.build.profiles import Profile, load, medium
from xsc.build.rootfs import PROFILES
from xsc.errors import StepFailed
from xsc.graph.step import Json, Step, StepContext

_MENU = "image/grub/grub.cfg"
_EFI_SYSTEM = "C12A7328-F81F-11D2-BA4B-00A0C93EC93B"


def _params() -> Mapping[str, Json]:
    return {"tools": dict(tools.versions(("xorriso", "linux-source", *bootloader.TOOLS)))}


def _place(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        os.link(source, target)
    except OSError:  # another file system
        shutil.copyfile(source, target)


def _contents(context: StepContext, profile: Profile) -> dict[str, Path]:
    """Return the files of the medium by their path on it; the menu is written here."""
    menu = (context.root / _MENU).read_text()
    for mark, path in (("@LINUX@", isocheck.KERNEL), ("@INITRD@", isocheck.INITRD)):
        menu = menu.replace(mark, f"/{path}")
    grub_cfg = context.work / "grub.cfg"
    grub_cfg.write_text(menu)
    return {
        isocheck.KERNEL: context.input("kernel") / "bzImage",
        isocheck.INITRD: context.input("initramfs") / "initramfs.cpio.zst",
        isocheck.ROOTFS: context.input(f"rootfs-{profile.name}") / "rootfs.squashfs",
        "boot/grub/grub.cfg": grub_cfg,
    }


def _tree(context: StepContext, contents: Mapping[str, Path]) -> Path:
    tree = context.work / "tree"
    shutil.rmtree(tree, ignore_errors=True)
    for name, source in contents.items():
        _place(source, tree / name)
    # xorriso writes its boot information table into this file: it must not be a link.
    shutil.copyfile(bootloader.bios_image(context), tree / isocheck.BIOS_IMAGE)
    return tree


def xorriso_argv(
    tree: Path, efi: Path, iso: Path, *, epoch: int, disk_id: str
) -> Sequence[str | Path]:
    """Return the xorriso command; `epoch` in seconds, `disk_id` a GUID without dashes."""
    stamp = time.strftime("%Y%m%d%H%M%S00", time.gmtime(epoch))
    return [
        "xorriso", "-no_rc", "-as", "mkisofs",
        "-iso-level", "3", "-rational-rock", "-volid", isocheck.LABEL, "-volset", isocheck.LABEL,
        "-publisher", "XSC", "-preparer", "XSC", "-appid", "XSC", "-sysid", "",
        f"--modification-date={stamp}", "--set_all_file_dates", stamp,
        # A disk sees an MBR and a GPT; partition 1 starts behind them, so that systems which
        # look at partitions only find the ISO file system too.
        "--grub2-mbr", bootloader.MBR, "-partition_offset", "16", "--mbr-force-bootable",
        "-append_partition", "2", _EFI_SYSTEM, efi, "-appended_part_as_gpt",
        "--gpt_disk_guid", disk_id,
        "-b", isocheck.BIOS_IMAGE, "-c", "boot/boot.cat", "-no-emul-boot",
        "-boot-load-size", "4", "-boot-info-table", "--grub2-boot-info",
        "-eltorito-alt-boot", "-e", "--interval:appended_partition_2:all::", "-no-emul-boot",
        "-output", iso, tree,
    ]  # fmt: skip


def _disk_id(contents: Mapping[str, Path]) -> str:
    """Return a GUID that is the same for the same contents only."""
    digest = hashlib.sha256()
    for name in sorted(contents):
        digest.update(f"{name}\0{isocheck.sha256(contents[name])}\0".encode())
    return uuid.UUID(bytes=digest.digest()[:16], version=4).hex


def _build(name: str, context: StepContext) -> None:
    profile = load(context.root, name)
    context.progress(0.1, "making the boot images")
    contents = _contents(context, profile)
    tree = _tree(context, contents)
    efi = bootloader.efi_image(context)
    context.progress(0.3, "writing the medium")
    iso = context.out / medium(profile).file
    argv = xorriso_argv(tree, efi, iso, epoch=context.epoch, disk_id=_disk_id(contents))
    context.run(argv)
    context.progress(0.7, "reading it back")
    isocheck.check(iso, contents)
    megabytes = iso.stat().st_size / 1e6
    if megabytes > medium(profile).max_mb:
        raise StepFailed(
            f"{iso.name} has {megabytes:.0f} MB; its profile allows {medium(profile).max_mb} MB",
            hint=f"name fewer packages in profiles/{name}.toml, or raise iso.max_mb",
        )
    manifest.write(context, profile, iso, contents)
    shutil.rmtree(tree)
    context.progress(1.0, f"{iso.name}: {megabytes:.0f} MB")


def _step(name: str) -> Step:
    modules = ("bootloader", "inventory", "isocheck", "manifest", "profiles", "spdx")
    return Step(
        name=f"iso-{name}",
        run=partial(_build, name),
        inputs=(
            "image/grub",
            f"profiles/{name}.toml",
            *(f"src/xsc/build/{module}.py" for module in modules),
        ),
        needs=("kernel", "glibc", "initramfs", f"rootfs-{name}"),
        params=_params,
        estimate=8.0,
    )


STEPS = tuple(_step(name) for name in PROFILES)
