# SPDX-License-Identifier: MIT
"""`xsc vm`: one line per verb."""

from __future__ import annotations

import typer

from xsc.commands.vm_boot import vm_boot
from xsc.commands.vm_exec import EXEC_HELP, vm_exec

app = typer.Typer(no_args_is_help=True, help="Run commands in, or boot, a virtual machine.")
app.command("exec", help=EXEC_HELP)(vm_exec)
app.command("boot")(vm_boot)
