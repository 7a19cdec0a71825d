# SPDX-License-Identifier: MIT
"""A patched kernel tree that is brought up to date in place.

make decides by modification times, so a file is written only when its content changes: a change in
one file of the overlay compiles that file again and nothing else.
"""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterable
from pathlib import Path

from xsc.build.debian_source import Base, apply_series, installed, read_base, series
from xsc.errors import StepFailed
from xsc.graph.step import StepContext

BASE = "linux/BASE"
PATCHES = "linux/patches"
OVERLAY = "linux/overlay"
ADDED_LINES_MAX = 150

_PATCHED = re.compile(r"^\+\+\+ b/(\S+)", re.MULTILINE)


def base(root: Path) -> Base:
    """Return which source package the series was made for."""
    return read_base(root / BASE)


def patched_files(patches: Iterable[Path]) -> tuple[str, ...]:
    """Return the files that the patches change, relative to the tree, each once."""
    names = {name for patch in patches for name in _PATCHED.findall(patch.read_text())}
    return tuple(sorted(names))


def _unpack(ctx: StepContext, tree: Path) -> None:
    """Unpack the pristine source unless it is there already. An interrupted one is redone."""
    wanted = base(ctx.root)
    stamp = tree / ".xsc-base"
    digest = installed(wanted).sha256
    if stamp.exists() and stamp.read_text() == digest:
        return
    ctx.progress(0.0, f"unpacking {wanted.tarball.name}")
    shutil.rmtree(tree.parent, ignore_errors=True)
    tree.mkdir(parents=True)
    ctx.run(["tar", "-C", tree, "--strip-components=1", "-xf", wanted.tarball])
    stamp.write_text(digest)


def _remember(tree: Path, pristine: Path, names: Iterable[str]) -> None:
    """Keep the original of every file before it is changed for the first time."""
    for name in names:
        kept, current = pristine / name, tree / name
        if kept.exists() or not current.exists():
            continue
        kept.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(current, kept.with_suffix(kept.suffix + ".new"))
        kept.with_suffix(kept.suffix + ".new").rename(kept)


def _stage(ctx: StepContext, pristine: Path, staging: Path) -> None:
    """Lay out every file that differs from the pristine tree, as it has to be."""
    patches = series(ctx.root / PATCHES)
    shutil.rmtree(staging, ignore_errors=True)
    for name in patched_files(patches):
        if not (pristine / name).exists():
            raise StepFailed(
                f"the series changes {name}, which the source does not have",
                hint="new files belong into linux/overlay, at their place in the tree",
            )
        target = staging / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(pristine / name, target)
    apply_series(staging, patches, ctx.run)
    overlay = ctx.root / OVERLAY
    for source in sorted(path for path in overlay.rglob("*") if path.is_file()):
        name = str(source.relative_to(overlay))
        if (pristine / name).exists():
            raise StepFailed(
                f"the overlay would replace {name}",
                hint="a change to a file of the kernel's own belongs into linux/patches",
            )
        target = staging / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, target)


def _write_if_changed(source: Path, target: Path) -> None:
    content = source.read_bytes()
    if target.exists() and target.read_bytes() == content:
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(content)


def update(ctx: StepContext, home: Path) -> Path:
    """Bring the tree below `home` to what BASE, series and overlay say and return it.

    Raises StepFailed with patch, file and hunk if the series does not apply.
    """
    tree, pristine, staging = home / "linux", home / "pristine", home / "staging"
    _unpack(ctx, tree)
    managed = home / "managed.json"
    before: set[str] = set(json.loads(managed.read_text())) if managed.exists() else set()
    _remember(tree, pristine, patched_files(series(ctx.root / PATCHES)))
    _stage(ctx, pristine, staging)
    after = {str(path.relative_to(staging)) for path in staging.rglob("*") if path.is_file()}
    # Before the first write: an interruption must not leave a file that nobody knows of.
    managed.write_text(json.dumps(sorted(before | after)))
    for name in sorted(after):
        _write_if_changed(staging / name, tree / name)
    for name in sorted(before - after):
        if (pristine / name).exists():
            _write_if_changed(pristine / name, tree / name)
        else:
            (tree / name).unlink(missing_ok=True)
    managed.write_text(json.dumps(sorted(after)))
    return tree
