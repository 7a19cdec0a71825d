# SPDX-License-Identifier: MIT
"""One run with all its samples, as it is saved: figures are computed from it when it is shown."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import ValidationError

from xsc.bench.samples import Output, Record
from xsc.errors import UsageError

FORMAT = "xsc-bench-core-1"
PUBLISHABLE = 5
"""Samples of each lane below which a median is no result."""


class Host(Record):
    """The machine below the virtual one. `load` is the one-minute average when the run began."""

    cpu: str
    cpus: int
    load: float


class Guest(Record):
    """The virtual machine. `accel` is kvm or tcg, `workers` the kernel's policy as it booted.

    `workers` is `caller` on a kernel without workers and `none` on one without a gate. `pinned`:
    each virtual CPU had a CPU of the host for itself.
    """

    accel: str
    accel_reason: str
    qemu_cpu: str
    cpus: int
    pinned: bool = False
    memory: str
    kernel: str
    kernel_args: tuple[str, ...]
    mode: str
    workers: str


class Run(Record):
    """A whole run. `clock` is the guest's time divided by the host's, which should be one."""

    format: Literal["xsc-bench-core-1"] = "xsc-bench-core-1"
    version: str
    started: str
    quick: bool
    ring: str
    """What the lane `ring` wrote into the kernel's knob."""
    host: Host
    guest: Guest
    clock: float | None
    waited: float | None
    """Which part of its running time QEMU waited for a CPU of the host."""
    output: Output


def save(run: Run, path: Path) -> None:
    """Write a run as JSON."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(run.model_dump_json(indent=1) + "\n")


def load(path: Path) -> Run:
    """Read a run. Raises UsageError if the file is none, and says what is wrong with it."""
    try:
        return Run.model_validate_json(path.read_bytes())
    except OSError as error:
        raise UsageError(
            f"cannot read {path}: {error.strerror}", hint="name a file of `xsc bench core`"
        ) from error
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(str(part) for part in first["loc"]) or "the file"
        raise UsageError(
            f"{path} is no run of `xsc bench core`: {place}: {first['msg']}",
            hint=f"this version reads {FORMAT} only: measure again with it",
        ) from error


def headline(run: Run) -> list[str]:
    """Return what a figure means nothing without: accelerator, kernel, lanes, machine."""
    guest, host = run.guest, run.host
    accel = guest.accel.upper() + (f" ({guest.accel_reason})" if guest.accel_reason else "")
    reps = [sample.rep for sample in run.output.samples]
    cpus = f"{guest.cpus} CPUs" + (" (pinned)" if guest.pinned else "")
    lines = [
        f"accelerator {accel}, {cpus}, {guest.memory} of memory, {guest.qemu_cpu}",
        f"kernel {guest.kernel}, mode {guest.mode}, workers {guest.workers}"
        + (f", ring = {run.ring}" if "ring" in run.output.lanes else ""),
        f"host {host.cpu}, {host.cpus} CPUs, load {host.load:.1f}",
        f"{run.started}, xsc {run.version}",
    ]
    if run.quick or (reps and max(reps) + 1 < PUBLISHABLE):
        lines.append("too few or too short samples: shows that it runs, not how fast")
    if run.waited is not None and run.waited > 0.05:
        lines.append(
            f"QEMU waited for a CPU {run.waited:.0%} of the time: ranges are wide, and a lane that "
            "needs two CPUs at once suffers most; repeat it on a quiet machine"
        )
    if run.clock is not None and abs(run.clock - 1) > 0.1:
        lines.append(
            f"the guest's clock ran {run.clock:.2f} times as fast as the host's: "
            "ratios are right, times are not"
        )
    return lines
