# SPDX-License-Identifier: MIT
"""The parts of the C library's source that the series touches, patched once for all tests."""

from __future__ import annotations

from pathlib import Path

import pytest

from xsc.build import glibc
from xsc.build.debian_source import apply_series, copy_overlay, series
from xsc.paths import ROOT
from xsc.run import run

PORT = ("sysdeps/x86_64", "sysdeps/unix/x86_64", "sysdeps/unix/sysv/linux/x86_64")


@pytest.fixture(scope="session")
def pristine(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The x86-64 port as Debian ships it."""
    tree = tmp_path_factory.mktemp("glibc-pristine")
    tarball = glibc.base(ROOT).tarball
    patterns = [f"{tarball.name.removesuffix('.tar.xz')}/{directory}/*" for directory in PORT]
    run(["tar", "-C", tree, "--strip-components=1", "--wildcards", "-xf", tarball, *patterns])
    return tree


@pytest.fixture(scope="session")
def patched(pristine: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same with our series and overlay."""
    tree = tmp_path_factory.mktemp("glibc-patched")
    run(["cp", "-a", f"{pristine}/.", tree])
    apply_series(tree, series(ROOT / glibc.PATCHES))
    copy_overlay(ROOT / glibc.OVERLAY, tree)
    return tree
