# SPDX-License-Identifier: MIT
"""apt prefers our packages to Debian's, until Debian publishes anything newer: dpkg says so."""

from __future__ import annotations

import subprocess

import pytest

from xsc.packages.versions import our_version, rebuild_number


def precedes(one: str, other: str) -> bool:
    """Ask dpkg whether a version is lower than another."""
    return subprocess.run(["dpkg", "--compare-versions", one, "lt", other]).returncode == 0


@pytest.mark.parametrize(
    ("source", "built", "later"),
    [
        # As Debian has it, and what may come: the first update, a rebuild, the next release.
        ("5.2.15-2", "5.2.15-2", ["5.2.15-2+b1", "5.2.15-2+deb12u1", "5.2.15-3", "5.2.15-2.1"]),
        ("5.2.15-2", "5.2.15-2+b13", ["5.2.15-2+b14", "5.2.15-2+deb12u1", "5.2.21-2"]),
        ("4.9-1+deb12u1", "4.9-1+deb12u1", ["4.9-1+deb12u1+b1", "4.9-1+deb12u2", "4.9-2"]),
        ("1:1.35-4+deb12u1", "1:1.35-4+deb12u1+b1", ["1:1.35-4+deb12u2", "1:1.36-1"]),
        ("3.23+nmu1", "3.23+nmu1", ["3.23+nmu1+b1", "3.23+nmu1+deb12u1", "3.23+nmu2", "3.24"]),
        ("5.7-0.5~deb12u1", "5.7-0.5~deb12u1", ["5.7-0.5~deb12u2", "5.7-0.5", "5.8-1"]),
        ("3.134", "3.134", ["3.134+deb12u1", "3.134+b1", "3.134.1", "3.135"]),
        ("2.4+git8646d.1-2", "2.4+git8646d.1-2+b2", ["2.4+git8646d.1-2+b3", "2.5-1"]),
    ],
)
def test_ours_lies_between_debians_and_the_next(source: str, built: str, later: list[str]) -> None:
    ours = our_version(source, built, 1)
    assert precedes(source, ours)
    assert precedes(built, ours)
    assert precedes(ours, our_version(source, built, 2))
    assert [version for version in later if not precedes(ours, version)] == []


def test_a_plain_suffix_would_hide_the_first_security_update() -> None:
    assert precedes("5.2.15-2+deb12u1", "5.2.15-2+xsc1")
    assert not precedes("5.2.15-2+deb12u1", our_version("5.2.15-2", "5.2.15-2", 1))


@pytest.mark.parametrize(
    ("version", "number"),
    [("1-1", 0), ("1-1+b2", 2), ("1-1+b13", 13), ("1+b2-1", 0), ("1+lib4", 0)],
)
def test_rebuilds_are_counted(version: str, number: int) -> None:
    assert rebuild_number(version) == number
