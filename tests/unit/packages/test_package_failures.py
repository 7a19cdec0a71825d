# SPDX-License-Identifier: MIT
"""Whose fault a failed build is, from the log it left."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import unquote

import pytest

from xsc.errors import InfraError, StepFailed
from xsc.packages.builder import explain
from xsc.packages.classify import Cause, classify

BUILDING = "xsc: phase install\nxsc: phase unpack\nxsc: phase build\n"


@pytest.mark.parametrize(
    ("line", "cause"),
    [
        ("dpkg-checkbuilddeps: error: Unmet build dependencies: libfoo-dev", Cause.DEP_WAIT),
        ("main.c:12:5: error: unknown type name 'foo'", Cause.TOOLCHAIN),
        ("a.o: in function `main': undefined reference to `frob'", Cause.TOOLCHAIN),
        ("b.c:(.text+0x0): multiple definition of `f'; a.o:a.c: first", Cause.TOOLCHAIN),
        ("/usr/bin/x86_64-linux-gnu-ld: a.o: file not recognized: file truncated", Cause.TOOLCHAIN),
        ("/usr/bin/ld: relocation R_X86_64_32 against `x': recompile with -fPIC", Cause.TOOLCHAIN),
        ("/usr/bin/ld: a.o: warning: relocation against `x' in read-only section", Cause.PACKAGE),
        ("ld: error: prog: lacks the note XSC_ABI", Cause.TOOLCHAIN),
        ("raw.c:7: error: `syscall` in inline assembly [xsc-trap]", Cause.TRAP),
        ("dh_auto_test: error: make -j1 check returned exit code 2", Cause.TEST),
        ("make[3]: *** [Makefile:900: check-TESTS] Error 1", Cause.TEST),
        ("make[2]: *** [Makefile:12: test] Error 1", Cause.TEST),
        ("dh_install: error: missing files, aborting", Cause.PACKAGE),
        ("make[1]: *** [Makefile:3: contest] Error 1", Cause.PACKAGE),
        ("cc1: fatal error: out.s: No space left on device", Cause.INFRASTRUCTURE),
        ("c++: fatal error: Killed signal terminated program cc1plus", Cause.INFRASTRUCTURE),
    ],
)
def test_the_line_decides(line: str, cause: Cause) -> None:
    failure = classify(f"{BUILDING}checking for gcc... gcc\n{line}\nxsc: ended with 2\n")
    assert (failure.cause, failure.reason) == (cause, line)


@pytest.mark.parametrize(
    ("log", "words"),
    [
        ("", "ended from outside"),
        (BUILDING, "ended from outside, in the phase build"),
        (f"{BUILDING}xsc: ended with 124\n", "longer"),
        (f"{BUILDING}xsc: ended with 137\n", "killed"),
        (f"{BUILDING}xsc: ended with -9\n", "killed"),
        ("xsc: phase install\ndpkg: error: bad magic\nxsc: ended with 1\n", "bad magic"),
        ("mount: permission denied\nxsc: ended with 32\n", "permission denied"),
    ],
)
def test_the_machine_is_at_fault(log: str, words: str) -> None:
    failure = classify(log)
    assert failure.cause is Cause.INFRASTRUCTURE
    assert words in failure.reason


def test_what_cannot_be_installed_is_waited_for() -> None:
    log = "xsc: phase install\n libx : Depends: liby but it is not installable\n"
    assert classify(f"{log}xsc: ended with 100\n").cause is Cause.DEP_WAIT


def test_words_of_configure_are_no_failure_of_the_compiler() -> None:
    log = "xsc: phase unpack\nnote: x: error: before the build\nxsc: phase build\nno luck\n"
    assert classify(f"{log}xsc: ended with 1\n").cause is Cause.PACKAGE


def test_the_machines_own_errors_need_no_log(tmp_path: Path) -> None:
    missing = tmp_path / "log"
    failure = explain(InfraError("cannot fetch x\nlong story"), missing)
    assert (failure.cause, failure.reason) == (Cause.INFRASTRUCTURE, "cannot fetch x")
    missing.write_text("+ apt-get\nE: Failed to fetch x  timed out\nE: Some\n")
    assert explain(InfraError("y"), missing).reason == "E: Failed to fetch x  timed out"
    assert explain(StepFailed("z"), missing).cause is Cause.INFRASTRUCTURE


@pytest.mark.parametrize(
    ("file", "cause"),
    [
        ("main/a/apt/apt_2.6.2.tar.xz", Cause.SOURCE),
        ("main/liba/liba/liba-dev_1%3a2-3_amd64.deb", Cause.DEP_WAIT),
    ],
)
def test_what_the_archive_has_lost_is_told_apart(tmp_path: Path, file: str, cause: Cause) -> None:
    log = tmp_path / "log"
    log.write_text(
        f"Err:2 http://archive.invalid {file}\n  404  Not Found\n"
        f"E: Failed to fetch http://archive.invalid/pool/{file}  404  Not Found [IP: 192.0.2.1 80]"
    )
    failure = explain(InfraError("apt cannot fetch it"), log)
    assert failure.cause is cause
    assert failure.reason.startswith("the archive has no ")
    assert unquote(file.rpartition("/")[2]) in failure.reason
