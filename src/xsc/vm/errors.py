# SPDX-License-Identifier: MIT
"""How a virtual machine can fail, and the exit code of each way."""

from __future__ import annotations

from xsc.errors import InfraError, XscError

EXIT_TIMEOUT = 124
EXIT_LOST = 125


class LostVm(XscError):
    """The guest crashed, reset itself or went away before it said how the command ended."""

    exit_code = EXIT_LOST


class CommandTimeout(XscError):
    """The command ran longer than it was allowed to."""

    exit_code = EXIT_TIMEOUT


class BootTimeout(InfraError):
    """The agent did not answer in time: a hung kernel, or a machine too slow for the limit."""


class QemuFailed(InfraError):
    """QEMU ended before the guest ran: a bad option, no memory."""


class QemuAborted(QemuFailed):
    """QEMU found itself in a state that must not be, and ended itself while the guest booted."""


class GuestRefused(InfraError):
    """The agent could not do something other than running the command, such as a mount."""
