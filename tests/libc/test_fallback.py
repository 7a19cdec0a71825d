# SPDX-License-Identifier: MIT
"""Without the kernel's gate the C library works all the same: chroots, containers, xsc=off."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from fallback import Fallback

from xsc.build.sysroot import LIBRARIES, LOADER
from xsc.run import run

NOTHING_TO_TEST = 77


@pytest.mark.parametrize(
    "name",
    ["life_fork", "sig_cancel", "sig_cxx", "sig_handlers", "sig_restart"],
)
def test_guest_programs_pass_on_the_host(name: str, programs: Path, sysroot: Fallback) -> None:
    result = sysroot.start(programs / name)
    assert result.returncode == 0, result.stdout + result.stderr
    assert "not ok" not in result.stdout


def test_children_on_other_stacks(programs: Path, sysroot: Fallback) -> None:
    # Parts of it need a gate and say so; what ran must have passed.
    result = sysroot.start(programs / "life_clone")
    assert result.returncode in (0, NOTHING_TO_TEST), result.stdout + result.stderr
    assert "not ok" not in result.stdout
    assert "\nok " in result.stdout


@pytest.mark.parametrize("kind", ["static", "static-pie"])
def test_static_programs_bring_their_own_fallback(kind: str, programs: Path) -> None:
    said = run([programs / f"exec_target-{kind}"]).stdout
    assert "base=0" in said.split()


def test_python_with_threads_and_children(sysroot: Fallback) -> None:
    # The host's interpreter; what it loads beside the C library is the host's too.
    code = (
        "import os, subprocess, sys, threading\n"
        "done = []\n"
        "threads = [threading.Thread(target=done.append, args=(n,)) for n in range(50)]\n"
        "[thread.start() for thread in threads]\n"
        "[thread.join() for thread in threads]\n"
        "child = os.fork()\n"
        "child or os._exit(3)\n"
        "assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 3\n"
        "assert os.spawnl(os.P_WAIT, '/bin/true', 'true') == 0\n"
        "assert os.popen('echo shell').read() == 'shell\\n'\n"
        "assert subprocess.run(['echo', 'child'], capture_output=True).stdout == b'child\\n'\n"
        "print(len(done))\n"
    )
    interpreter = Path(getattr(sys, "_base_executable", sys.executable)).resolve()
    result = sysroot.start(interpreter, "-c", code)
    assert (result.stdout, result.returncode) == ("50\n", 0), result.stderr


def test_the_loader_serves_as_a_tool(packages: Fallback) -> None:
    version = packages.loader("--version")
    assert "+xsc1) " in version.stdout.splitlines()[0]
    assert packages.loader("--verify", "/bin/true").returncode == 0
    listed = packages.loader("--library-path", packages.tree / "lib", "--list", "/bin/true")
    assert "libc.so.6" in listed.stdout


def test_static_tools_run(packages: Fallback) -> None:
    assert "+xsc1) " in run([packages.tree / "sbin/ldconfig", "--version"]).stdout


def test_conversion_and_locales(packages: Fallback, tmp_path: Path) -> None:
    tree = packages.tree
    environment = [
        "env",
        f"GCONV_PATH={tree}/usr/lib/x86_64-linux-gnu/gconv",
        f"I18NPATH={tree}/usr/share/i18n",
        tree / LOADER,
        "--library-path",
        tree / LIBRARIES,
    ]
    argv = [*environment, tree / "usr/bin/iconv", "-f", "UTF-8", "-t", "UTF-7"]
    assert run(argv, input="\u00e4").stdout == "+AOQ-"
    target = tmp_path / "de_DE.UTF-8"
    run([*environment, tree / "usr/bin/localedef", "-i", "de_DE", "-f", "UTF-8", target])
    assert (target / "LC_TIME").stat().st_size > 0
