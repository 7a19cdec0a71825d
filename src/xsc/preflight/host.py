# SPDX-License-Identifier: MIT
"""Checks of the machine itself: processor, release, disk, memory, privileges, packages."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from pathlib import Path

from xsc.bootstrap import PACKAGES, TESTS, missing_packages, wanted_packages
from xsc.errors import XscError
from xsc.paths import Paths
from xsc.preflight.check import Finding, fail, ok, warn
from xsc.run import run

GIB = 1 << 30
DISK_BYTES = 20 * GIB
MEMORY_BYTES = 3 * GIB
MEMORY_COMFORT = 6 * GIB


def architecture(machine: str) -> Finding:
    """XSC has one port so far."""
    if machine == "x86_64":
        return ok("architecture", machine)
    return fail("architecture", f"{machine} is not supported", "use an x86-64 machine")


def parse_os_release(text: str) -> dict[str, str]:
    """Return the assignments of an os-release file, without quotes."""
    pairs = (line.split("=", 1) for line in text.splitlines() if "=" in line and line[0] != "#")
    return {name.strip(): value.strip().strip("'\"") for name, value in pairs}


def release(facts: Mapping[str, str]) -> Finding:
    """The sources and the packages of the image are Debian 12's."""
    name = facts.get("PRETTY_NAME", "unknown")
    if facts.get("ID") == "debian" and facts.get("VERSION_ID") == "12":
        return ok("release", name)
    remedy = "build on Debian 12 (bookworm); a container or a virtual machine will do"
    return fail("release", f"this is {name}, not Debian 12", remedy)


def existing_parent(path: Path) -> Path:
    """Return `path` or its nearest ancestor that exists."""
    while not path.exists():
        path = path.parent
    return path


def disk(paths: Paths) -> list[Finding]:
    """Build directory and cache each need room; on one file system they share the demand."""
    places = {"build directory": paths.build, "cache": paths.cache}
    devices: dict[int, list[str]] = {}
    free: dict[int, int] = {}
    for label, path in places.items():
        near = existing_parent(path)
        device = near.stat().st_dev
        devices.setdefault(device, []).append(f"{label} {path}")
        free[device] = shutil.disk_usage(near).free
    findings = [
        fail("disk", f"no permission to write {path} ({label})", "chown it, or choose another")
        for label, path in places.items()
        if not os.access(existing_parent(path), os.W_OK | os.X_OK)
    ]
    for device, labels in devices.items():
        needed = DISK_BYTES * len(labels) // len(places)
        text = f"{free[device] / GIB:.1f} GiB free for {' and '.join(labels)}"
        if free[device] >= needed:
            findings.append(ok("disk", text))
        else:
            remedy = f"free {needed / GIB:.0f} GiB, or choose --build-dir and XDG_CACHE_HOME"
            findings.append(fail("disk", text, remedy))
    return findings


def memory(meminfo: str) -> Finding:
    """Compilers on all CPUs, and a guest of 2 GiB in the tests."""
    fields = dict(line.split(":", 1) for line in meminfo.splitlines() if ":" in line)
    total = int(fields["MemTotal"].split()[0]) << 10
    available = int(fields["MemAvailable"].split()[0]) << 10
    text = f"{available / GIB:.1f} of {total / GIB:.1f} GiB available"
    if available < MEMORY_BYTES:
        remedy = f"at least {MEMORY_BYTES // GIB} GiB must be available: close programs or add swap"
        return fail("memory", text, remedy)
    if available < MEMORY_COMFORT:
        return warn("memory", text, "build with -j1 if the compiler is killed")
    return ok("memory", text)


def privileges() -> Finding:
    """Only the installation of packages needs root."""
    if os.geteuid() == 0:
        return ok("privileges", "root")
    if shutil.which("sudo") is not None:
        return ok("privileges", "sudo is there for the installation of packages")
    return warn("privileges", "neither root nor sudo", "have root install the missing packages")


def namespaces() -> Finding:
    """The root file system is made in a user namespace unless root makes it."""
    if os.geteuid() == 0:
        return ok("namespaces", "not needed by root")
    try:
        result = run(["unshare", "--user", "--map-root-user", "true"], check=False, timeout=10)
    except XscError as error:
        return fail("namespaces", error.message, "run as root")
    if result.returncode == 0:
        return ok("namespaces", "unprivileged user namespaces work")
    remedy = "run as root, or as root: sysctl kernel.unprivileged_userns_clone=1"
    return fail("namespaces", "unprivileged user namespaces are forbidden", remedy)


def packages() -> Finding:
    """Packages that a build or the tests would install first."""
    wanted = wanted_packages(PACKAGES, TESTS)
    missing = missing_packages(list(wanted))
    if not missing:
        return ok("packages", f"all {len(wanted)} host packages are installed")
    remedy = "nothing to do: `./xsc build` names them and installs them before it starts"
    return warn("packages", f"not installed yet: {' '.join(missing)}", remedy)


def all_findings(paths: Paths) -> list[Finding]:
    """Run every check of this module."""
    return [
        architecture(os.uname().machine),
        release(parse_os_release(Path("/etc/os-release").read_text())),
        *disk(paths),
        memory(Path("/proc/meminfo").read_text()),
        privileges(),
        namespaces(),
        packages(),
    ]
