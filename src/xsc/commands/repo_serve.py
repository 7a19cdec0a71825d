# SPDX-License-Identifier: MIT
"""`xsc repo serve`."""

from __future__ import annotations

import signal
import sys
import threading
from pathlib import Path
from typing import Annotated

import typer

from xsc.config import Settings
from xsc.repo.server import Server


def _note(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def repo_serve(
    ctx: typer.Context,
    root: Annotated[
        Path | None,
        typer.Argument(metavar="[DIR]", help="The repository; else the last one built."),
    ] = None,
    address: Annotated[
        str, typer.Option(help="Where to listen; 0.0.0.0 is every network.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="0: any that is free.")] = 8000,
    quiet: Annotated[bool, typer.Option("--quiet", help="Do not name each request.")] = False,
) -> None:
    """Serve a repository over HTTP until Ctrl-C, and say how to use it."""
    settings: Settings = ctx.obj
    place = root or settings.paths.build / "repository"
    ended = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: ended.set())
    server = Server(place.absolute(), address, port, (lambda text: None) if quiet else _note)
    try:
        print("\n".join(server.lines()), flush=True)
        # A wait without end would not let signal handlers run.
        while not ended.wait(1.0):
            pass
    finally:
        server.close()
