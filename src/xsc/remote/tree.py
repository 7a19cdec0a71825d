# SPDX-License-Identifier: MIT
"""The checkout as a server gets it: which files, and the digest that names it there."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from xsc.errors import StepFailed
from xsc.graph.digest import IGNORED_DIRS, DigestCache
from xsc.graph.key import StepKey, canonical
from xsc.paths import Paths
from xsc.remote.link import Link
from xsc.run import run


@dataclass(frozen=True)
class Tree:
    """What is sent."""

    root: Path
    entries: Mapping[str, str]
    """Kind and SHA-256 of every file by its name, as in a step's key."""

    @property
    def digest(self) -> str:
        """The name of the tree on a server."""
        return hashlib.sha256(canonical(dict(self.entries))).hexdigest()

    @property
    def sums(self) -> str:
        """The regular files as `sha256sum --check` reads them."""
        lines = []
        for name, entry in self.entries.items():
            kind, _, digest = entry.partition(":")
            if kind != "link":
                lines.append(f"{digest}  {name}\n")
        return "".join(lines)


def listed(root: Path) -> list[str]:
    """Return what git tracks or would track, or nothing if `root` is no work tree of git's."""
    if not (root / ".git").exists():
        return []
    argv = ["git", "-C", str(root), "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    names = run(argv).stdout.split("\0")
    return sorted({name for name in names if name and os.path.lexists(root / name)})


def take(paths: Paths, keys: Iterable[StepKey]) -> Tree:
    """Return the checkout as it is now: what git would keep, and every input of the steps.

    Without git it is everything but the build directory. Raises StepFailed for a file name that
    cannot be sent.
    """
    root = paths.root
    entries: dict[str, str] = {}
    with DigestCache(paths.cache / "digests.db") as digests:
        names = listed(root)
        for name in names:
            entries[name] = digests.entry(root / name)
        if not names:
            tops = {path.name for path in root.iterdir() if path != paths.build} - IGNORED_DIRS
            for name in tops:
                entries.update(digests.tree(root / name, name))
        for name in {name for key in keys for name in _inputs(key)} - entries.keys():
            entries[name] = digests.entry(root / name)
    odd = [name for name in entries if "\n" in name or "\\" in name]
    if odd:
        raise StepFailed(
            f"a name with a line break or a backslash cannot be sent: {odd[0]!r}",
            hint="rename the file, or have git ignore it",
        )
    return Tree(root, dict(sorted(entries.items())))


def _inputs(key: StepKey) -> Iterable[str]:
    inputs = key.facts["inputs"]
    assert isinstance(inputs, dict)
    return inputs


def send(link: Link, tree: Tree) -> None:
    """Bring the tree to the server. What arrived before the link broke is not sent again.

    Raises StepFailed if a file was edited meanwhile, LinkLost if the link breaks.
    """
    names = "\0".join(tree.entries) + "\0"
    target = link.remote_path(f"trees/{tree.digest}.part/")
    words = ["-rlpt", "--from0", "--files-from=-", "--", f"{tree.root}/", target]
    link.rsync(words, link.address.label, input=names)
    if not _sealed(link, tree):
        # A leftover of an earlier transfer may be damaged where size and time do not show it.
        link.rsync(["--checksum", *words], link.address.label, input=names)
        if not _sealed(link, tree):
            raise StepFailed(
                f"the checkout that arrived at {link.address.label} is not the one that was sent",
                hint="a file was edited meanwhile: run the same command again",
            )


def _sealed(link: Link, tree: Tree) -> bool:
    return link.call("seal", tree.digest, input=tree.sums).strip() == "whole"
