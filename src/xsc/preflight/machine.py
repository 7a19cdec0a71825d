# SPDX-License-Identifier: MIT
"""Checks of what boots the result: QEMU, and whether KVM really runs a guest."""

from __future__ import annotations

import getpass
import os
import shutil
from pathlib import Path

from xsc.errors import XscError
from xsc.preflight.check import Finding, fail, ok, warn
from xsc.vm.accel import QEMU, runs_a_guest

TCG_SECONDS = 30.0
SLOW = "it works without KVM, but boots take about ten times as long"


def qemu() -> Finding:
    """QEMU runs a guest of one sector in emulation."""
    if shutil.which(QEMU) is None:
        remedy = "nothing to do: `./xsc build` installs it before it starts"
        return warn("qemu", f"{QEMU} is not installed yet", remedy)
    try:
        alive = runs_a_guest("tcg", TCG_SECONDS)
    except XscError as error:
        return fail("qemu", error.message, "reinstall the Debian package qemu-system-x86")
    if alive:
        return ok("qemu", "runs a guest")
    return fail(
        "qemu",
        f"a guest of one sector did not end within {TCG_SECONDS:g} s",
        "reinstall the Debian package qemu-system-x86, or use a machine that is less loaded",
    )


def kvm(device: Path = Path("/dev/kvm")) -> Finding:
    """KVM runs a guest of one sector in time; that its device opens proves nothing."""
    if not device.exists():
        return warn(
            "kvm", f"{device} does not exist: {SLOW}", "enable virtualisation (VT-x, AMD-V)"
        )
    if not os.access(device, os.R_OK | os.W_OK):
        remedy = f"as root: adduser {getpass.getuser()} kvm; then log in again"
        return warn("kvm", f"no permission to open {device}: {SLOW}", remedy)
    if shutil.which(QEMU) is None:
        remedy = "install the Debian package qemu-system-x86 and run this again"
        return warn("kvm", "cannot be tried without QEMU", remedy)
    try:
        alive = runs_a_guest("kvm")
    except XscError as error:
        return warn("kvm", error.message, "see `dmesg` for kvm messages")
    if alive:
        return ok("kvm", "runs a guest")
    remedy = "on a virtual machine, enable nested virtualisation in its host; XSC_ACCEL=kvm insists"
    return warn("kvm", f"{device} opens, but a guest does not run in time: {SLOW}", remedy)


def all_findings() -> list[Finding]:
    """Run every check of this module."""
    return [qemu(), kvm()]
