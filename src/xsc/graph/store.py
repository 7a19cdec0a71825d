# SPDX-License-Identifier: MIT
"""The store: finished outputs by key. An entry appears by one rename, complete, or not at all."""

from __future__ import annotations

import ctypes
import json
import os
import shutil
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from xsc.errors import InfraError
from xsc.graph.digest import hash_file
from xsc.graph.key import StepKey
from xsc.lock import POLL_SECONDS, FileLock

MANIFEST = "manifest.json"


@dataclass(frozen=True)
class Entry:
    """One finished output."""

    path: Path
    manifest: Mapping[str, Any]

    @property
    def out(self) -> Path:
        """The directory the step wrote."""
        return self.path / "out"

    @property
    def seconds(self) -> float:
        """How long the step took."""
        return float(self.manifest["seconds"])


def sync_filesystem(path: Path) -> None:
    """Write everything on the file system of `path` to the disk, files and names.

    One call instead of one fsync per file: a source tree holds 80,000 of them.
    Raises InfraError if the disk reports an error.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        if libc.syncfs(descriptor) != 0:
            number = ctypes.get_errno()
            raise InfraError(
                f"cannot write {path} to disk: {os.strerror(number)}",
                hint="check the disk: `dmesg` names the device",
            )
    finally:
        os.close(descriptor)


def file_list(out: Path) -> dict[str, str]:
    """Return the SHA-256 (or link target) of every file below `out`, by relative name."""
    files: dict[str, str] = {}
    for folder, folders, names in os.walk(out):
        folders.sort()
        links = [name for name in folders if os.path.islink(os.path.join(folder, name))]
        for name in sorted(names + links):
            path = Path(folder) / name
            relative = str(path.relative_to(out))
            if path.is_symlink():
                files[relative] = f"link:{os.readlink(path)}"
            elif path.is_file():
                files[relative] = hash_file(path)
            else:
                files[relative] = "special"
    return files


class Store:
    """`<root>/<key>/{out/,manifest.json,log}`, plus `tmp/` and `locks/`."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.tmp = root / "tmp"
        self.locks = root / "locks"

    def get(self, key: str) -> Entry | None:
        """Return the entry of `key`, or None if there is none."""
        path = self.root / key
        try:
            manifest = json.loads((path / MANIFEST).read_text())
        except FileNotFoundError:
            return None
        except json.JSONDecodeError as error:
            raise InfraError(
                f"the store entry {path} is damaged: {error}",
                hint=f"delete it: rm -r {path}",
            ) from error
        return Entry(path, manifest)

    def lock_path(self, key: str) -> Path:
        """Return the lock under which the entry of `key` is made."""
        return self.locks / f"{key}.lock"

    @contextmanager
    def in_use(self) -> Iterator[None]:
        """Keep the garbage collector out; sweep up after killed runs if nobody else is here."""
        lock = FileLock(self.locks / "store.lock")
        try:
            if lock.try_exclusive():
                self.sweep()
            while not lock.try_shared():
                time.sleep(POLL_SECONDS)
            yield
        finally:
            lock.close()

    def sweep(self) -> None:
        """Delete half-built outputs. Only for the sole user of the store."""
        if self.tmp.is_dir():
            for leftover in self.tmp.iterdir():
                remove_tree(leftover)

    def scratch(self, step: str) -> Path:
        """Return a fresh directory with an empty `out/`, on the file system of the store."""
        self.tmp.mkdir(parents=True, exist_ok=True)
        path = Path(tempfile.mkdtemp(prefix=f"{step}.", dir=self.tmp))
        path.chmod(0o755)
        (path / "out").mkdir()
        return path

    def commit(self, scratch: Path, key: StepKey, seconds: float) -> Entry:
        """Turn a scratch directory into the entry of `key`: manifest, sync, rename, sync."""
        manifest = {
            "step": key.step,
            "key": key.key,
            "facts": dict(key.facts),
            "seconds": round(seconds, 3),
            "files": file_list(scratch / "out"),
        }
        text = json.dumps(manifest, indent=1, sort_keys=True)
        (scratch / MANIFEST).write_text(text + "\n")
        return self.adopt(scratch, key.key, manifest)

    def adopt(self, scratch: Path, key: str, manifest: Mapping[str, Any]) -> Entry:
        """Turn a directory that is whole, with its manifest, into the entry of `key`.

        The caller holds the lock of the key and has found no entry. `scratch` is on the file system
        of the store.
        """
        sync_filesystem(scratch)
        final = self.root / key
        try:
            scratch.rename(final)
        except OSError:
            # Only an entry without a manifest can stand in the way: the caller holds the key's lock
            # and found no entry. It is rubbish from outside, so it goes.
            remove_tree(final)
            scratch.rename(final)
        directory = os.open(self.root, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(directory)
        finally:
            os.close(directory)
        return Entry(final, manifest)


def remove_tree(path: Path) -> None:
    """Delete a file or a directory tree, also one with directories that lack write permission."""
    if path.is_symlink() or path.is_file():
        path.unlink(missing_ok=True)
        return
    if not path.exists():
        return
    for folder, _, _ in os.walk(path):
        mode = os.stat(folder).st_mode
        if mode & 0o700 != 0o700:
            os.chmod(folder, mode | 0o700)
    shutil.rmtree(path)
