# SPDX-License-Identifier: MIT
"""Run the benchmark programs in a virtual machine and collect what they print."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from xsc.bench.pinning import pin_vcpus
from xsc.bench.report import Guest, Host, Run
from xsc.bench.samples import Output, Sample, join, parse
from xsc.errors import StepFailed, UsageError
from xsc.version import VERSION
from xsc.vm.machine import Machine, MachineSpec

PROGRAMS = "/opt/guest-bench"
FACTS = """
echo "kernel=$(uname -r)"
echo "mode=$(cat /sys/kernel/xsc/mode 2>/dev/null || echo stock)"
if ! grep -qs '^tagged: 1' /proc/self/xsc; then echo workers=none
elif [ -e /sys/kernel/xsc/workers ]; then echo "workers=$(cat /sys/kernel/xsc/workers)"
else echo workers=caller; fi
"""
Say = Callable[[str], None]


STANDARD = "standard"
"""The image that users get, and that most is measured in."""
PROJECTS = "projects"
"""The image with git and a compiler."""


@dataclass(frozen=True)
class Program:
    """A benchmark program: its measures, milliseconds per sample, repetitions if they are fixed.

    `profile` is the image that has what it needs.
    """

    name: str
    measures: tuple[str, ...]
    sample_ms: int
    warm_ms: int = 20
    reps: int | None = None
    profile: str = STANDARD


SUITE = (
    Program(
        "calls",
        (
            *("getpid", "getppid", "pread-200", "pread-4k", "stat", "open-close", "write-null"),
            "pipe",
        ),
        50,
        50,
    ),
    Program("mix", ("mix",), 1000, 200),
    Program("programs", ("true", "find", "tar", "sqlite"), 1),
    Program("neighbour", ("neighbour",), 2000, 200),
    # A minute in all, of which a fifth is one sample.
    Program("idle", ("idle",), 12000, 0, reps=5),
    # Each sample is a program of many seconds.
    Program("projects", ("git-status", "compile"), 1, reps=5, profile=PROJECTS),
)
MEASURES = tuple(name for program in SUITE for name in program.measures)


@dataclass(frozen=True)
class Settings:
    """How to measure. `quick` takes samples so short that only their form means something."""

    reps: int = 7
    ring: str = "auto"
    quick: bool = False
    measures: tuple[str, ...] = ()

    def wants(self, program: Program) -> tuple[str, ...]:
        """Return which measures of a program are asked for. Raises UsageError for unknown ones."""
        unknown = sorted(set(self.measures) - set(MEASURES))
        if unknown:
            raise UsageError(
                f"there is no measure {unknown[0]!r}", hint=f"measures: {', '.join(MEASURES)}"
            )
        return tuple(
            name for name in program.measures if not self.measures or name in self.measures
        )


def arguments(program: Program, settings: Settings) -> list[str]:
    """Return the command line of a program in the guest."""
    reps = settings.reps if program.reps is None else program.reps
    values = {
        "--reps": str(min(reps, settings.reps) if settings.quick else reps),
        "--sample-ms": str(program.sample_ms),
        "--warm-ms": str(program.warm_ms),
        "--workers": settings.ring,
        "--stock": f"{PROGRAMS}/stock",
    }
    if settings.quick:
        values |= {"--sample-ms": "20", "--warm-ms": "1", "--processes": "5"}
        values |= {"--count": "50"}
    argv = [f"{PROGRAMS}/bench-{program.name}"]
    argv += [word for pair in values.items() for word in pair]
    for name in settings.wants(program):
        argv += ["--measure", name]
    return argv


@dataclass(frozen=True)
class Meter:
    """Seconds spent: by the guest's clock, by the host's, by QEMU running and waiting to run."""

    guest: float = 0.0
    host: float = 0.0
    ran: float = 0.0
    waited: float = 0.0

    def __add__(self, other: Meter) -> Meter:
        return Meter(
            self.guest + other.guest,
            self.host + other.host,
            self.ran + other.ran,
            self.waited + other.waited,
        )

    @property
    def clock(self) -> float | None:
        """How fast the guest's clock runs. None of short runs: the way there and back is in it."""
        return self.guest / self.host if self.host > 10 else None

    @property
    def wait_share(self) -> float | None:
        """Which part of the time it could have run QEMU waited; None if the host does not say."""
        return self.waited / (self.ran + self.waited) if self.ran else None


def scheduled(pid: int) -> tuple[float, float]:
    """Return the seconds that the threads of a process ran, and waited for a CPU, so far."""
    ran = waited = 0
    for file in Path(f"/proc/{pid}/task").glob("*/schedstat"):
        try:
            words = file.read_text().split()
        except OSError:
            continue  # the thread has ended
        ran, waited = ran + int(words[0]), waited + int(words[1])
    return ran / 1e9, waited / 1e9


