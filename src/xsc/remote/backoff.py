# SPDX-License-Identifier: MIT
"""How long to leave a server alone that does not answer."""

from __future__ import annotations

import random
import time
from dataclasses import dataclass

from xsc.run import stopping

SLICE_SECONDS = 0.1


@dataclass(frozen=True)
class Pauses:
    """Seconds between attempts: none at first, then `first`, doubling up to `ceiling`."""

    first: float = 0.5
    ceiling: float = 60.0


class Backoff:
    """The pauses of one wait. Several clients of one server must not come back in step."""

    def __init__(self, pauses: Pauses) -> None:
        self._pauses = pauses
        self._next = 0.0

    def reset(self) -> None:
        """Start over: there was an answer."""
        self._next = 0.0

    def pause(self) -> None:
        """Sleep until the next attempt is due; an interruption raises KeyboardInterrupt."""
        until = time.monotonic() + self._next * random.uniform(0.8, 1.2)
        self._next = min(max(self._pauses.first, self._next * 2), self._pauses.ceiling)
        while True:
            if stopping():
                raise KeyboardInterrupt
            left = until - time.monotonic()
            if left <= 0:
                return
            time.sleep(min(SLICE_SECONDS, left))
