# SPDX-License-Identifier: MIT
"""What the agent on a server is asked about a job, and what it answers."""

from __future__ import annotations

from dataclasses import dataclass

from xsc.remote.link import Link, facts

# Exit codes of a shell for a program that a signal has ended begin here.
SIGNALLED = 128


@dataclass(frozen=True)
class Status:
    """What is known of one job at one moment."""

    state: str
    """`none`, `running`, `ended` (there is an exit code) or `lost` (neither running nor ended)."""
    code: int | None
    cancelled: bool
    """Whether somebody has asked for the end of the job."""
    log_id: str
    log_sum: str | None
    """SHA-256 of the whole log, once the job has ended."""
    same_boot: bool
    """Whether the server has been up since the job was started."""
    entry: bool
    """Whether the output is in the server's store."""
    tree: bool
    """Whether the checkout that was asked about is there."""
    free: int
    """Bytes free on the server."""

    @property
    def failed(self) -> bool:
        """Whether the job has come to its end without success; what was killed has not."""
        return self.state == "ended" and self.code is not None and 0 < self.code < SIGNALLED


@dataclass(frozen=True)
class Listed:
    """One job in the list of a server."""

    key: str
    step: str
    state: str
    code: int | None


def _code(text: str) -> int | None:
    return int(text) if text.lstrip("-").isdigit() else None


def probe(link: Link, key: str, tree: str = "none") -> Status:
    """Ask for a job, and whether the checkout `tree` is there."""
    said = {name: values[-1] for name, values in facts(link.call("probe", key, tree)).items()}
    return Status(
        state=said["state"],
        code=_code(said["rc"]),
        cancelled=said["cancelled"] == "yes",
        log_id=said["id"],
        log_sum=said.get("sum"),
        same_boot=said["same_boot"] == "yes",
        entry=said["entry"] == "yes",
        tree=said["tree"] == "yes",
        free=int(said["free"]),
    )


def start(link: Link, key: str, step: str, tree: str, expect: str) -> None:
    """Start a job unless it runs. The keys in `expect` are compared there before anything is."""
    link.call("start", key, step, tree, input=expect)


def listing(link: Link) -> list[Listed]:
    """Return all jobs of the server."""
    rows = [line.split(" ") for line in link.call("list").splitlines()]
    return [Listed(row[0], row[1], row[2], _code(row[3])) for row in rows if len(row) == 4]
