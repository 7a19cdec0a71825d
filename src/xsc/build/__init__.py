# SPDX-License-Identifier: MIT
"""The registry: every step of the build, and the short names people use for targets."""

from __future__ import annotations

import functools
import importlib
from collections.abc import Mapping

from xsc.errors import StepFailed, UsageError
from xsc.graph.step import Step

DEFAULT_PROFILE = "standard"
# What the tests in virtual machines use.
TEST_STEPS = (
    "iso-standard",
    "iso-minimal",
    "stock-kernel",
    "initramfs-stock",
    "agent",
    "toolchain",
    "guest-tests",
    "guest-bench",
    "kselftests",
)
MODULES = (
    "kernel",
    "stock",
    "glibc",
    "glibc_tests",
    "sysroot",
    "toolchain",
    "buildroot",
    "agent",
    "rootfs",
    "initramfs",
    "iso",
    "guest_tests",
    "guest_bench",
    "kselftests",
    "strace_tests",
)


@functools.cache
def registry() -> Mapping[str, Step]:
    """Return all steps by name. Imported on first use: most verbs need none of them."""
    steps: dict[str, Step] = {}
    for name in MODULES:
        module = importlib.import_module(f"xsc.build.{name}")
        for step in module.STEPS:
            if step.name in steps:
                raise StepFailed(f"two steps are called {step.name!r}")
            steps[step.name] = step
    return steps


def resolve_target(target: str, profile: str) -> tuple[str, ...]:
    """Return the step names behind a target: a step name, a short name of one profile, or `all`.

    Raises UsageError if there is no such target.
    """
    steps = registry()
    if target == "all":
        return tuple(name for name in ("kernel", "glibc", *_isos()) if name in steps)
    for name in (target, f"{target}-{profile}"):
        if name in steps:
            return (name,)
    known = ", ".join(sorted(steps))
    raise UsageError(
        f"there is nothing called {target!r} to build",
        hint=f"targets: kernel, glibc, rootfs, iso, all, or a step: {known}",
    )


def _isos() -> tuple[str, ...]:
    return tuple(sorted(name for name in registry() if name.startswith("iso-")))


def complete_target(incomplete: str) -> list[str]:
    """Return what a shell may offer for a target."""
    names = {"kernel", "glibc", "rootfs", "iso", "all", *registry()}
    return sorted(name for name in names if name.startswith(incomplete))
