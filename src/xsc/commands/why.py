# SPDX-License-Identifier: MIT
"""`xsc why`."""

from xsc.errors import InfraError


def why() -> None:
    """Not written yet."""
    raise InfraError("not written yet")
