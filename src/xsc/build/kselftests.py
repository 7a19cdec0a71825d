# SPDX-License-Identifier: MIT
"""The step `kselftests`: the kernel's own selftests, built once for every kernel they run on."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path

from xsc.errors import StepFailed
from xsc.graph.step import Json, Step, StepContext
from xsc.run import run

SUITES = "tools/testing/selftests"
# Suite -> programs to run, relative to it, with their arguments. What is built and not named here
# is named, with the reason, in tests/data/kselftest-exceptions.toml.
PROGRAMS: Mapping[str, tuple[str, ...]] = {
    "clone3": (
        "clone3",
        "clone3_cap_checkpoint_restore",
        "clone3_clear_sighand",
        "clone3_set_tid",
    ),
    "exec": (
        "execveat",
        "load_address.0x1000",
        "load_address.0x200000",
        "load_address.0x1000000",
        "load_address.static.0x1000",
        "load_address.static.0x200000",
        "load_address.static.0x1000000",
        "non-regular",
        "null-argv",
        "recursion-depth",
        "binfmt_script.py",
    ),
    "futex": (
        "functional/futex_requeue",
        "functional/futex_requeue_pi",
        "functional/futex_requeue_pi -b",
        "functional/futex_requeue_pi -b -l",
        "functional/futex_requeue_pi -b -o",
        "functional/futex_requeue_pi -t 5000",
        "functional/futex_requeue_pi_mismatched_ops",
        "functional/futex_requeue_pi_signal_restart",
        "functional/futex_wait",
        "functional/futex_wait_private_mapped_file",
        "functional/futex_wait_timeout",
        "functional/futex_wait_uninitialized_heap",
        "functional/futex_wait_wouldblock",
        "functional/futex_waitv",
    ),
    "pidfd": (
        "pidfd_fdinfo_test",
        "pidfd_getfd_test",
        "pidfd_open_test",
        "pidfd_poll_test -n 200",
        "pidfd_setns_test",
        "pidfd_test",
        "pidfd_wait",
    ),
    "ptrace": ("get_syscall_info", "peeksiginfo", "vmaccess"),
    "rseq": (
        "basic_test",
        "param_test -T s -r 100 -t 4",
        "param_test -T l -r 100 -t 4",
        "param_test -T i -r 100 -t 4",
        "param_test -T m -r 100 -t 4 -M",
        "param_test_compare_twice -T s -r 100 -t 4",
    ),
    "seccomp": ("seccomp_bpf",),
    "sigaltstack": ("sas",),
    "syscall_user_dispatch": ("sud_test",),
    "timers": ("nanosleep", "posix_timers"),
}


def _params() -> Mapping[str, Json]:
    return {"gcc": run(["gcc", "-dumpfullversion"]).stdout.strip()}


def program(command: str) -> str:
    """Return the program of a command as listed in PROGRAMS."""
    return command.split()[0]


def _build_suite(ctx: StepContext, tree: Path, headers: Path, suite: str) -> None:
    objects = ctx.work / "objects" / suite
    objects.mkdir(parents=True, exist_ok=True)
    ctx.run(
        [
            "make",
            "-C",
            tree / SUITES / suite,
            f"OUTPUT={objects}",
            "CC=gcc",
            f"KHDR_INCLUDES=-isystem {headers}",
            f"LINUX_HDR_PATH={headers}/",
            "all",
        ]
    )
    target = ctx.out / suite
    shutil.copytree(objects, target, symlinks=True)
    for command in PROGRAMS[suite]:
        name = program(command)
        script = tree / SUITES / suite / name
        if script.is_file() and not (target / name).exists():
            shutil.copy2(script, target / name)
        if not (target / name).is_file():
            raise StepFailed(
                f"the selftest {suite}/{name} was not built",
                hint="its Makefile no longer names it: mend PROGRAMS in xsc.build.kselftests",
            )


def build(ctx: StepContext) -> None:
    """Build all suites outside their tree, which belongs to another step."""
    tree = ctx.input("linux-src") / "linux"
    shutil.rmtree(ctx.work / "objects", ignore_errors=True)
    objects = ctx.work / "headers"
    ctx.progress(0.1, "exporting the kernel headers")
    ctx.run(["make", "-C", tree, f"-j{ctx.jobs}", f"O={objects}", "headers"])
    for number, suite in enumerate(sorted(PROGRAMS)):
        ctx.progress(0.4 + 0.6 * number / len(PROGRAMS), f"building the selftests of {suite}")
        _build_suite(ctx, tree, objects / "usr/include", suite)


STEPS = (
    Step(
        name="kselftests",
        run=build,
        needs=("linux-src",),
        params=_params,
        estimate=60.0,
    ),
)
