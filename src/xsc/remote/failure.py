# SPDX-License-Identifier: MIT
"""What can be wrong with the way to a server, told apart by what ssh and rsync say."""

from __future__ import annotations

from xsc.errors import InfraError
from xsc.remote.address import Address

SSH_FAILED = 255
# Of rsync: protocol stream, i/o with the other side, time-outs. 255 is the exit code of its ssh.
RSYNC_LINK_CODES = frozenset({10, 12, 30, 35, SSH_FAILED})
NO_SPACE = "No space left on device"


class LinkLost(InfraError):
    """The server does not answer, or has stopped answering: another attempt may succeed."""

    def __init__(self, message: str, cause: str, *, hint: str | None = None) -> None:
        super().__init__(f"{message}: {cause}", hint=hint)
        self.cause = cause


class NeedsPerson(InfraError):
    """Neither another attempt nor another place is the answer: somebody has to decide."""


class HostKeyRefused(NeedsPerson):
    """The server is not proved to be the one it was."""


class Cancelled(NeedsPerson):
    """Somebody has ended the job on purpose."""


class Damaged(InfraError):
    """What has arrived is not what the server's manifest lists, and fetching again did not help."""


def reason(stderr: str) -> str:
    """Return the line that says why, without ssh's prefixes."""
    lines = [line.strip() for line in stderr.splitlines() if line.strip()]
    told = [line for line in lines if not line.startswith(("Warning:", "@", "mux_client"))]
    last = told[-1] if told else "no answer"
    return last.removeprefix("ssh: ").removesuffix(".")


def from_ssh(address: Address, stderr: str) -> InfraError:
    """Return the error for an ssh that ended with its own failure."""
    label, target = address.label, address.spelling
    if "REMOTE HOST IDENTIFICATION HAS CHANGED" in stderr:
        host = address.host if address.port in (None, 22) else f"[{address.host}]:{address.port}"
        return HostKeyRefused(
            f"the host key of {label} ({target}) is not the one in known_hosts: the server was "
            "installed again, or somebody stands between it and this machine",
            hint="ask who runs the server for the fingerprint of its key; if it has changed, "
            f"`ssh-keygen -R '{host}'` forgets the old one (ssh's message names the file), and "
            "`./xsc remote add --accept-new-key` takes the new one",
        )
    if "Host key verification failed" in stderr:
        return HostKeyRefused(
            f"the host key of {label} ({target}) is not known",
            hint="compare its fingerprint and accept it: `./xsc remote add NAME "
            f"{target} --accept-new-key`, or ssh there once",
        )
    if "Permission denied" in stderr or "Too many authentication failures" in stderr:
        return InfraError(
            f"{label} ({target}) does not let this user in: {reason(stderr)}",
            hint="give it a key that needs no typing: ssh-copy-id, and ssh-agent for a passphrase",
        )
    if "Bad configuration option" in stderr or "Can't open user config file" in stderr:
        return InfraError(f"ssh refuses its configuration: {reason(stderr)}", hint="correct it")
    if "Name or service not known" in stderr or "No address associated" in stderr:
        return InfraError(
            f"there is no host {address.host!r}: {reason(stderr)}",
            hint="check the spelling; `./xsc remote status` lists the names that were added",
        )
    return LinkLost(
        f"{label} does not answer",
        reason(stderr),
        hint=f"check with: ssh {address.destination}; jobs that were started there go on",
    )


def from_rsync(address: Address, code: int, stderr: str, full: str) -> InfraError:
    """Return the error for an rsync that failed; `full` says whose disk would be full."""
    if NO_SPACE in stderr:
        return InfraError(
            f"the disk of {full} is full",
            hint="free some space (`./xsc clean --store` does) and give the command again; "
            "what has arrived is kept",
        )
    if code in RSYNC_LINK_CODES:
        return LinkLost(f"the link to {address.label} broke", reason(stderr))
    return InfraError(
        f"rsync ended with exit code {code}: {reason(stderr)}",
        hint="rsync(1) lists its exit codes; the command may be given again",
    )
