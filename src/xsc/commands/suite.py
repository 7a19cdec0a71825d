# SPDX-License-Identifier: MIT
"""`xsc suite`: one line per verb; a name of a suite in place of a verb means `run`."""

from __future__ import annotations

from typing import Any

import typer
from typer.core import TyperGroup

from xsc.commands.suite_compare import suite_compare
from xsc.commands.suite_run import suite_run


class _RunByDefault(TyperGroup):
    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        if args and not args[0].startswith("-") and args[0] not in self.commands:
            args = ["run", *args]
        return super().parse_args(ctx, args)


app = typer.Typer(
    cls=_RunByDefault,
    no_args_is_help=True,
    help="Run test suites that others wrote, and compare their results with Debian's.",
)
app.command("run")(suite_run)
app.command("compare")(suite_compare)
