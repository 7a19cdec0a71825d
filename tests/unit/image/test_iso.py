# SPDX-License-Identifier: MIT
"""isocheck.py on a report of a good medium and on broken ones; a small medium made for real."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from xsc.build import iso, isocheck
from xsc.errors import StepFailed
from xsc.paths import ROOT

REPORT = (ROOT / "tests/data/image/iso-report.txt").read_text()


def test_a_good_medium_has_no_faults() -> None:
    report = isocheck.parse_report(REPORT)
    assert report.platforms == ("BIOS", "UEFI")
    assert report.active
    assert isocheck.faults(report) == []


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        ("El Torito boot img :   1", "BIOS from CD"),
        ("El Torito boot img :   2", "UEFI from CD"),
        ("System area summary", "MBR"),
        ("MBR partition      :   2", "active"),
        ("GPT type GUID      :   2", "EFI system partition"),
    ],
)
def test_each_missing_part_is_a_fault(line: str, fault: str) -> None:
    rest = "\n".join(text for text in REPORT.splitlines() if not text.startswith(line))
    assert any(fault in found for found in isocheck.faults(isocheck.parse_report(rest)))


def test_an_image_that_is_not_bootable_does_not_count() -> None:
    report = isocheck.parse_report(REPORT.replace("BIOS  y", "BIOS  n"))
    assert report.platforms == ("UEFI",)


def test_an_empty_report_has_every_fault() -> None:
    assert len(isocheck.faults(isocheck.parse_report(""))) == 5


def make(tree: Path, target: Path) -> None:
    """Write `tree` as a medium without boot images, by the options of the real one."""
    from xsc.run import run

    argv = iso.xorriso_argv(tree, Path("efi"), target, epoch=1_700_000_000, disk_id="0" * 32)
    words = [str(word) for word in argv]
    keep = words[: words.index("--grub2-mbr")] + words[words.index("-output") :]
    run(keep)


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A directory with what every medium has, in small."""
    if shutil.which("xorriso") is None:
        pytest.skip("xorriso is not installed")
    root = tmp_path / "tree"
    for name in (isocheck.KERNEL, isocheck.INITRD, isocheck.ROOTFS):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(name * 1000)
    return root


def contents(tree: Path) -> dict[str, Path]:
    """Return the files of `tree` by their path on the medium."""
    return {str(path.relative_to(tree)): path for path in tree.rglob("*") if path.is_file()}


def test_the_same_tree_makes_the_same_medium(tree: Path, tmp_path: Path) -> None:
    make(tree, tmp_path / "one.iso")
    for path in tree.rglob("*"):
        path.touch()
    make(tree, tmp_path / "two.iso")
    assert isocheck.sha256(tmp_path / "one.iso") == isocheck.sha256(tmp_path / "two.iso")


def test_files_read_back_and_a_medium_that_cannot_boot_is_refused(
    tree: Path, tmp_path: Path
) -> None:
    medium = tmp_path / "x.iso"
    make(tree, medium)
    label, sums = isocheck.checksums(medium, contents(tree))
    assert label == isocheck.LABEL
    assert sums == {name: isocheck.sha256(path) for name, path in contents(tree).items()}
    with pytest.raises(StepFailed, match="El Torito") as caught:
        isocheck.check(medium, contents(tree))
    assert "reads back differently" not in caught.value.message


def test_a_changed_and_a_missing_file_are_found(tree: Path, tmp_path: Path) -> None:
    medium = tmp_path / "x.iso"
    make(tree, medium)
    (tree / isocheck.KERNEL).write_text("newer")
    expected = {**contents(tree), "boot/other": tree / isocheck.KERNEL}
    with pytest.raises(StepFailed) as caught:
        isocheck.check(medium, expected)
    assert f"{isocheck.KERNEL} reads back differently" in caught.value.message
    assert "boot/other is missing" in caught.value.message


def test_rubbish_is_no_medium(tmp_path: Path) -> None:
    rubbish = tmp_path / "x.iso"
    rubbish.write_bytes(bytes(100_000))
    with pytest.raises(StepFailed, match="not a readable"):
        isocheck.checksums(rubbish, [])


def test_the_boot_menu_has_the_promised_entries() -> None:
    menu = (ROOT / "image/grub/grub.cfg").read_text()
    for entry in ("permissive", "enforcing", "off"):
        assert f"--id {entry} " in menu
        assert f"--id serial-{entry} " in menu
        assert f" xsc={entry} " in menu
    assert "set default=permissive\n" in menu
    assert f"label {isocheck.LABEL}\n" in (ROOT / "image/grub/early.cfg").read_text()
    assert f"LABEL={isocheck.LABEL}\n" in (ROOT / "image/initramfs/init").read_text()
