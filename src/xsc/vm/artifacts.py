# SPDX-License-Identifier: MIT
"""What a virtual machine boots from: files the user names, or outputs of the build."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from xsc.errors import UsageError

Ensure = Callable[[Sequence[str]], Mapping[str, Path]]

KERNELS = ("xsc", "stock")


@dataclass(frozen=True)
class Overrides:
    """Files to use instead of build outputs, for kernels straight from a build tree."""

    kernel: Path | None = None
    initrd: Path | None = None
    root: Path | None = None
    agent: Path | None = None


@dataclass(frozen=True)
class Artifacts:
    """The four files of a direct boot."""

    kernel: Path
    initrd: Path
    root: Path
    agent: Path


@dataclass(frozen=True)
class _Source:
    step: str
    file: str


def _sources(kernel: str, profile: str) -> dict[str, _Source]:
    stock = kernel == "stock"
    return {
        "kernel": _Source("stock-kernel", "vmlinuz") if stock else _Source("kernel", "bzImage"),
        "initrd": _Source("initramfs-stock" if stock else "initramfs", "initramfs.cpio.zst"),
        "root": _Source(f"rootfs-{profile}", "rootfs.squashfs"),
        "agent": _Source("agent", "xsc-agent"),
    }


def steps(kernel: str, profile: str, overrides: Overrides) -> tuple[str, ...]:
    """Return the steps behind the files that are not overridden.

    Raises UsageError for an unknown kernel or an override that is no file.
    """
    if kernel not in KERNELS:
        raise UsageError(f"there is no kernel {kernel!r}", hint=f"kernels: {', '.join(KERNELS)}")
    needed = set()
    for name, source in _sources(kernel, profile).items():
        path = getattr(overrides, name)
        if path is None:
            needed.add(source.step)
        elif not path.is_file():
            raise UsageError(f"{path} is no file", hint="name a file that exists")
    return tuple(sorted(needed))


def resolve(kernel: str, profile: str, overrides: Overrides, ensure: Ensure) -> Artifacts:
    """Return the files to boot; `ensure` builds the steps behind those that are not overridden.

    Raises UsageError as steps() does.
    """
    needed = steps(kernel, profile, overrides)
    outputs = ensure(needed) if needed else {}
    files = {
        name: getattr(overrides, name) or outputs[source.step] / source.file
        for name, source in _sources(kernel, profile).items()
    }
    return Artifacts(**files)
