# SPDX-License-Identifier: MIT
"""Errors the command line shows: what went wrong, what to do about it, which exit code."""

from __future__ import annotations

EXIT_OK = 0
EXIT_FAILED = 1
EXIT_INFRA = 2
EXIT_USAGE = 64
EXIT_INTERRUPTED = 130


class XscError(Exception):
    """A failure with a remedy; the command line prints it without a traceback."""

    exit_code = EXIT_FAILED

    def __init__(
        self, message: str, *, hint: str | None = None, exit_code: int | None = None
    ) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        if exit_code is not None:
            self.exit_code = exit_code


class UsageError(XscError):
    """The command line or a configuration file asks for something that does not exist."""

    exit_code = EXIT_USAGE


class StepFailed(XscError):
    """A build step or a test ran and failed: the tree is at fault, not the machine."""

    exit_code = EXIT_FAILED


class InfraError(XscError):
    """The machine is at fault: a missing tool, a full disk, an unreachable registry, a lost VM."""

    exit_code = EXIT_INFRA
