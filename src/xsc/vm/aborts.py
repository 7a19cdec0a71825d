# SPDX-License-Identifier: MIT
"""A QEMU that ends itself while the guest boots: how it is known, and the boots made instead.

QEMU before 8.1.1 can send an access of one virtual processor to the wrong device while another one
moves devices in the address space, as every boot does. What finds an address there that cannot be
is an assertion of QEMU, so the guest has no part in it: see docs/testing.md.
"""

from __future__ import annotations

import re
import signal
import sys
from collections.abc import Callable
from typing import TypeVar

from xsc.vm.errors import QemuAborted

MOST_BOOTS = 3
HINT = "an assertion of QEMU before 8.1.1 may fail while a guest boots: see docs/testing.md"

# As the C library says it, and as GLib does.
_ASSERTION = re.compile(
    r"^(?:\S.*: Assertion `.*' failed\."
    r"|ERROR:.*: (?:assertion failed|code should not be reached).*)$",
    re.MULTILINE,
)
_T = TypeVar("_T")


def failed_assertion(status: int | None, words: str) -> str | None:
    """Return the assertion that ended a process, or None if another thing did.

    `status` is negative for a signal, as subprocess has it; `words` is what the process wrote.
    """
    found = _ASSERTION.search(words)
    return found[0] if found and status == -signal.SIGABRT else None


def boot_again(boot: Callable[[], _T]) -> _T:
    """Return what `boot` does, called anew where it raises QemuAborted, MOST_BOOTS times in all.

    Each is told on standard error. Raises what the last call raises.
    """
    for _ in range(MOST_BOOTS - 1):
        try:
            return boot()
        except QemuAborted as error:
            print(f"xsc: {error.message}\nxsc: booting once more", file=sys.stderr, flush=True)
    return boot()
