# SPDX-License-Identifier: MIT
"""The packages: what lintian says, what they hold, and that a second build gives the same bytes."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import pytest
from toolkit import GREETING, HELLO, TRIPLET, Toolchain

from xsc.build.deb import Deb, pack
from xsc.graph.step import StepContext
from xsc.run import run
from xsc.version import source_date_epoch

NAMES = {"xsc-sysroot", "xsc-toolchain", "xsc-toolchain-native"}


@pytest.fixture(scope="session")
def debs(built: Callable[[str], Path]) -> dict[str, Path]:
    """The packages by name."""
    found = sorted((built("toolchain") / "debs").glob("*.deb"))
    return {path.name.partition("_")[0]: path for path in found}


def field(deb: Path, name: str) -> str:
    """Return a control field."""
    return run(["dpkg-deb", "-f", deb, name]).stdout.strip()


def test_packages_are_these(debs: dict[str, Path]) -> None:
    assert set(debs) == NAMES


@pytest.mark.timeout(300)
def test_lintian_is_content(debs: dict[str, Path]) -> None:
    """With the packages of the tools: it takes minutes for the one with the libraries."""
    tools = [path for name, path in debs.items() if name != "xsc-sysroot"]
    argv = ["lintian", "--allow-root", "--fail-on", "error,warning", *tools]
    done = run(argv, check=False)
    assert (done.returncode, done.stdout) == (0, "")


def test_dependencies(debs: dict[str, Path]) -> None:
    depends = field(debs["xsc-toolchain"], "Depends")
    for package in ("gcc-12 (>= 12.", "g++-12 (>= 12.", "gcc-12 (<< 12.", "binutils"):
        assert package in depends
    version = field(debs["xsc-toolchain"], "Version")
    assert f"xsc-sysroot (= {version}) | libc6-dev (>= 2.36" in depends
    native = field(debs["xsc-toolchain-native"], "Depends")
    assert f"xsc-toolchain (= {version}), libc6-dev (>= 2.36" in native
    assert "+xsc1)" in native


def test_unpacked_packages_work(debs: dict[str, Path], tmp_path: Path) -> None:
    for deb in debs.values():
        run(["dpkg-deb", "-x", deb, tmp_path / "root"])
    tools = Toolchain(tmp_path / "root/usr", tmp_path)
    (tmp_path / "hello.c").write_text(HELLO)
    tools.make("gcc", "-o", "hello", "hello.c")
    assert tools.said("hello") == GREETING
    tools.check("hello")
    pages = tools.tree / "share/man/man1"
    commands = {path.name for path in (tools.tree / "bin").iterdir()}
    assert {page.name.removesuffix(".1.gz") for page in pages.iterdir()} == {*commands, TRIPLET}
    assert (tools.tree / "lib/xsc/bin/cc").resolve() == tools.tree / "lib/xsc/toolchain/tool"


def test_the_tree_holds_no_path_of_the_build(built: Callable[[str], Path]) -> None:
    out = built("toolchain")
    for name in ("tool", "xsc.so"):
        image = (out / "tree/lib/xsc/toolchain" / name).read_bytes()
        assert str(out.parent.parent).encode() not in image
        assert b"/tmp/" not in image.replace(b"/tmp\0", b"")


TOY = Deb("toy", "1", "all", "misc", "a toy", "For tests.", {"Depends": "libc6"}, "License: MIT\n")


def toy(where: Path, umask_like: int) -> bytes:
    """Pack a small tree, made in one of several ways, and return the package."""
    tree, out = where / "tree", where / "out"
    (tree / "usr/bin").mkdir(parents=True)
    out.mkdir()
    program = tree / "usr/bin/toy"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o777 & ~umask_like)
    (tree / "usr/bin/other").symlink_to("toy")
    context = StepContext(where, out, where, 1, source_date_epoch(), io.StringIO())
    with (where / "log").open("w") as log:
        context.log = log
        return pack(context, TOY, tree, out).read_bytes()


def test_equal_trees_give_equal_packages(tmp_path: Path) -> None:
    found = []
    for name, umask_like in (("one", 0o022), ("other", 0o077)):
        (tmp_path / name).mkdir()
        found.append(toy(tmp_path / name, umask_like))
    assert found[0] == found[1]
    deb = tmp_path / "one/out" / TOY.filename
    assert "-rwxr-xr-x root/root" in run(["dpkg-deb", "-c", deb]).stdout
    assert field(deb, "Installed-Size").isdigit()
