# SPDX-License-Identifier: MIT
"""Entry point: run the command line and turn every outcome into an exit code."""

from __future__ import annotations

import json
import os
import sqlite3
import sys
from collections.abc import Sequence

import typer
from typer.completion import completion_init  # type: ignore[attr-defined]

from xsc.cli import app, hoist
from xsc.errors import (
    EXIT_FAILED,
    EXIT_INFRA,
    EXIT_INTERRUPTED,
    EXIT_OK,
    EXIT_USAGE,
    InfraError,
    XscError,
)
from xsc.paths import default_paths


def show(error: XscError, as_json: bool) -> None:
    """Print what went wrong and the remedy, or the same as one more line of JSON progress."""
    if as_json:
        facts = {"message": error.message, "remedy": error.hint, "exit_code": error.exit_code}
        print(json.dumps({"event": "error", **facts}), file=sys.stderr)
        return
    print(f"xsc: error: {error.message}", file=sys.stderr)
    if error.hint:
        print(f"  remedy: {error.hint}", file=sys.stderr)


def unusable_place(error: PermissionError | sqlite3.OperationalError) -> InfraError:
    """Explain a directory that cannot be written, mostly left behind by root."""
    paths = default_paths()
    return InfraError(
        f"cannot use the build or cache directory: {error}",
        hint=f"make {paths.build} and {paths.cache} yours (chown), or choose others with "
        "--build-dir and XDG_CACHE_HOME",
    )


def wants_json(words: Sequence[str]) -> bool:
    """Say whether hoisted arguments ask for progress as JSON."""
    pairs = zip(words, words[1:], strict=False)
    return "--progress=json" in words or ("--progress", "json") in pairs


def main(arguments: Sequence[str]) -> int:
    """Run one command line and return its exit code."""
    os.umask(0o022)
    completion_init()
    command = typer.main.get_command(app)
    words = hoist(arguments)
    try:
        result = command.main(words, prog_name="xsc", standalone_mode=False)
    except XscError as error:
        show(error, wants_json(words))
        return error.exit_code
    except typer.TyperException as error:
        # The parser's own exit code for a usage error is 2, which here means infrastructure.
        context = getattr(error, "ctx", None)
        path = context.command_path if context is not None else "xsc"
        print(f"xsc: usage: {error.format_message()}", file=sys.stderr)
        print(f"  remedy: see `./{path} --help`", file=sys.stderr)
        return EXIT_USAGE
    except typer.Abort:
        return EXIT_INTERRUPTED
    except (PermissionError, sqlite3.OperationalError) as error:
        show(unusable_place(error), wants_json(words))
        return EXIT_INFRA
    except BrokenPipeError:
        # The reader of our output has gone: nothing can be said to it, not even at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return EXIT_FAILED
    return result if isinstance(result, int) else EXIT_OK


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
