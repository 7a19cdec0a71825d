# SPDX-License-Identifier: MIT
"""`--share HOST:GUEST`: what it means, and what is refused before anything is started."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path, PurePosixPath

from xsc.errors import UsageError
from xsc.vm.qemu import Share

_HINT = "write --share HOST:GUEST, an existing directory and an absolute path in the guest"


def parse(text: str, index: int) -> Share:
    """Return one share; `index` makes its tag unique.

    The last colon separates: a host path may contain one. Raises UsageError.
    """
    host, separator, guest = text.rpartition(":")
    if not separator or not host or not guest:
        raise UsageError(f"--share {text!r} does not have two parts", hint=_HINT)
    path = Path(host).expanduser().absolute()
    if not path.is_dir():
        raise UsageError(f"--share: {path} is no directory", hint=_HINT)
    if not os.access(path, os.R_OK | os.X_OK):
        raise UsageError(f"--share: no permission to read {path}", hint=_HINT)
    target = PurePosixPath(guest)
    if not target.is_absolute() or ".." in target.parts or target == PurePosixPath("/"):
        raise UsageError(f"--share: {guest!r} is no place for a directory in the guest", hint=_HINT)
    return Share(path, str(target), f"xsc-share{index}")


def parse_all(texts: Iterable[str]) -> tuple[Share, ...]:
    """Return all shares. Raises UsageError for a wrong one and for two at one guest path."""
    found = tuple(parse(text, index) for index, text in enumerate(texts))
    guests = [share.guest for share in found]
    if len(set(guests)) != len(guests):
        raise UsageError("two --share options name the same guest path", hint=_HINT)
    return found
