# SPDX-License-Identifier: MIT
"""`xsc repo key`: the keys that sign the repository."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from xsc.paths import state_home
from xsc.repo.keys import open_keys

app = typer.Typer(no_args_is_help=True, help="Make, show and replace the signing keys.")


def key_home() -> Path:
    """Return where the keys are kept: apart from checkout and cache, which may be deleted."""
    return state_home() / "keys"


@app.command("new")
def key_new() -> None:
    """Make the first signing key."""
    with open_keys(key_home()) as store:
        print(f"{store.new()}\nkept in {store.home}: make a copy of that directory")


@app.command("show")
def key_show(
    export: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Also write the public keys to FILE.")
    ] = None,
) -> None:
    """Show the keys in use, oldest first."""
    with open_keys(key_home()) as store:
        keyring = store.keyring()
        print(*keyring.keys, f"kept in {store.home}", sep="\n")
        if export is not None:
            export.write_bytes(store.public(keyring))


@app.command("rotate")
def key_rotate() -> None:
    """Make another key; until the old one is retired, both sign."""
    with open_keys(key_home()) as store:
        print(f"{store.rotate()}\nnext: ./xsc repo build, which signs with all keys from now on")


@app.command("retire")
def key_retire(
    fingerprint: Annotated[str, typer.Argument(help="The key, or the end of its fingerprint.")],
) -> None:
    """Destroy a key: systems that know no other are refused from the next build on."""
    with open_keys(key_home()) as store:
        print(f"{store.retire(fingerprint)}\nnext: ./xsc repo build")
