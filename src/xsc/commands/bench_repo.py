# SPDX-License-Identifier: MIT
"""`xsc bench repo`."""

from __future__ import annotations

import random
import tempfile
import time
from pathlib import Path
from typing import Annotated

import typer

from xsc.repo.deb import write_deb
from xsc.repo.keys import open_keys
from xsc.repo.publish import Request, publish
from xsc.version import source_date_epoch

GOAL_SECONDS = 20.0
GOAL_PACKAGES = 500
FILES_EACH = 40
FILE_BYTES = 8192


def make_package(path: Path, number: int) -> None:
    """Write a package of the size and number of files that is usual in Debian."""
    # Bytes that do not compress to nothing: apt-ftparchive has to unpack them.
    noise = random.Random(number)
    name = f"made-up-{number:05}"
    control = {
        "Package": name,
        "Version": f"1.{number}-1+b0+xsc1",
        "Architecture": "amd64",
        "Maintainer": "Nobody <nobody@xsc.invalid>",
        "Description": "package for a measurement",
    }
    files = {f"usr/lib/{name}/file{i}": noise.randbytes(FILE_BYTES) for i in range(FILES_EACH)}
    write_deb(path, control, files, source_date_epoch())


def bench_repo(
    packages: Annotated[int, typer.Option(min=1, help="How many.")] = GOAL_PACKAGES,
) -> None:
    """Measure how long it takes to make a repository of made-up packages."""
    with tempfile.TemporaryDirectory(prefix="xsc-bench-") as folder:
        base = Path(folder)
        debs = [base / f"{number}.deb" for number in range(packages)]
        for number, deb in enumerate(debs):
            make_package(deb, number)
        with open_keys(base / "keys") as store:
            store.new()
            began = time.monotonic()
            made = publish(Request(tuple(debs), base / "out"), store, lambda done, text: None)
            seconds = time.monotonic() - began
    print(f"{made.packages} packages, {made.size / 1e6:.0f} MB: {seconds:.1f} s")
    if packages == GOAL_PACKAGES:
        print(f"goal: {GOAL_SECONDS:g} s, {'kept' if seconds <= GOAL_SECONDS else 'missed'}")
