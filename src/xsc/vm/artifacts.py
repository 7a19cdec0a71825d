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


def resolve(kernel: str, profile: str, overrides: Overrides, ensure: Ensure) -> Artifacts:
    """Return the files to boot; `ensure` builds the steps behind those that are not overridden.

    Raises UsageError for an unknown kernel or an override that is no file.
    """
    if kernel not in KERNELS:
        raise UsageError(f"there is no kernel {kernel!r}", hint=f"kernels: {', '.join(KERNELS)}")
    sources = _sources(kernel, profile)
    named = {name: getattr(overrides, name) for name in sources}
    for path in named.values():
        if path is not None and not path.is_file():
            raise UsageError(f"{path} is no file", hint="name a file that exists")
    steps = sorted({source.step for name, source in sources.items() if named[name] is None})
    outputs = ensure(steps) if steps else {}
    files = {
        name: named[name] or outputs[source.step] / source.file for name, source in sources.items()
    }
    return Artifacts(**files)
