# SPDX-License-Identifier: MIT
"""The table of system calls: what it refuses, and what it must say."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from xsc.abi.table import NUMBERS, TABLE, Table, load_table, parse_table
from xsc.errors import EXIT_FAILED, StepFailed
from xsc.paths import ROOT

HOST_NUMBERS = Path("/usr/include/x86_64-linux-gnu/asm/unistd_64.h")
TEXT = (ROOT / TABLE).read_text()
READ = next(line for line in TEXT.splitlines() if line.startswith("0 "))
CHECK = next(line for line in TEXT.splitlines() if line.startswith("check "))

# What ordinary programs do most of the time, and the reason for having workers.
COMMON = """
    read write pread64 pwrite64 readv writev lseek open openat creat close dup dup2 dup3 fcntl ioctl
    pipe pipe2 stat fstat lstat newfstatat statx access faccessat faccessat2 readlink readlinkat
    getdents64 mkdir rmdir rename unlink unlinkat link symlink chmod fchmod fchown utimensat umask
    getcwd chdir fchdir statfs fstatfs fsync fdatasync ftruncate fallocate flock sendfile
    copy_file_range getxattr socket socketpair connect bind listen accept4 sendto recvfrom sendmsg
    recvmsg setsockopt getsockopt getsockname shutdown epoll_create1 epoll_ctl eventfd2
    timerfd_settime getpid getppid getuid geteuid getgid getegid getpgrp uname sysinfo prlimit64
    clock_gettime gettimeofday getrandom futex
"""
# What a worker must never run: it would act on the worker itself, or on nobody.
OF_THE_TASK = """
    gettid rt_sigprocmask rt_sigpending rt_sigsuspend rt_sigtimedwait rt_sigreturn sigaltstack
    restart_syscall nanosleep clock_nanosleep poll ppoll select pselect6 epoll_wait epoll_pwait
    epoll_pwait2 futex_waitv clone clone3 fork vfork execve execveat exit exit_group wait4 waitid
    kill tkill tgkill ptrace set_tid_address set_robust_list rseq getcpu sched_yield
    sched_getaffinity getpriority getrusage times semop semtimedop shmget mremap membarrier
    io_uring_enter timer_create pause
"""
IDENTITY = """
    setuid setgid setreuid setregid setresuid setresgid setfsuid setfsgid setgroups capset unshare
    setns prctl arch_prctl seccomp personality keyctl add_key request_key set_mempolicy ioprio_set
    sched_setscheduler sched_setparam sched_setattr sched_setaffinity setpriority pkey_alloc
    pkey_free pkey_mprotect landlock_restrict_self close_range perf_event_open
