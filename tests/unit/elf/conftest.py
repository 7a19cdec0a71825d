# SPDX-License-Identifier: MIT
"""Objects assembled from text, so that no binary needs to be committed."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from pathlib import Path

import pytest

from xsc.run import run

Assembler = Callable[..., bytes]


@pytest.fixture
def assemble(tmp_path: Path) -> Assembler:
    """A function from assembly text and compiler options to the bytes of the object or program."""
    numbers = itertools.count()

    def build(text: str, *options: str) -> bytes:
        number = next(numbers)
        source = tmp_path / f"sample{number}.S"
        source.write_text(text)
        target = tmp_path / f"sample{number}.o"
        run(["gcc", "-nostdlib", *(options or ("-c",)), "-o", target, source])
        return target.read_bytes()

    return build
