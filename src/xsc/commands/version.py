# SPDX-License-Identifier: MIT
"""`xsc version`."""

from xsc.version import RELEASE_DATE, VERSION


def version() -> None:
    """Print version and release date."""
    print(f"xsc {VERSION} ({RELEASE_DATE})")