"""


@pytest.fixture(scope="module")
def table() -> Table:
    return load_table()


def line_of(text: str, row: str) -> int:
    return text.splitlines().index(row) + 1


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("0 read worker fd", "not `nr name class check id reason`"),
        ("zero read worker fd n Safe.", "not `nr name class check id reason`"),
        ("-1 read worker fd n Safe.", "not `nr name class check id reason`"),
        ("0 Read worker fd n Safe.", "not a name: Read"),
        ("0 read both fd n Safe.", "class is both, not worker or caller"),
        ("0 read worker fd no Safe.", "id is no, not y or n"),
        ("0 read worker df n Safe.", "check df is not declared"),
        ("0 read caller fd n Reads.", "read never reaches a worker, so nothing is checked"),
        ("0 read worker - y Changes ids.", "read cannot be run by the worker that it retires"),
        ("0 read worker fd n Safe", "not a sentence for a table cell: Safe"),
        ("0 read worker fd n Safe | sound.", "not a sentence for a table cell: Safe | sound."),
        ("335 read worker fd n Safe.", "Linux 6.1 has no call 335"),
        ("451 read worker fd n Safe.", "Linux 6.1 has no call 451"),
    ],
)
def test_a_bad_row_is_refused_with_its_place(row: str, message: str) -> None:
    with pytest.raises(StepFailed) as caught:
        parse_table(TEXT.replace(READ, row), "some.tbl")
    assert caught.value.message == f"some.tbl:{line_of(TEXT, READ)}: {message}" + (
        f": {row}" if message.startswith("not `") else ""
    )
    assert caught.value.hint is not None
    assert caught.value.exit_code == EXIT_FAILED


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ((READ, READ), "0 does not come after 0"),
        ((READ, READ.replace("0 ", "1 ", 1)), "read has two numbers"),
    ],
)
def test_a_second_row_for_a_call_is_refused(rows: tuple[str, str], message: str) -> None:
    with pytest.raises(StepFailed) as caught:
        parse_table(TEXT.replace(READ, "\n".join(rows)))
    assert caught.value.message == f"{TABLE}:{line_of(TEXT, READ) + 1}: {message}"


def test_a_missing_call_is_named() -> None:
    with pytest.raises(StepFailed, match=r"the table ends without 0$"):
        parse_table(TEXT.replace(READ, ""))


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("check fd", "not `check name text`: check fd"),
        ("check FD Holds.", "not `check name text`: check FD Holds."),
        ("check fd It holds", "not a sentence for a table cell: It holds"),
    ],
)
def test_a_bad_check_is_refused_with_its_place(row: str, message: str) -> None:
    with pytest.raises(StepFailed) as caught:
        parse_table(TEXT.replace(CHECK, row))
    assert caught.value.message == f"{TABLE}:{line_of(TEXT, CHECK)}: {message}"


def test_checks_are_declared_once_and_used() -> None:
    with pytest.raises(
        StepFailed, match=rf"{line_of(TEXT, CHECK) + 1}: check fd is declared twice"
    ):
        parse_table(TEXT.replace(CHECK, f"{CHECK}\n{CHECK}"))
    with pytest.raises(StepFailed, match="without a call for check spare"):
        parse_table(TEXT.replace(CHECK, f"{CHECK}\ncheck spare Never."))


def test_the_table_has_the_calls_of_linux_6_1(table: Table) -> None:
    assert [call.nr for call in table.calls] == list(NUMBERS)
    assert len(table.calls) == 335 + 27
    assert len({call.name for call in table.calls}) == len(table.calls)


@pytest.mark.skipif(not HOST_NUMBERS.exists(), reason="linux-libc-dev is not installed")
def test_names_are_those_of_the_headers(table: Table) -> None:
    defined = re.findall(r"^#define __NR_(\w+)\s+(\d+)$", HOST_NUMBERS.read_text(), re.MULTILINE)
    # A newer header may know more calls, never other names for old numbers.
    host = {int(number): name for name, number in defined}
    assert len(host) > 300
    assert not [c for c in table.calls if host.get(c.nr, c.name) != c.name]
    assert host.keys() & set(NUMBERS) == set(NUMBERS)


def test_common_calls_are_for_workers(table: Table) -> None:
    workers = {call.name for call in table.workers()}
    assert len(COMMON.split()) >= 60
    assert not set(COMMON.split()) - workers


def test_calls_of_the_task_are_for_the_caller(table: Table) -> None:
    callers = {call.name for call in table.calls if not call.worker}
    assert not set(OF_THE_TASK.split()) - callers


def test_calls_that_change_what_a_worker_was_given_retire_it(table: Table) -> None:
    retiring = {call.name for call in table.calls if call.identity}
    assert not set(IDENTITY.split()) - retiring


def test_every_worker_call_is_made_by_a_twin(table: Table) -> None:
    # The sweep makes all calls, but with arguments that end in an error.
    programs = (ROOT / "tests/guest").glob("twin_*.c")
    texts = [path.read_text() for path in programs if path.name != "twin_sweep.c"]
    made = set(re.findall(r"\bCQ?\(SYS_(\w+)", "\n".join(texts)))
    assert not {call.name for call in table.workers()} - made
