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
# Where the kernel's makefiles export them to, in the work directory.
HEADERS = Path("headers/usr/include")
# Suite -> programs to run, relative to it, with their arguments. What is built and not named here
# is named, with the reason, in tests/data/suites/kselftests.toml.
PROGRAMS: Mapping[str, tuple[str, ...]] = {
    "breakpoints": ("breakpoint_test",),
    "clone3": (
        "clone3",
        "clone3_cap_checkpoint_restore",
        "clone3_clear_sighand",
        "clone3_set_tid",
    ),
    "core": ("close_range_test",),
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
    "filesystems": ("devpts_pts",),
    "filesystems/epoll": ("epoll_wakeup_test",),
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
    "ipc": ("msgque",),
    "kcmp": ("kcmp_test",),
    "membarrier": ("membarrier_test_multi_thread", "membarrier_test_single_thread"),
    "memfd": ("memfd_test",),
    "mincore": ("mincore_selftest",),
    "pid_namespace": ("regression_enomem",),
    "pidfd": (
        "pidfd_fdinfo_test",
        "pidfd_getfd_test",
        "pidfd_open_test",
        "pidfd_poll_test 200",
        "pidfd_setns_test",
        "pidfd_test",
        "pidfd_wait",
    ),
    "proc": (
        "fd-001-lookup",
        "fd-002-posix-eq",
        "fd-003-kthread",
        "proc-empty-vm",
        "proc-fsconfig-hidepid",
        "proc-loadavg-001",
        "proc-multiple-procfs",
        "proc-pid-vm",
        "proc-self-map-files-001",
        "proc-self-map-files-002",
        "proc-self-syscall",
        "proc-self-wchan",
        "proc-subset-pid",
        "proc-tid0",
        "proc-uptime-001",
        "proc-uptime-002",
        "read",
        "self",
        "setns-dcache",
        "setns-sysvipc",
        "thread-self",
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
    "splice": ("default_file_splice_read.sh",),
    "syscall_user_dispatch": ("sud_test",),
    "timens": ("clock_nanosleep", "exec", "futex", "procfs", "timens", "timer", "timerfd"),
    "timers": ("nanosleep", "posix_timers"),
    "vDSO": (
        "vdso_test_abi",
        "vdso_test_clock_getres",
        "vdso_test_correctness",
        "vdso_test_getcpu",
        "vdso_test_gettimeofday",
    ),
    "x86": (
        "check_initial_reg_state_64",
        "fsgsbase_64",
        "fsgsbase_64.static",
        "fsgsbase_restore_64",
        "fsgsbase_restore_64.static",
        "ioperm_64",
        "iopl_64",
        "mov_ss_trap_64",
        "sigaltstack_64",
        "sigreturn_64",
        "sigtrap_loop_64",
        "single_step_syscall_64",
        "syscall_arg_fault_64",
        "syscall_arg_fault_64.static",
        "syscall_nt_64",
        "syscall_numbering_64",
        "sysret_rip_64",
        "sysret_ss_attrs_64",
        "test_mremap_vdso_64",
        "test_vsyscall_64",
    ),
}
# Where `all` would need more than a compiler: what to make instead.
GOALS: Mapping[str, tuple[str, ...]] = {
    "breakpoints": ("breakpoint_test",),
    "memfd": ("memfd_test",),
}
# Programs that set GS base, by which the gate is found. Statically linked, with Debian's C library,
# they have no gate, and the kernel owes them GS as ever.
STATIC: Mapping[str, tuple[str, ...]] = {
    "x86": ("fsgsbase_64", "fsgsbase_restore_64", "syscall_arg_fault_64"),
}


def _params() -> Mapping[str, Json]:
    return {"gcc": run(["gcc", "-dumpfullversion"]).stdout.strip()}


def program(command: str) -> str:
    """Return the program of a command as listed in PROGRAMS."""
    return command.split()[0]


def _make(
    ctx: StepContext, tree: Path, suite: str, objects: Path, goals: tuple[str, ...], *more: str
) -> None:
    headers = ctx.work / HEADERS
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
            *more,
            *([str(objects / goal) for goal in goals] or ["all"]),
        ]
    )


def _build_suite(ctx: StepContext, tree: Path, suite: str) -> None:
    objects = ctx.work / "objects" / suite
    _make(ctx, tree, suite, objects, GOALS.get(suite, ()))
    target = ctx.out / suite
    shutil.copytree(objects, target, symlinks=True)
    if suite in STATIC:
        static = ctx.work / "objects" / f"{suite}.static"
        _make(ctx, tree, suite, static, STATIC[suite], "EXTRA_CFLAGS=-static")
        for name in STATIC[suite]:
            shutil.copy2(static / name, target / f"{name}.static")
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
    ctx.progress(0.1, "exporting the kernel headers")
    exported = ctx.work / HEADERS.parent.parent
    ctx.run(["make", "-C", tree, f"-j{ctx.jobs}", f"O={exported}", "headers"])
    for number, suite in enumerate(sorted(PROGRAMS)):
        ctx.progress(0.4 + 0.6 * number / len(PROGRAMS), f"building the selftests of {suite}")
        _build_suite(ctx, tree, suite)


STEPS = (
    Step(
        name="kselftests",
        run=build,
        needs=("linux-src",),
        params=_params,
        estimate=100.0,
    ),
)
