# SPDX-License-Identifier: MIT
"""rootfs.py: the files laid over Debian's, and XSC's packages in place of Debian's."""

from __future__ import annotations

import io
import os
import re
import shutil
import tarfile
from pathlib import Path

import pytest

from xsc.build import rootfs
from xsc.graph.step import StepContext
from xsc.paths import ROOT


def members(data: bytes) -> dict[str, tarfile.TarInfo]:
    """Return the members of a tar by name."""
    with tarfile.open(fileobj=io.BytesIO(data)) as tar:
        return {member.name: member for member in tar}


@pytest.fixture
def trees(tmp_path: Path) -> list[Path]:
    """Two overlay trees; the second replaces a file of the first."""
    for name, text in (("one", "1"), ("two", "2")):
        (tmp_path / name / "etc").mkdir(parents=True)
        (tmp_path / name / "etc" / "both").write_text(text)
    (tmp_path / "one" / "run").mkdir()
    (tmp_path / "one" / "run" / "tool").write_text("#!/bin/sh\n")
    (tmp_path / "one" / "run" / "tool").chmod(0o700)
    os.symlink("both", tmp_path / "two" / "etc" / "link")
    return [tmp_path / "one", tmp_path / "two"]


def test_overlay_has_files_of_root_and_no_directories(trees: list[Path]) -> None:
    found = members(rootfs.overlay_tar(trees, {"etc/made": "x"}, 99))
    assert set(found) == {"etc/both", "etc/link", "etc/made", "run/tool"}
    assert {(info.uid, info.gid, info.mtime) for info in found.values()} == {(0, 0, 99)}
    assert (found["run/tool"].mode, found["etc/both"].mode) == (0o755, 0o644)
    assert found["etc/link"].linkname == "both"


def test_the_image_has_the_pages_that_its_programs_name() -> None:
    pages = rootfs.manual(ROOT)
    assert set(pages) == {"usr/share/man/man7/xsc.7", "usr/share/man/man1/xsc-demo.1"}
    for name, page in pages.items():
        assert re.search(rf"^\.TH {page.stem.upper()} {name[-1]} ", page.read_text(), re.MULTILINE)


def test_a_later_overlay_wins(trees: list[Path]) -> None:
    with tarfile.open(fileobj=io.BytesIO(rootfs.overlay_tar(trees, {}, 0))) as tar:
        stream = tar.extractfile("etc/both")
        assert stream is not None
        assert stream.read() == b"2"


def test_overlay_bytes_depend_on_content_only(trees: list[Path]) -> None:
    before = rootfs.overlay_tar(trees, {}, 5)
    for path in trees[0].rglob("*"):
        os.utime(path, (1, 1), follow_symlinks=False)
    (trees[0] / "etc" / "both").chmod(0o600)
    (trees[0] / "run" / "__pycache__").mkdir()
    (trees[0] / "run" / "__pycache__" / "tool.cpython-311.pyc").write_bytes(b"x")
    assert rootfs.overlay_tar(trees, {}, 5) == before


def test_our_package_replaces_debians(tmp_path: Path) -> None:
    if shutil.which("apt-ftparchive") is None:
        pytest.skip("apt-ftparchive is not installed")
    for name in ("debian", "ours", "work", "out"):
        (tmp_path / name).mkdir()
    debian = [tmp_path / "debian" / f"{name}_1_amd64.deb" for name in ("libc6", "bash")]
    ours = tmp_path / "ours" / "libc6_1+xsc1_amd64.deb"
    for path in (*debian, ours):
        path.write_bytes(b"")
    with (tmp_path / "log").open("w") as log:
        context = StepContext(tmp_path, tmp_path / "out", tmp_path / "work", 1, 0, log)
        repo = rootfs.make_repository(context, tmp_path / "repo", debian, [ours])
    assert {path.name for path in repo.glob("*.deb")} == {"bash_1_amd64.deb", ours.name}


def test_the_hook_leaves_mmdebstraps_configuration_alone() -> None:
    """It lies in the new root's /tmp; without it, mmdebstrap's apt-get works on the host."""
    script = (ROOT / "image/rootfs/finish.sh").read_text()
    code = [line for line in script.splitlines() if not line.startswith("#")]
    assert not any("/tmp" in line for line in code)
