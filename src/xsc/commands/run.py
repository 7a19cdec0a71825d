# SPDX-License-Identifier: MIT
"""`xsc run`."""

from xsc.errors import InfraError


def run() -> None:
    """Not written yet."""
    raise InfraError("not written yet")
