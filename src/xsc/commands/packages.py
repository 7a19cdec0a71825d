# SPDX-License-Identifier: MIT
"""`xsc packages`: one line per verb."""

from __future__ import annotations

import typer

from xsc.commands.packages_build import packages_build
from xsc.commands.packages_list import packages_list
from xsc.commands.packages_status import packages_status

app = typer.Typer(
    no_args_is_help=True, help="Build Debian's source packages again, against XSC's C library."
)
app.command("build")(packages_build)
app.command("status")(packages_status)
app.command("list")(packages_list)
