# SPDX-License-Identifier: MIT
"""Choose how progress is shown."""

from __future__ import annotations

import sys
from typing import TextIO

from xsc.progress import JsonReporter, Mode, PlainReporter, Reporter


def make_reporter(mode: Mode, stream: TextIO | None = None) -> Reporter:
    """Return the reporter for `mode`; AUTO means bars on a terminal and plain lines elsewhere.

    Progress goes to stderr in every mode: stdout belongs to results and to commands in a guest.
    """
    stream = stream if stream is not None else sys.stderr
    if mode is Mode.JSON:
        return JsonReporter(stream)
    if mode is Mode.RICH or (mode is Mode.AUTO and stream.isatty()):
        from xsc.bars import RichReporter  # rich costs 100 ms to import

        return RichReporter(stream)
    return PlainReporter(stream)
