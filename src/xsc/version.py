# SPDX-License-Identifier: MIT
"""Version and date of this release.

The date is the SOURCE_DATE_EPOCH of every build step. It is a constant of the tree and not the
date of a commit, because a shallow clone, a rebase or an uncommitted edit would otherwise change
the bytes (or the keys) of a build whose inputs are equal.
"""

from datetime import UTC, datetime

VERSION = "7.0.0"
RELEASE_DATE = "2026-11-22"


def source_date_epoch() -> int:
    """Return midnight UTC of the release date in seconds since 1970."""
    return int(datetime.fromisoformat(RELEASE_DATE).replace(tzinfo=UTC).timestamp())
