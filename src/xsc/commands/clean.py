# SPDX-License-Identifier: MIT
"""`xsc clean`."""

from xsc.errors import InfraError


def clean() -> None:
    """Not written yet."""
    raise InfraError("not written yet")
