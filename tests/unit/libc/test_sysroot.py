# SPDX-License-Identifier: MIT
"""The sysroot holds together wherever it is put."""

from __future__ import annotations

import os
from pathlib import Path

from xsc.build.sysroot import make_relative


def test_absolute_links_stay_inside_the_tree(tmp_path: Path) -> None:
    (tmp_path / "lib/x86_64-linux-gnu").mkdir(parents=True)
    (tmp_path / "lib64").mkdir()
    (tmp_path / "lib/x86_64-linux-gnu/loader").write_text("ours")
    absolute = tmp_path / "lib64/loader"
    absolute.symlink_to("/lib/x86_64-linux-gnu/loader")
    relative = tmp_path / "lib/loader"
    relative.symlink_to("x86_64-linux-gnu/loader")
    make_relative(tmp_path)
    assert os.readlink(absolute) == "../lib/x86_64-linux-gnu/loader"
    assert os.readlink(relative) == "x86_64-linux-gnu/loader"
    assert absolute.read_text() == relative.read_text() == "ours"
