# SPDX-License-Identifier: MIT
"""Have QEMU log which code a call passes, lane by lane, in one machine."""

from __future__ import annotations

import signal
import tempfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from xsc.bench.blocklog import Symbols, addresses, periods, symbols, usual
from xsc.bench.callpath import FORMAT, Kind, explain
from xsc.bench.callpath import Path as CallPath
from xsc.bench.guest import FACTS, PROGRAMS, Say, facts, shell
from xsc.errors import StepFailed, UsageError
from xsc.version import VERSION
from xsc.vm.machine import Machine, MachineSpec, Result

LANES = ("trap", "bell")
CALLS = {
    "getpid": "__x64_sys_getpid",
    "getppid": "__x64_sys_getppid",
    "pread-200": "__x64_sys_pread64",
    "pread-4k": "__x64_sys_pread64",
    "stat": "__x64_sys_newfstatat",
    "write-null": "__x64_sys_write",
}
"""Operations of guest/bench/ops.c that are one call, and the kernel's function for it."""

# Some hundred short calls. Time goes on while the log is written: most long calls are interrupted.
ENOUGH_BYTES = 32 << 20
LOG_SECONDS = 120.0
LOOP_SECONDS = 10.0
FEWEST = 10
"""Calls that have to look alike before one of them is called the usual one."""

SYMBOLS = "echo 0 > /proc/sys/kernel/kptr_restrict; grep ' [tTwW] ' /proc/kallsyms"


@dataclass(frozen=True)
class Report:
    """The paths of one call, and what they were seen on."""

    call: str
    kernel: str
    qemu_cpu: str
    paths: tuple[CallPath, ...]


def check_call(name: str) -> str:
    """Return the name of a call. Raises UsageError if there is none of it."""
    if name not in CALLS:
        raise UsageError(f"there is no call {name!r}", hint=f"calls: {', '.join(CALLS)}")
    return name


def trace(spec: MachineSpec, call: str, say: Say) -> Report:
    """Boot one machine, which has to be emulated, and look at a call in each lane.

    Raises StepFailed if the guest cannot do it or no path repeats, and what Machine raises.
    """
    with Machine(spec) as machine:
        known = facts(shell(machine, FACTS))
        where = symbols(shell(machine, SYMBOLS).splitlines())
        if not where.starts or not where.starts[-1]:
            raise StepFailed("the kernel does not tell the addresses of its functions")
        paths = []
        for lane in LANES:
            say(f"{call}: {lane}")
            paths.append(_look(machine, call, lane, where))
    cpu = spec.hardware.cpu or spec.hardware.accel.cpu
    return Report(call, known["kernel"], cpu.partition(",")[0], tuple(paths))


def _look(machine: Machine, call: str, lane: str, where: Symbols) -> CallPath:
    """Have one lane run in the guest, and log it meanwhile."""
    text = bytearray()
    argv = [f"{PROGRAMS}/bench-path", "--measure", call, "--lane", lane]
    machine.start(argv, on_stdout=text.extend)
    patience = machine.spec.hardware.accel.patience
    begun = machine.wait_until(lambda: _loop(text) is not None, LOOP_SECONDS * patience)
    with tempfile.TemporaryDirectory(prefix="xsc-path-") as scratch:
        log = Path(scratch) / "blocks.log"
        if begun:
            _log_blocks(machine, log)
        machine.send_signal(signal.SIGTERM)
        _check(machine.finish(timeout=LOOP_SECONDS * patience))
        loop = _loop(text)
        if loop is None:
            raise StepFailed("bench-path ended before its loop began")
        with log.open(errors="replace") as lines:
            found = usual(periods(addresses(lines, loop[0])))
    if found is None or found.alike < FEWEST:
        alike, seen = (found.alike, found.seen) if found else (0, 0)
        raise StepFailed(
            f"in the lane {lane} only {alike} of {seen} calls went the same way",
            hint="if they are few, the virtual machine hardly ran: try again on a quieter host",
        )
    blocks = explain(found.period, where, loop[1], CALLS[call])
    return CallPath(lane, blocks, found.alike, found.seen)


def _check(done: Result) -> None:
    if done.start_error is not None:
        raise StepFailed(f"bench-path cannot be started: {done.start_error}")
    if done.code:
        words = done.stderr.decode(errors="replace").strip()
        raise StepFailed(f"bench-path ended with exit code {done.code}: {words}")


def _loop(text: bytes | bytearray) -> tuple[int, int] | None:
    """Return what bench-path says before its loop: its processor, and the address of the gate."""
    for line in bytes(text).decode(errors="replace").splitlines(keepends=True):
        words = line.split()
        if line.endswith("\n") and words[:1] == ["loop"]:
            return int(words[1]), int(words[2], 16)
    return None


def _log_blocks(machine: Machine, log: Path) -> None:
    """Log blocks until there are enough.

    Raises StepFailed if QEMU refuses: it prints something only then.
    """
    for line in (f'logfile "{log}"', "log exec,nochain"):
        if words := machine.monitor(line):
            raise StepFailed(f"QEMU refuses to log blocks: {words}")
    machine.wait_until(lambda: _enough(log), LOG_SECONDS)
    machine.monitor("log none")


def _enough(log: Path) -> bool:
    return log.exists() and log.stat().st_size >= ENOUGH_BYTES


def document(report: Report) -> Mapping[str, object]:
    """Return a report for programs."""
    return {
        "format": FORMAT,
        "version": VERSION,
        "call": report.call,
        "accel": "tcg",
        "kernel": report.kernel,
        "qemu_cpu": report.qemu_cpu,
        "paths": [
            {
                "lane": path.lane,
                "alike": path.alike,
                "seen": path.seen,
                "total": len(path.blocks),
                "kinds": {str(kind): path.kinds[kind] for kind in Kind},
                "functions": [asdict(row) for row in path.rows],
                "blocks": [block.place for block in path.blocks],
            }
            for path in report.paths
        ],
    }
