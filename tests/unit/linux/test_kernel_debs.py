# SPDX-License-Identifier: MIT
"""The kernel's packages do not tell where, when and by whom they were built."""

from __future__ import annotations

import gzip
import subprocess
from pathlib import Path

import pytest

from xsc.build import kernel_debs
from xsc.errors import StepFailed
from xsc.graph.step import StepContext

EPOCH = 1_700_000_000
CONTROL = """Package: linux-headers-0
Version: 1
Architecture: amd64
Maintainer: nobody <nobody@nowhere.invalid>
Installed-Size: 99999
Description: for a test
"""
CHANGELOG = """linux-upstream (1) bookworm; urgency=low

  * Custom built Linux kernel.

 -- xsc <xsc@xsc>  {date}
"""
HEADERS = "usr/src/linux-headers-0"


def build(home: Path, *, date: str, mode: int, leak: str = "") -> Path:
    """Make a package as the kernel's script would in `home`, and pack it again; return the result.

    `mode` is for ordinary files. `leak` is the name of a header that tells the path of `home`.
    """
    tree = home / "linux-headers"
    doc = tree / "usr/share/doc/linux-headers-0"
    headers = tree / HEADERS
    for folder in (tree / "DEBIAN", doc, headers / "include", headers / "scripts"):
        folder.mkdir(parents=True)
    files = {
        tree / "DEBIAN/control": CONTROL,
        # In whatever order find(1) met the files.
        tree / "DEBIAN/md5sums": f"{'0' * 32}  {date}\n",
        headers / "include/b.h": "#define B\n",
        headers / "include/a.h": "#define A\n" * 500,
        headers / "scripts/.fixdep.cmd": f"cmd_scripts/fixdep := gcc {home}/fixdep.c\n",
        headers / "scripts/notes.s": f"# {home}\n",
    }
    if leak:
        files[headers / leak] = f"#include <{home}/a.h>\n"
    for path, text in files.items():
        path.write_text(text)
        path.chmod(mode)
    (tree / "DEBIAN").chmod(0o755)
    (headers / "include/link.h").symlink_to("a.h")
    changelog = doc / "changelog.Debian.gz"
    changelog.write_bytes(gzip.compress(CHANGELOG.format(date=date).encode()))
    source = home / "fixdep.c"
    source.write_text("int main(void) { return 0; }\n")
    subprocess.run(["gcc", "-g", source, "-o", headers / "scripts/fixdep"], check=True)
    deb = home / "linux-headers-0_1_amd64.deb"
    subprocess.run(["dpkg-deb", "-Znone", "--build", tree, deb], check=True, capture_output=True)
    target = home / "out"
    target.mkdir()
    with (home / "log").open("w") as log:
        kernel_debs.repack(StepContext(home, target, home, 1, EPOCH, log), deb, target)
    return target / deb.name


def shown(deb: Path, *arguments: str) -> str:
    """Return what dpkg-deb says about a package."""
    argv = ["dpkg-deb", arguments[0], deb, *arguments[1:]]
    return subprocess.run(argv, check=True, capture_output=True, text=True).stdout


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """One package, packed again."""
    home = tmp_path / "a"
    home.mkdir()
    return build(home, date="Mon, 01 Jan 2024 00:00:00 +0000", mode=0o644)


def test_place_time_and_umask_do_not_show(package: Path, tmp_path: Path) -> None:
    other = tmp_path / "a-directory-with-another-name"
    other.mkdir()
    again = build(other, date="Tue, 02 Jan 2024 11:22:33 +0100", mode=0o600)
    assert package.read_bytes() == again.read_bytes()


def test_the_control_files_describe_what_is_left(package: Path, tmp_path: Path) -> None:
    tree = tmp_path / "tree"
    subprocess.run(["dpkg-deb", "--raw-extract", package, tree], check=True)
    subprocess.run(["md5sum", "--check", "--strict", "DEBIAN/md5sums"], cwd=tree, check=True)
    named = {line.split("  ")[1] for line in (tree / "DEBIAN/md5sums").read_text().splitlines()}
    left = {f"{HEADERS}/{name}" for name in ("include/a.h", "include/b.h", "scripts/fixdep")}
    assert named == {*left, "usr/share/doc/linux-headers-0/changelog.Debian.gz"}
    blocks = sum(
        1 if path.is_dir() else -(-path.lstat().st_size // 1024)
        for path in (tree / "usr").rglob("*")
    )
    assert int(shown(package, "--field", "Installed-Size")) == blocks + 1
    assert (tree / HEADERS / "include/link.h").readlink() == Path("a.h")
    assert "14 Nov 2023" in gzip.decompress(next(tree.rglob("changelog*")).read_bytes()).decode()


def test_programs_still_run(package: Path, tmp_path: Path) -> None:
    subprocess.run(["dpkg-deb", "--extract", package, tmp_path / "tree"], check=True)
    assert subprocess.run([tmp_path / "tree" / HEADERS / "scripts/fixdep"]).returncode == 0


def test_a_file_with_the_path_of_the_build_fails_the_step(tmp_path: Path) -> None:
    with pytest.raises(StepFailed, match=r"include/leak\.h"):
        build(tmp_path, date="Mon, 01 Jan 2024 00:00:00 +0000", mode=0o644, leak="include/leak.h")


@pytest.mark.parametrize("name", ["xsc.ko", "xsc.ko.xz"])
def test_a_module_fails_the_step(tmp_path: Path, name: str) -> None:
    drivers = tmp_path / "lib/modules/6.1.0-xsc/kernel/drivers"
    drivers.mkdir(parents=True)
    (tmp_path / "lib/modules/6.1.0-xsc/modules.builtin").touch()
    kernel_debs.refuse_modules(tmp_path)
    (drivers / name).touch()
    with pytest.raises(StepFailed, match=name):
        kernel_debs.refuse_modules(tmp_path)


def test_an_unknown_changelog_fails_the_step(tmp_path: Path) -> None:
    doc = tmp_path / "usr/share/doc/linux"
    doc.mkdir(parents=True)
    (doc / "changelog.Debian.gz").write_bytes(gzip.compress(b"no signature\n"))
    with pytest.raises(StepFailed, match="0 dates"):
        kernel_debs.settle(tmp_path, EPOCH)
