# SPDX-License-Identifier: MIT
"""QEMU command lines, as pure functions of what the virtual machine shall be."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from xsc.vm.accel import QEMU, Accel

# Ports of the agent, in the order of the devices. Their names are the contract, not their numbers.
PORTS = ("xsc.control", "xsc.stdin", "xsc.stdout", "xsc.stderr")

# The kernel must end, not hang, on whatever goes wrong. The TSC is good under QEMU, but TCG guests
# do not believe it and fall back to HPET, where every look at the clock is a device access. The
# same holds for each character on the console: it shows warnings and worse, which cost no time;
# an oops or a panic lifts the limit, and so does a `loglevel=8` after it.
BASE_KERNEL_ARGS = (
    "console=ttyS0",
    "loglevel=5",
    "panic=-1",
    "oops=panic",
    # A busy host delivers an emulated timer's ticks late; the kernel's check of it then panics.
    "no_timer_check",
    "tsc=reliable",
    "clocksource=tsc",
)


@dataclass(frozen=True)
class Share:
    """A host directory the guest sees, read-write, at `guest`."""

    host: Path
    guest: str
    tag: str


@dataclass(frozen=True)
class DirectBoot:
    """A kernel started without firmware: bzImage, initramfs and a squashfs as read-only disk."""

    kernel: Path
    initrd: Path
    root: Path | None
    args: tuple[str, ...] = ()


@dataclass(frozen=True)
class Hardware:
    """The virtual machine itself. `memory` is QEMU's notation, such as 1G; `extra` goes to QEMU as
    it is.
    """

    accel: Accel
    machine: str = "q35"
    cpu: str | None = None
    cpus: int = 2
    memory: str = "1G"
    network: bool = False
    extra: tuple[str, ...] = ()


@dataclass(frozen=True)
class Channels:
    """What QEMU talks through: a connected socket per agent port, one for QMP, a console log."""

    ports: Mapping[str, int] = field(default_factory=dict)
    qmp: int | None = None
    console_log: Path | None = None
    console: int | None = None


def escape(value: str) -> str:
    """QEMU's option parser ends a value at a comma; a doubled comma is a literal one."""
    return value.replace(",", ",,")


def machine_argv(hardware: Hardware) -> list[str]:
    """Arguments every virtual machine has, whatever it boots from."""
    argv = [QEMU, "-nodefaults", "-no-user-config", "-display", "none", "-no-reboot"]
    argv += ["-name", "xsc,debug-threads=on"]
    argv += ["-machine", hardware.machine, *hardware.accel.argv]
    argv += ["-cpu", hardware.cpu or hardware.accel.cpu]
    argv += ["-smp", str(hardware.cpus), "-m", hardware.memory]
    argv += ["-device", "virtio-rng-pci"]
    if hardware.network:
        argv += ["-nic", "user,model=virtio-net-pci"]
    return [*argv, *hardware.extra]


def channel_argv(channels: Channels) -> list[str]:
    """Serial console, agent ports and QMP."""
    argv: list[str] = []
    if channels.console_log is not None:
        argv += ["-chardev", f"file,id=console,path={escape(str(channels.console_log))}"]
        argv += ["-serial", "chardev:console"]
    elif channels.console is not None:
        argv += ["-chardev", f"socket,id=console,fd={channels.console}"]
        argv += ["-serial", "chardev:console"]
    if channels.ports:
        argv += ["-device", "virtio-serial-pci,id=agent"]
    for name, descriptor in channels.ports.items():
        ident = name.replace(".", "-")
        argv += ["-chardev", f"socket,id={ident},fd={descriptor}"]
        argv += ["-device", f"virtserialport,bus=agent.0,chardev={ident},name={name}"]
    if channels.qmp is not None:
        argv += ["-chardev", f"socket,id=qmp,fd={channels.qmp}"]
        argv += ["-mon", "chardev=qmp,mode=control"]
    return argv


def share_argv(shares: tuple[Share, ...], *, uid: int | None = None) -> list[str]:
    """9p devices. As root the guest's ids are the host's; anybody else cannot chown, so QEMU must
    not insist on it (`none`), and every file the guest makes belongs to the user.
    """
    uid = os.getuid() if uid is None else uid
    model = "passthrough" if uid == 0 else "none"
    argv: list[str] = []
    for share in shares:
        path = escape(str(share.host))
        argv += ["-fsdev", f"local,id={share.tag},path={path},security_model={model}"]
        # Files of different file systems may have equal inode numbers; the guest must not see that.
        argv[-1] += ",multidevs=remap"
        argv += ["-device", f"virtio-9p-pci,fsdev={share.tag},mount_tag={share.tag}"]
    return argv


def direct_argv(
    hardware: Hardware, boot: DirectBoot, channels: Channels, shares: tuple[Share, ...] = ()
) -> list[str]:
    """The whole command line of a virtual machine for direct kernel boot."""
    args = list(BASE_KERNEL_ARGS)
    if hardware.accel.tsc_khz:
        # Else the guest compares the counter with emulated timers. On a busy host it was once wrong
        # by a factor of 13, and all its time limits with it.
        args.append(f"tsc_early_khz={hardware.accel.tsc_khz}")
    argv = machine_argv(hardware)
    argv += ["-kernel", str(boot.kernel), "-initrd", str(boot.initrd)]
    if boot.root is not None:
        drive = f"file={escape(str(boot.root))},if=none,id=root,format=raw,readonly=on"
        argv += ["-drive", drive, "-device", "virtio-blk-pci,drive=root"]
        args.append("xsc.root=/dev/vda")
    argv += ["-append", " ".join([*args, *boot.args])]
    argv += channel_argv(channels)
    argv += share_argv(shares)
    return argv
