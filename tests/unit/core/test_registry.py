# SPDX-License-Identifier: MIT
"""The real build graph: it is whole, and everything it names exists."""

from __future__ import annotations

import pytest

from xsc.build import TEST_STEPS, registry, resolve_target
from xsc.errors import UsageError
from xsc.graph.plan import closure
from xsc.paths import ROOT


def test_every_need_is_a_step() -> None:
    assert set(closure(registry(), registry())) == set(registry())


def test_every_input_exists() -> None:
    missing = [
        f"{step.name}: {name}"
        for step in registry().values()
        for name in step.inputs
        if not (ROOT / name).exists()
    ]
    assert not missing


def test_estimates_are_sane() -> None:
    assert all(0 < step.estimate < 3600 for step in registry().values())


def test_what_the_tests_use_exists() -> None:
    assert set(TEST_STEPS) <= set(registry())


@pytest.mark.parametrize(
    ("target", "profile", "steps"),
    [
        ("kernel", "standard", ("kernel",)),
        ("iso", "standard", ("iso-standard",)),
        ("iso", "minimal", ("iso-minimal",)),
        ("rootfs", "minimal", ("rootfs-minimal",)),
        ("all", "standard", ("kernel", "glibc", "iso-minimal", "iso-standard")),
    ],
)
def test_short_names(target: str, profile: str, steps: tuple[str, ...]) -> None:
    assert resolve_target(target, profile) == steps


def test_an_unknown_profile_is_a_usage_error() -> None:
    with pytest.raises(UsageError, match="'iso'"):
        resolve_target("iso", "huge")
