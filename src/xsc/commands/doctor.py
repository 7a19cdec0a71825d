# SPDX-License-Identifier: MIT
"""`xsc doctor`."""

from xsc.errors import InfraError


def doctor() -> None:
    """Not written yet."""
    raise InfraError("not written yet")
