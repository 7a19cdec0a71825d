# SPDX-License-Identifier: MIT
"""The command line of `xsc` inside the system."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from xscstat import stat, top
from xscstat.counters import Missing, System

EXIT_USAGE = 64
EXIT_INTERRUPTED = 130
EXIT_PIPE = 141


class Parser(argparse.ArgumentParser):
    """A parser whose usage errors have the exit code that all of this project's have."""

    def error(self, message: str) -> NoReturn:
        """Say what is wrong, and where to look."""
        self.exit(EXIT_USAGE, f"xsc: usage: {message}\n  remedy: see `{self.prog} --help`\n")


def seconds(text: str) -> float:
    """Return a positive number of seconds. Raises what argparse reports as a wrong value."""
    value = float(text)
    if not 0 < value < 1e6:
        raise argparse.ArgumentTypeError(f"{text} is no number of seconds above 0")
    return value


def natural(text: str) -> int:
    """Return a number from 1 on. Raises what argparse reports as a wrong value."""
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"{text} is not 1 or more")
    return value


def make_parser() -> argparse.ArgumentParser:
    """Return the parser for all verbs."""
    parser = Parser(
        prog="xsc",
        description="What the kernel counted of the requests that programs made through the gate.",
        epilog="Exit codes: 0 ok, 1 no such process, 2 not an XSC kernel, 64 usage.",
    )
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="stat | top")
    common = Parser(add_help=False)
    common.add_argument("--json", action="store_true", help="one JSON object per line")
    common.add_argument(
        "--root", type=Path, default=Path("/"), metavar="DIR", help="read DIR/proc and DIR/sys"
    )
    statistics = verbs.add_parser(
        "stat", parents=[common], help="counters in total, or their rates at intervals"
    )
    statistics.add_argument("-p", "--pid", type=natural, help="one process, not the whole system")
    statistics.add_argument("interval", nargs="?", type=seconds, help="seconds between two lines")
    statistics.add_argument("count", nargs="?", type=natural, help="how many lines")
    watch = verbs.add_parser("top", parents=[common], help="the processes that make most calls")
    watch.add_argument("-n", "--lines", type=natural, help="how many processes")
    watch.add_argument(
        "-s", "--sort", default="calls", metavar="NAME", help="a counter, or cpu (default: calls)"
    )
    watch.add_argument(
        "interval", nargs="?", type=seconds, default=top.INTERVAL, help="seconds between two looks"
    )
    watch.add_argument("count", nargs="?", type=natural, help="how many looks")
    return parser


def dispatch(words: argparse.Namespace) -> int:
    """Run the verb."""
    system = System(words.root)
    if words.verb == "stat":
        return stat.run(system, words.pid, words.interval, words.count, words.json)
    options = top.Options(words.interval, words.count, words.lines, words.sort, words.json)
    return top.run(system, options)


def main(arguments: Sequence[str]) -> int:
    """Run one command line and return its exit code."""
    words = make_parser().parse_args(arguments)
    try:
        return dispatch(words)
    except Missing as error:
        print(f"xsc: error: {error}\n  remedy: {error.remedy}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        return EXIT_INTERRUPTED
    except BrokenPipeError:
        # The reader has gone: nothing can be said to it, not even when Python closes its files.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return EXIT_PIPE
