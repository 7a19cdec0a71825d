# SPDX-License-Identifier: MIT
"""The command line: one line per verb."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from xsc.commands.bench import app as bench_app
from xsc.commands.build import build
from xsc.commands.clean import clean
from xsc.commands.completion import completion
from xsc.commands.doctor import doctor
from xsc.commands.farm import app as farm_app
from xsc.commands.gen import gen
from xsc.commands.packages import app as packages_app
from xsc.commands.remote import app as remote_app
from xsc.commands.repo import app as repo_app
from xsc.commands.run import run
from xsc.commands.suite import app as suite_app
from xsc.commands.test import test
from xsc.commands.version import version
from xsc.commands.vm import app as vm_app
from xsc.commands.why import why
from xsc.config import Settings, default_jobs
from xsc.paths import default_paths
from xsc.progress import Mode

EPILOG = """Global options may stand before or after the verb. Exit codes: 0 ok, 1 failed,
2 infrastructure (the machine, not the tree), 64 usage."""

app = typer.Typer(
    name="xsc",
    help="Build, boot and test XSC, a Debian 12 without syscall instructions.",
    epilog=EPILOG,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.callback()
def options(
    ctx: typer.Context,
    progress: Annotated[Mode, typer.Option(help="How progress is shown.")] = Mode.AUTO,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would be done, change nothing.")
    ] = False,
    build_dir: Annotated[
        Path | None, typer.Option(help="Where trees, logs and links go (default: build/).")
    ] = None,
    jobs: Annotated[
        int, typer.Option("-j", "--jobs", min=1, help="Parallel jobs per step.")
    ] = default_jobs(),
) -> None:
    """Read the global options."""
    ctx.obj = Settings(default_paths(build_dir), jobs, progress, dry_run)


app.command()(doctor)
app.command()(build)
app.command()(why)
app.add_typer(remote_app, name="remote")
app.add_typer(farm_app, name="farm")
app.command()(run)
app.add_typer(vm_app, name="vm")
app.command(context_settings={"ignore_unknown_options": True})(test)
app.command()(gen)
app.add_typer(bench_app, name="bench")
app.add_typer(suite_app, name="suite")
app.add_typer(packages_app, name="packages")
app.add_typer(repo_app, name="repo")
app.command()(clean)
app.command()(version)
app.command()(completion)

FLAG_OPTIONS = ("--dry-run",)
VALUE_OPTIONS = ("--progress", "--build-dir", "--jobs", "-j")


def hoist(arguments: Sequence[str]) -> list[str]:
    """Return the arguments with all global options moved to the front; `--` ends the search."""
    front: list[str] = []
    rest: list[str] = []
    words = iter(arguments)
    for word in words:
        if word == "--":
            rest.append(word)
            break
        name = word.split("=", 1)[0]
        joined = (name in VALUE_OPTIONS and "=" in word) or (
            word.startswith("-j") and word[2:].isdigit()
        )
        if word in FLAG_OPTIONS or joined:
            front.append(word)
        elif word in VALUE_OPTIONS:
            front += [word, *([value] if (value := next(words, None)) is not None else [])]
        else:
            rest.append(word)
    return [*front, *rest, *words]
