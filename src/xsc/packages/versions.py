# SPDX-License-Identifier: MIT
"""The version of a rebuilt package: after Debian's, before anything Debian publishes later."""

from __future__ import annotations

import re

_BINARY_REBUILD = re.compile(r"\+b(\d+)$")


def rebuild_number(binary: str) -> int:
    """Return how often Debian rebuilt a package without a change of its source: the N of `+bN`."""
    found = _BINARY_REBUILD.search(binary)
    return int(found[1]) if found else 0


def our_version(source: str, binary: str, revision: int) -> str:
    """Return the version of our build of `source`, of which Debian offers the build `binary`.

    A plain `+xsc1` would sort after `+deb12u1`, so that Debian's first security update of a package
    would never be installed. `+b0+xsc1` sorts after the package as it is and before both that
    update and a rebuild by Debian.
    """
    return f"{source}+b{rebuild_number(binary)}+xsc{revision}"
