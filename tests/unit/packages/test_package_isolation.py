# SPDX-License-Identifier: MIT
"""A machine on which packages cannot be built apart from it says so at once, and what to do."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from xsc.errors import InfraError
from xsc.packages import isolation
from xsc.packages.isolation import check_isolation
from xsc.paths import ROOT

CHECK = "from xsc.packages.isolation import check_isolation; check_isolation()"
# A root directory that is no mount point, with what Python needs mounted into it.
CHROOT = """set -eu
for link in bin lib lib64 sbin; do ln -s "usr/$link" "$1/$link"; done
for place in $2; do mkdir -p "$1$place"; mount --rbind "$place" "$1$place"; done
shift 2
exec "$@"
"""


def test_an_ordinary_machine_passes() -> None:
    check_isolation()


@pytest.mark.skipif(
    os.geteuid() != 0, reason="the kernel gives namespaces in a chroot to root only"
)
def test_a_chroot_that_is_no_mount_point_is_told_the_remedy(tmp_path: Path) -> None:
    root = tmp_path / "root"
    root.mkdir()
    places = {"/usr", "/proc", "/dev", "/etc", sys.prefix, sys.base_prefix, str(ROOT / "src")}
    # Not within each other: a mount hides what was mounted below it.
    apart = [one for one in sorted(places) if not any(one.startswith(f"{o}/") for o in places)]
    enter = ["chroot", str(root), "env", f"PYTHONPATH={ROOT / 'src'}", sys.executable, "-c", CHECK]
    done = subprocess.run(
        ["unshare", "--mount", "sh", "-c", CHROOT, "sh", str(root), " ".join(apart), *enter],
        capture_output=True,
        text=True,
    )
    assert "InfraError: packages cannot be built apart from this machine" in done.stderr
    assert "propagation" in done.stderr


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ("unshare: cannot change root filesystem propagation: Invalid argument", "mount --bind"),
        ('unshare: no line matching user "joe" in /etc/subuid: Success', "add-subuids"),
        ("unshare: unshare failed: Operation not permitted", "doctor|container"),
        ("", "doctor|container"),
    ],
)
def test_each_refusal_has_a_remedy(said: str, words: str, monkeypatch: pytest.MonkeyPatch) -> None:
    refusal = ["sh", "-c", 'test -z "$1" || echo "$1" >&2; exit 1', "sh", said]
    monkeypatch.setattr(isolation, "isolated", lambda: refusal)
    with pytest.raises(InfraError, match=said or "exit code 1") as caught:
        check_isolation()
    assert re.search(words, caught.value.hint or "")
