# SPDX-License-Identifier: MIT
"""`xsc repo`: one line per verb."""

from __future__ import annotations

import typer

from xsc.commands.repo_build import repo_build
from xsc.commands.repo_key import app as key_app
from xsc.commands.repo_serve import repo_serve

app = typer.Typer(no_args_is_help=True, help="Make, sign and serve an APT repository.")
app.command("build")(repo_build)
app.command("serve")(repo_serve)
app.add_typer(key_app, name="key")
