# SPDX-License-Identifier: MIT
"""The C library as it was built, run on the host's own kernel, which has no gate."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from fallback import Fallback

from xsc.build.sysroot import make_relative
from xsc.run import run


@pytest.fixture(scope="session")
def programs(built: Callable[[str], Path]) -> Path:
    """The programs of tests/guest."""
    return built("guest-tests")


@pytest.fixture(scope="session")
def sysroot(built: Callable[[str], Path]) -> Fallback:
    """The tree those programs are linked against."""
    return Fallback(built("sysroot"))


@pytest.fixture(scope="session")
def packages(built: Callable[[str], Path], tmp_path_factory: pytest.TempPathFactory) -> Fallback:
    """The finished packages, unpacked side by side."""
    tree = tmp_path_factory.mktemp("packages")
    for deb in sorted((built("glibc") / "debs").glob("*.deb")):
        run(["dpkg-deb", "-x", deb, tree])
    # /lib64/ld-linux-x86-64.so.2 is an absolute link: it would lead to the host's.
    make_relative(tree)
    return Fallback(tree)
