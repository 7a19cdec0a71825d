# SPDX-License-Identifier: MIT
"""What this machine remembers of jobs on servers: where each one is, and its log so far."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from xsc.errors import UsageError
from xsc.graph.digest import hash_file
from xsc.paths import Paths
from xsc.remote.address import Address, parse


@dataclass(frozen=True)
class Record:
    """One job: `<cache>/remote/jobs/<key>/` with `job.json`, `log` and the id of that log."""

    folder: Path
    arriving: Path
    key: str
    step: str
    address: Address

    @property
    def log(self) -> Path:
        """The bytes of the server's log that have arrived: its size says where to go on."""
        return self.folder / "log"

    @property
    def entry(self) -> Path:
        """Where the output arrives, before it has been checked."""
        return self.arriving / self.key

    def save(self) -> None:
        """Write the record, by one rename."""
        self.folder.mkdir(parents=True, exist_ok=True)
        address = self.address
        facts = {
            "key": self.key,
            "step": self.step,
            "address": address.spelling,
            "ssh_config": str(address.config) if address.config is not None else None,
            "alias": address.alias,
        }
        fresh = self.folder / f".job.{os.getpid()}"
        fresh.write_text(json.dumps(facts) + "\n")
        fresh.rename(self.folder / "job.json")

    def align(self, log_id: str) -> int:
        """Return how many bytes of the log `log_id` are here; what is of another log is dropped."""
        mark = self.folder / "log.id"
        if not mark.exists() or mark.read_text() != log_id:
            self.log.unlink(missing_ok=True)
            mark.write_text(log_id)
        return self.log.stat().st_size if self.log.exists() else 0

    def has_whole_log(self, digest: str) -> bool:
        """Say whether the log that has arrived is the server's, whose SHA-256 is given."""
        return self.log.exists() and hash_file(self.log) == digest


def record_for(paths: Paths, key: str, step: str, address: Address) -> Record:
    """Return the record of a job, which may be new."""
    return Record(paths.remote / "jobs" / key, paths.arriving, key, step, address)


def load(paths: Paths) -> list[Record]:
    """Return all records, the newest first. One that cannot be read is none."""
    found = []
    for file in (paths.remote / "jobs").glob("*/job.json"):
        try:
            facts: Mapping[str, str] = json.loads(file.read_text())
            config = Path(facts["ssh_config"]) if facts["ssh_config"] else None
            address = parse(facts["address"], config, facts["alias"])
            record = Record(file.parent, paths.arriving, facts["key"], facts["step"], address)
            found.append((file.stat().st_mtime_ns, record))
        except (OSError, ValueError, KeyError, UsageError):
            continue
    return [record for _, record in sorted(found, key=lambda pair: -pair[0])]


def find(paths: Paths, text: str) -> Record:
    """Return the newest job of a step, or the job whose key begins with `text`.

    Raises UsageError if there is none, or if a beginning of a key fits several.
    """
    records = load(paths)
    of_step = [record for record in records if record.step == text]
    if of_step:
        return of_step[0]
    of_key = [record for record in records if text and record.key.startswith(text)]
    if len(of_key) == 1:
        return of_key[0]
    what = "several jobs begin" if of_key else "no job is called or begins"
    raise UsageError(
        f"{what} with {text!r}", hint="`./xsc remote status` lists jobs with their steps and keys"
    )