def shell(machine: Machine, script: str) -> str:
    """Run a script that prepares the guest and return what it prints. Raises StepFailed."""
    done = machine.run(["sh", "-c", script], timeout=120)
    if done.code:
        raise StepFailed(f"preparing the guest failed: {done.stderr.decode().strip()}")
    return done.stdout.decode()


def facts(text: str) -> dict[str, str]:
    """Return name=value lines as a dictionary."""
    pairs = (line.partition("=") for line in text.splitlines())
    return {name: value for name, _, value in pairs}


def run_program(machine: Machine, program: Program, settings: Settings) -> tuple[Output, Meter]:
    """Run one program; return its output and the time that it took."""
    pid = machine.link.process.pid
    ran, waited = scheduled(pid)
    done = machine.run(arguments(program, settings), timeout=3600, env={"LC_ALL": "C.UTF-8"})
    if done.start_error is not None:
        raise StepFailed(f"bench-{program.name} cannot be started: {done.start_error}")
    if done.code:
        words = done.stderr.decode(errors="replace").strip()
        raise StepFailed(f"bench-{program.name} ended with exit code {done.code}: {words}")
    output = parse(done.stdout.decode())
    after = scheduled(pid)
    return output, Meter(output.seconds, done.seconds, after[0] - ran, after[1] - waited)


@dataclass(frozen=True)
class Visit:
    """What one machine had to say."""

    guest: Guest
    outputs: tuple[Output, ...]
    meter: Meter


def visit(spec: MachineSpec, wanted: Sequence[Program], settings: Settings, say: Say) -> Visit:
    """Boot a machine and run programs in it. Raises StepFailed, and what Machine raises."""
    outputs, meter = [], Meter()
    say("booting")
    with Machine(spec) as machine:
        pinned = pin_vcpus(machine.link.process.pid, spec.hardware.cpus)
        known = facts(shell(machine, FACTS))
        for program in wanted:
            say(f"{program.name}: {', '.join(settings.wants(program))}")
            output, spent = run_program(machine, program, settings)
            outputs.append(output)
            meter += spent
    return Visit(_guest(spec, known, pinned), tuple(outputs), meter)


def profiles(settings: Settings) -> tuple[str, ...]:
    """Return the images that the wanted measures need, in the order of their machines."""
    return tuple(dict.fromkeys(each.profile for each in SUITE if settings.wants(each)))


def measure(specs: Mapping[str, MachineSpec], settings: Settings, say: Say) -> Run:
    """Boot one machine for each image and run every program that is asked for in it.

    `specs` has a machine for each of profiles(). They differ in nothing but their root. Raises
    StepFailed if a program fails, and what Machine raises.
    """
    started, host = datetime.now(UTC), _host()
    visits = []
    for profile in profiles(settings):
        wanted = [each for each in SUITE if each.profile == profile and settings.wants(each)]
        visits.append(visit(specs[profile], wanted, settings, say))
    meter = sum((visit.meter for visit in visits), Meter())
    return Run(
        version=VERSION,
        started=started.strftime("%Y-%m-%dT%H:%M:%SZ"),
        quick=settings.quick,
        ring=settings.ring,
        host=host,
        guest=visits[0].guest,
        clock=meter.clock,
        waited=meter.wait_share,
        output=join([output for visit in visits for output in visit.outputs]),
    )


def _host() -> Host:
    names = (
        line.partition(":")[2].strip()
        for line in Path("/proc/cpuinfo").read_text().splitlines()
        if line.startswith("model name")
    )
    cpus = len(os.sched_getaffinity(0))
    return Host(cpu=next(names, "unknown"), cpus=cpus, load=os.getloadavg()[0])


def _guest(spec: MachineSpec, known: Mapping[str, str], pinned: bool) -> Guest:
    hardware = spec.hardware
    return Guest(
        accel=hardware.accel.name,
        accel_reason=hardware.accel.reason,
        qemu_cpu=hardware.cpu or hardware.accel.cpu.partition(",")[0],
        cpus=hardware.cpus,
        pinned=pinned,
        memory=hardware.memory,
        kernel=known["kernel"],
        kernel_args=spec.kernel_args,
        mode=known["mode"],
        workers=known["workers"],
    )


def boots(specs: Mapping[str, MachineSpec], reps: int, say: Say) -> tuple[Sample, ...]:
    """Boot each system to multi-user.target `reps` times, in turns; its name is its lane."""
    samples = []
    names = list(specs)
    for rep in range(reps):
        for name in names[rep % len(names) :] + names[: rep % len(names)]:
            say(f"boot {rep + 1} of {reps}: {name}")
            with Machine(replace(specs[name], init="systemd")) as machine:
                ns = int(machine.boot_seconds * 1e9)
            samples.append(Sample(measure="boot", lane=name, rep=rep, count=1, ns=ns))
    return tuple(samples)


def with_samples(run: Run, samples: Sequence[Sample]) -> Run:
    """Return the run with further samples."""
    output = run.output.model_copy(update={"samples": (*run.output.samples, *samples)})
    return run.model_copy(update={"output": output})
