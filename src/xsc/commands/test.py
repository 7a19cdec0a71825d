# SPDX-License-Identifier: MIT
"""`xsc test`."""

from xsc.errors import InfraError


def test() -> None:
    """Not written yet."""
    raise InfraError("not written yet")
