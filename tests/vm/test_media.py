# SPDX-License-Identifier: MIT
"""What was built, looked at from the host: the media, their papers, the root file systems.

No machine is booted here; the rebuild at the end takes about as long as a build.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from xsc.build import inventory, isocheck, profiles
from xsc.build.rootfs import PROFILES
from xsc.graph.step import Step, StepContext
from xsc.paths import ROOT
from xsc.version import source_date_epoch

Built = Callable[[str], Path]

pytestmark = pytest.mark.timeout(900)


def medium(built: Built, profile: str) -> Path:
    """Return the ISO of a profile."""
    return built(f"iso-{profile}") / profiles.load(ROOT, profile).iso.file


def squashfs(built: Built, profile: str, *argv: str) -> str:
    """Run unsquashfs on a root file system and return what it prints."""
    image = str(built(f"rootfs-{profile}") / "rootfs.squashfs")
    return subprocess.run(
        ["unsquashfs", *argv[:1], image, *argv[1:]], capture_output=True, check=True, text=True
    ).stdout


def paths(built: Built, profile: str) -> dict[str, str]:
    """Return mode and owner of every path of a root file system."""
    found = {}
    for line in squashfs(built, profile, "-lln").splitlines():
        fields = line.split(None, 5)
        if len(fields) == 6 and "squashfs-root" in fields[5]:
            name = fields[5].partition(" -> ")[0].removeprefix("squashfs-root")
            found[name or "/"] = f"{fields[0]} {fields[1]}"
    return found


@pytest.mark.parametrize("profile", PROFILES)
def test_the_medium_boots_everywhere_by_its_own_report(built: Built, profile: str) -> None:
    report = isocheck.report(medium(built, profile))
    assert isocheck.faults(report) == []
    assert report.platforms == ("BIOS", "UEFI")


@pytest.mark.parametrize("profile", PROFILES)
def test_the_medium_holds_what_the_steps_made(built: Built, profile: str) -> None:
    expected = {
        isocheck.KERNEL: built("kernel") / "bzImage",
        isocheck.INITRD: built("initramfs") / "initramfs.cpio.zst",
        isocheck.ROOTFS: built(f"rootfs-{profile}") / "rootfs.squashfs",
    }
    isocheck.check(medium(built, profile), expected)


@pytest.mark.parametrize("profile", PROFILES)
def test_the_medium_is_no_larger_than_promised(built: Built, profile: str) -> None:
    limit = {"standard": 250, "minimal": 100}[profile]
    assert medium(built, profile).stat().st_size <= limit * 1_000_000


@pytest.mark.parametrize("profile", PROFILES)
def test_the_papers_agree_with_the_medium(built: Built, profile: str) -> None:
    folder = built(f"iso-{profile}")
    subprocess.run(["sha256sum", "--check", "--strict", "SHA256SUMS"], cwd=folder, check=True)
    listed = {line.split()[1] for line in (folder / "SHA256SUMS").read_text().splitlines()}
    assert listed == {path.name for path in folder.iterdir()} - {"SHA256SUMS"}
    records = inventory.read(built(f"rootfs-{profile}"))
    iso = medium(built, profile)
    bill = json.loads(iso.with_suffix(".spdx.json").read_text())
    named = {item["name"]: item for item in bill["packages"]}
    assert {record.name for record in records} < set(named)
    assert named[iso.name]["checksums"][0]["checksumValue"] == isocheck.sha256(iso)
    assert all(record.sha256 for record in records)
    sources = iso.with_suffix(".sources").read_text()
    for record in records:
        assert f"\n{record.source}={record.source_version}\n" in sources
    assert "\nlinux=" in sources
    assert "\ngrub2=" in sources


@pytest.mark.parametrize("profile", PROFILES)
def test_the_packages_are_debians_but_for_those_of_steps(
    built: Built, steps: Mapping[str, Step], profile: str
) -> None:
    records = {record.name: record for record in inventory.read(built(f"rootfs-{profile}"))}
    assert len(records) >= 50
    assert "+xsc" in records["libc6"].version
    assert records["libc-bin"].version == records["libc6"].version
    ours = {name for name, record in records.items() if "+xsc" in record.version}
    made = {need.removeprefix("package-") for need in steps[f"rootfs-{profile}"].needs}
    assert {records[name].source for name in ours} == made
    wanted = set(profiles.load(ROOT, profile).packages.include)
    assert wanted <= set(records)


@pytest.mark.parametrize("profile", PROFILES)
def test_nothing_of_one_machine_is_in_the_image(built: Built, profile: str) -> None:
    found = paths(built, profile)
    banned = (
        "/etc/ssh/ssh_host_", "/var/lib/systemd/random-seed", "/var/lib/dbus/machine-id",
        "/var/cache/ldconfig/", "/var/lib/apt/lists/d", "/var/log/apt/",
        "/var/cache/apt/archives/p", "/run/", "/tmp/", "/etc/.resolv", "/root/.",
    )  # fmt: skip
    allowed = {"/root/.bashrc", "/root/.profile", "/root/.ssh", "/var/cache/apt/archives/partial"}
    assert [path for path in found if path.startswith(banned) and path not in allowed] == []
    assert squashfs(built, profile, "-cat", "etc/machine-id") == ""
    assert found["/"].startswith("drwxr-xr-x 0/0")
    shadow = squashfs(built, profile, "-cat", "etc/shadow")
    assert all(line.split(":")[2] == "" for line in shadow.splitlines())


@pytest.mark.parametrize("profile", PROFILES)
def test_every_package_keeps_its_licence(built: Built, profile: str) -> None:
    found = paths(built, profile)
    for record in inventory.read(built(f"rootfs-{profile}")):
        folder = f"/usr/share/doc/{record.name}"
        linked = found.get(folder, "").startswith("l")
        assert linked or f"{folder}/copyright" in found, record.name


def again(built: Built, step: Step, scratch: Path, made: Mapping[str, Path]) -> Path:
    """Run a step once more, outside the store, on `made` outputs where there are any."""
    name = step.name
    out, work = scratch / name / "out", scratch / name / "work"
    out.mkdir(parents=True)
    work.mkdir()
    upstream = {need: made.get(need) or built(need) for need in step.needs}
    with (scratch / f"{name}.log").open("w") as log:
        step.run(StepContext(ROOT, out, work, 2, source_date_epoch(), log, upstream))
    return out


def test_built_twice_the_medium_is_bit_identical(
    built: Built, steps: Mapping[str, Step], tmp_path: Path
) -> None:
    """Root file system, initramfs and ISO are made anew from the same kernel and libc."""
    made: dict[str, Path] = {}
    for name in ("rootfs-standard", "initramfs", "iso-standard"):
        out = again(built, steps[name], tmp_path, made)
        made[steps[name].name] = out
        first = {path.name: isocheck.sha256(path) for path in built(name).iterdir()}
        assert first == {path.name: isocheck.sha256(path) for path in out.iterdir()}, name
