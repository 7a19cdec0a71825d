# SPDX-License-Identifier: MIT
"""The kernel's own packages, packed again: equal kernels give equal files."""

from __future__ import annotations

import gzip
import hashlib
import os
import re
import shutil
from collections.abc import Iterator
from email.utils import formatdate
from pathlib import Path

from xsc.errors import StepFailed
from xsc.graph.step import StepContext

CONTROL = "DEBIAN"
# What make leaves beside the headers and scripts, and nobody who compiles a module reads.
LEFTOVERS = ("*.cmd", "*.o", "*.s")

_SIGNED = re.compile(r"(?m)^( -- .*>  ).*$")
_INSTALLED_SIZE = re.compile(r"(?m)^Installed-Size: .*$")


def _files(tree: Path) -> Iterator[Path]:
    """Yield what the package installs that is not a directory, in the order of the names."""
    for path in sorted(tree.rglob("*")):
        if path.relative_to(tree).parts[0] != CONTROL and (path.is_symlink() or path.is_file()):
            yield path


def _date_changelog(path: Path, epoch: int) -> None:
    """Replace the time of the build, which the kernel's script writes, by the release date."""
    text, count = _SIGNED.subn(
        lambda match: match[1] + formatdate(epoch), gzip.decompress(path.read_bytes()).decode()
    )
    if count != 1:
        raise StepFailed(f"{path.name} has {count} dates instead of one")
    path.write_bytes(gzip.compress(text.encode(), mtime=0))


def _kib(path: Path) -> int:
    """Return what Policy counts for a file: its KiB rounded up, and one for a directory."""
    if path.is_dir() and not path.is_symlink():
        return 1
    return -(-path.lstat().st_size // 1024)


def _describe(tree: Path) -> None:
    """Write again what the control files say about the content, in an order of its own."""
    sums = (
        f"{hashlib.md5(path.read_bytes(), usedforsecurity=False).hexdigest()}"
        f"  {path.relative_to(tree)}\n"
        for path in _files(tree)
        if not path.is_symlink()
    )
    (tree / CONTROL / "md5sums").write_text("".join(sums))
    inside = (path for path in tree.rglob("*") if path.relative_to(tree).parts[0] != CONTROL)
    control = tree / CONTROL / "control"
    size = f"Installed-Size: {sum(map(_kib, inside))}"
    control.write_text(_INSTALLED_SIZE.sub(size, control.read_text()))


def _fix_metadata(tree: Path, epoch: int) -> None:
    """Set modes and times that follow neither the umask nor the clock of who builds."""
    for path in (tree, *tree.rglob("*")):
        if not path.is_symlink():
            executable = path.is_dir() or path.stat().st_mode & 0o100
            path.chmod(0o755 if executable else 0o644)
        os.utime(path, (epoch, epoch), follow_symlinks=False)


def settle(tree: Path, epoch: int) -> None:
    """Make the unpacked package `tree` a function of the kernel and of `epoch`.

    Raises StepFailed if a changelog is not as the kernel's script writes it.
    """
    for pattern in LEFTOVERS:
        for path in (tree / "usr").rglob(pattern):
            path.unlink()
    for changelog in tree.glob("usr/share/doc/*/changelog.Debian.gz"):
        _date_changelog(changelog, epoch)
    _describe(tree)
    _fix_metadata(tree, epoch)


def refuse_modules(tree: Path) -> None:
    """Raise StepFailed if the unpacked package `tree` has modules of the kernel."""
    found = [path.name for path in sorted(tree.glob("lib/modules/**/*.ko*"))]
    if found:
        raise StepFailed(
            f"the kernel has modules: {', '.join(found[:5])}",
            hint="neither initramfs nor image would have them: build them in, or not at all, in"
            " linux/configs",
        )


def holding(tree: Path, text: str) -> list[str]:
    """Return the names of the files and links in `tree` that contain `text`."""
    needle = text.encode()
    return [
        str(path.relative_to(tree))
        for path in _files(tree)
        if needle in (os.fsencode(path.readlink()) if path.is_symlink() else path.read_bytes())
    ]


def _is_program(path: Path) -> bool:
    if path.is_symlink() or not path.stat().st_mode & 0o100:
        return False
    with path.open("rb") as stream:
        return stream.read(4) == b"\x7fELF"


def _strip(ctx: StepContext, tree: Path) -> None:
    """Take the debug information from the programs: it names the directories of the build."""
    programs = [path for path in _files(tree) if _is_program(path)]
    if programs:
        # The build ID is a hash of the debug information too.
        ctx.run(["strip", "--strip-debug", "--remove-section=.note.gnu.build-id", *programs])


def repack(ctx: StepContext, deb: Path, target: Path) -> None:
    """Write the package `deb` to the directory `target`, the same from every build directory.

    Raises StepFailed if a file in it names the work directory, or is a module.
    """
    tree = ctx.work / "package"
    shutil.rmtree(tree, ignore_errors=True)
    ctx.run(["dpkg-deb", "--raw-extract", deb, tree])
    refuse_modules(tree)
    _strip(ctx, tree)
    settle(tree, ctx.epoch)
    if found := holding(tree, str(ctx.work)):
        raise StepFailed(
            f"{deb.name} would hold the path of the build directory: {', '.join(found[:5])}",
            hint="map the path with -ffile-prefix-map, or leave the file out of the package",
        )
    # The number of threads shows in the bytes.
    packing = ["-Zzstd", "-z9", "--threads-max=1", "--root-owner-group"]
    ctx.run(["dpkg-deb", *packing, "--build", tree, target / deb.name])
    shutil.rmtree(tree)
