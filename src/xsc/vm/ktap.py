# SPDX-License-Identifier: MIT
"""Results of the kernel's selftests, read from their output. Pure functions."""

from __future__ import annotations

import re

_LINE = re.compile(r"^(ok|not ok) +(\d+)\b *(?:- *)?(.*)$")
_DIRECTIVE = re.compile(r" *# *(SKIP|XFAIL|TODO)\b.*$", re.IGNORECASE)
_VARYING = re.compile(r"0x[0-9a-f]+|\b\d{3,}\b")


def parts(output: str) -> dict[str, str]:
    """Return the result of every numbered part: ok, not ok, skip.

    Numbers that vary between two runs (addresses, pids, times) are replaced; a part that is
    reported twice keeps the worse result.
    """
    found: dict[str, str] = {}
    for text in output.splitlines():
        match = _LINE.match(text.strip())
        if match is None:
            continue
        result, number, rest = match.groups()
        directive = _DIRECTIVE.search(rest)
        if directive is not None:
            result, rest = directive.group(1).lower(), rest[: directive.start()]
        name = f"{number} {_VARYING.sub('N', rest.split(' # ')[0]).strip()}".strip()
        if found.get(name) != "not ok":
            found[name] = result
    return found
