# SPDX-License-Identifier: MIT
"""Bring an output from a server into the store: it counts only when every file has its checksum."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from xsc.graph.key import KEY_LENGTH, canonical
from xsc.graph.store import MANIFEST, Entry, Store, file_list, remove_tree
from xsc.remote.failure import Damaged
from xsc.remote.link import Link
from xsc.remote.records import Record

ATTEMPTS = 2


def fetch(link: Link, record: Record, store: Store, say: Callable[[str], None]) -> Entry:
    """Return the entry of a job whose output is on the server. The caller holds the key's lock.

    A transfer that broke goes on where it stopped, within a file too. Raises LinkLost if it breaks,
    Damaged if it is not whole twice, InfraError if the disk is full.
    """
    label = link.address.label
    arriving = record.entry
    arriving.mkdir(parents=True, exist_ok=True)
    arriving.chmod(0o755)
    source = link.remote_path(f"cache/xsc/store/{record.key}/")
    for _ in range(ATTEMPTS):
        say(f"fetching from {label}")
        # In place: a file of which a part has arrived keeps it, however this process ends.
        words = ["-rlptH", "--inplace", "--delete", "--", source, f"{arriving}/"]
        link.rsync(words, "this machine")
        bad, manifest = inspect(arriving, record.key)
        if not bad:
            return store.adopt(arriving, record.key, manifest)
        say(f"{bad[0]} from {label} does not have its checksum: refused, {len(bad)} in all")
        for name in bad:
            remove_tree(arriving / name)
    raise Damaged(
        f"{bad[0]} from {label} does not have its checksum, nor did it when it was fetched again",
        hint=f"check disk and memory of {label}; nothing was taken over",
    )


def inspect(entry: Path, key: str) -> tuple[list[str], dict[str, Any]]:
    """Return the files of an entry that are not what its manifest says, and the manifest.

    A manifest whose facts do not have `key` for their hash is the one bad file.
    """
    try:
        manifest = json.loads((entry / MANIFEST).read_text())
        facts = hashlib.sha256(canonical(manifest["facts"])).hexdigest()[:KEY_LENGTH]
        files = dict(manifest["files"])
    except (OSError, ValueError, KeyError, TypeError):
        return [MANIFEST], {}
    if not facts == manifest["key"] == key:
        return [MANIFEST], {}
    found = file_list(entry / "out")
    bad = [name for name in {*files, *found} if files.get(name) != found.get(name)]
    return sorted(f"out/{name}" for name in bad), manifest
