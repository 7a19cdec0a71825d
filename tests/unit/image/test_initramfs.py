# SPDX-License-Identifier: MIT
"""initramfs.py: modules are loaded in an order in which none misses another."""

from __future__ import annotations

from xsc.build.initramfs import _wanted_modules, module_order
from xsc.paths import ROOT

DEPENDENCIES = """\
kernel/fs/9p/9p.ko: kernel/net/9p/9pnet.ko kernel/fs/netfs/netfs.ko
kernel/net/9p/9pnet.ko:
kernel/fs/netfs/netfs.ko: kernel/lib/base.ko
kernel/lib/base.ko:
kernel/drivers/block/virtio_blk.ko: kernel/drivers/virtio/virtio.ko
kernel/drivers/virtio/virtio.ko:
kernel/drivers/usb/usb-storage.ko: kernel/drivers/scsi/scsi_mod.ko
kernel/drivers/scsi/scsi_mod.ko:
"""


def names(order: list[str]) -> list[str]:
    """Return the module names of a load order."""
    return [path.rsplit("/", 1)[-1].removesuffix(".ko") for path in order]


def test_dependencies_come_first() -> None:
    # modules.dep lists the whole closure; 9p needs netfs, which needs base.
    text = DEPENDENCIES.replace("netfs/netfs.ko\n", "netfs/netfs.ko kernel/lib/base.ko\n", 1)
    assert names(module_order(["9p"], text)) == ["base", "netfs", "9pnet", "9p"]


def test_a_shared_dependency_is_loaded_once() -> None:
    order = names(module_order(["virtio_blk", "virtio", "virtio_blk"], DEPENDENCIES))
    assert order == ["virtio", "virtio_blk"]


def test_dash_and_underscore_are_the_same() -> None:
    assert names(module_order(["usb_storage"], DEPENDENCIES)) == ["scsi_mod", "usb-storage"]


def test_built_in_drivers_are_left_out() -> None:
    assert module_order(["ext4"], DEPENDENCIES) == []


def test_comments_in_the_module_list_are_no_modules() -> None:
    assert _wanted_modules("# x y\na b # c\n\nd\n") == ["a", "b", "d"]
    wanted = _wanted_modules((ROOT / "image/initramfs/stock-modules").read_text())
    assert {"virtio_blk", "squashfs", "overlay", "isofs", "9pnet_virtio"} <= set(wanted)
