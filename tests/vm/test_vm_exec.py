# SPDX-License-Identifier: MIT
"""`xsc vm exec` and the machines behind it: verdicts, streams, shares and every way to end."""

from __future__ import annotations

import hashlib
import json
import math
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from vmkit import Built, Setting, specification

from xsc.config import Settings
from xsc.vm.copies import Copy
from xsc.vm.errors import CommandTimeout, GuestRefused, LostVm
from xsc.vm.machine import Machine, MachineSpec
from xsc.vm.qemu import Share

pytestmark = [pytest.mark.vm, pytest.mark.timeout(400)]

MEBIBYTE = 1 << 20
# Overhead allowed by the requirements, in seconds under emulation.
OVERHEAD = 15.0

ExecCli = Callable[..., "subprocess.CompletedProcess[bytes]"]
ArgvOf = Callable[[list[str], list[str]], list[str]]
MakeSpec = Callable[..., MachineSpec]

# No programs of other tests in it: what is here is about the machine alone.
BARE = Setting(steps=())


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> list[Share]:
    """Two host directories that the module's machine mounts."""
    first, second = (tmp_path_factory.mktemp(name) for name in ("first", "se,cond"))
    return [
        Share(first, "/mnt/first", "xsc-share0"),
        Share(second, "/a/path/not/there", "xsc-share1"),
    ]


@pytest.fixture(scope="module")
def make_spec(built: Built, tmp_path_factory: pytest.TempPathFactory) -> MakeSpec:
    """A function that describes a machine, with fields of MachineSpec to change."""
    logs = tmp_path_factory.mktemp("logs")

    def make(setting: Setting = BARE, **changes: object) -> MachineSpec:
        spec = specification(setting, built, Path("/nonexistent"))
        changes = {"console": None, "log_dir": logs, **changes}
        return replace(spec, **changes)  # type: ignore[arg-type]

    return make


@pytest.fixture(scope="module")
def copied(tmp_path_factory: pytest.TempPathFactory) -> Copy:
    """A host directory of which the module's machine has a copy."""
    folder = tmp_path_factory.mktemp("copied")
    (folder / "big").write_bytes(bytes(range(256)) * 40_000)
    (folder / "raised").write_text("#!/bin/sh\n")
    (folder / "raised").chmod(0o4711)
    (folder / "link").symlink_to("big")
    return Copy(folder, "/opt/a copy/of it")


@pytest.fixture(scope="module")
def vm(make_spec: MakeSpec, shared: list[Share], copied: Copy) -> Iterator[Machine]:
    """One machine for all tests that leave it in order."""
    with Machine(make_spec(shares=tuple(shared), copies=(copied,))) as machine:
        yield machine


@pytest.fixture(scope="module")
def argv_of(
    make_spec: MakeSpec, settings: Settings, tmp_path_factory: pytest.TempPathFactory
) -> ArgvOf:
    """A function from options and command to the command line of `xsc vm exec`."""
    spec = make_spec()
    files = {
        "--kernel-image": spec.kernel,
        "--initrd": spec.initrd,
        "--root": spec.root,
        "--agent": spec.agent,
    }
    words = [str(word) for pair in files.items() for word in pair]
    # Nothing is built: the directory is for the logs of machines that are to be lost.
    words += ["--build-dir", str(tmp_path_factory.mktemp("build"))]

    def argv(options: list[str], command: list[str]) -> list[str]:
        return [str(settings.paths.root / "xsc"), "vm", "exec", *words, *options, "--", *command]

    return argv


@pytest.fixture(scope="module")
def cli(argv_of: ArgvOf) -> ExecCli:
    """Run `xsc vm exec OPTIONS... -- CMD...` as a user would."""

    def run(
        options: list[str], command: list[str], stdin: bytes | None = None, seconds: float = 300
    ) -> subprocess.CompletedProcess[bytes]:
        return subprocess.run(
            argv_of(options, command),
            input=stdin,
            stdin=None if stdin is not None else subprocess.DEVNULL,
            capture_output=True,
            timeout=seconds,
            check=False,
        )

    return run


def test_it_is_root_in_a_machine_of_its_own(vm: Machine) -> None:
    result = vm.run(["sh", "-c", "id -u; echo $PPID; hostname"], timeout=60)
    assert result.stdout == b"0\n1\nxsc\n"


@pytest.mark.parametrize("code", [0, 1, 2, 64, 124, 125, 255])
def test_exit_codes(vm: Machine, code: int) -> None:
    result = vm.run(["sh", "-c", f"exit {code}"], timeout=60)
    assert (result.code, result.signal) == (code, None)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSEGV, signal.SIGTERM])
def test_signals(vm: Machine, number: signal.Signals) -> None:
    result = vm.run(["sh", "-c", f"kill -{int(number)} $$"], timeout=60)
    assert (result.code, result.signal) == (128 + number, number)


def test_the_guests_clock_keeps_pace_with_the_hosts(vm: Machine) -> None:
    """The guest is told how fast its counter runs; what it finds out by itself may be far off."""

    def clocks() -> tuple[float, float]:
        began = time.monotonic()
        guest = float(vm.run(["cut", "-d ", "-f1", "/proc/uptime"], timeout=60).stdout)
        return (began + time.monotonic()) / 2, guest

    host, guest = clocks()
    time.sleep(10)
    host_later, guest_later = clocks()
    assert guest_later - guest == pytest.approx(host_later - host, rel=0.1)


def test_a_megabyte_of_binary_on_each_stream(vm: Machine) -> None:
    """The guest hashes what it sends, so that nothing has to be assumed about it."""
    script = (
        f"head -c {MEBIBYTE} /dev/urandom >/tmp/a; head -c {MEBIBYTE} /dev/urandom >/tmp/b;"
        "sha256sum /tmp/a /tmp/b | cut -d' ' -f1 >/tmp/sums; cat /tmp/b >&2 & cat /tmp/a; wait"
    )
    result = vm.run(["sh", "-c", script], timeout=120)
    sums = vm.run(["cat", "/tmp/sums"], timeout=60).stdout.decode().split()
    found = [hashlib.sha256(stream).hexdigest() for stream in (result.stdout, result.stderr)]
    assert found == sums


def test_input_reaches_the_command(vm: Machine) -> None:
    data = os.urandom(MEBIBYTE)
    result = vm.run(["sha256sum"], input=data, timeout=120)
    assert result.stdout.decode().split()[0] == hashlib.sha256(data).hexdigest()


def test_fifty_commands_in_one_machine(vm: Machine) -> None:
    began = time.monotonic()
    for index in range(50):
        result = vm.run(["sh", "-c", f"echo {index}; exit {index}"], timeout=60)
        assert (result.code, result.stdout) == (index, f"{index}\n".encode())
    # A boot for each would take minutes.
    assert time.monotonic() - began < 60


def test_shares_are_read_write_both_ways(vm: Machine, shared: list[Share]) -> None:
    for index, share in enumerate(shared):
        (share.host / "from-host").write_bytes(b"host\n")
        script = "cat from-host && printf guest >from-guest && mkdir d && ln -s x d/link && sync"
        result = vm.run(["sh", "-c", script], cwd=share.guest, timeout=60)
        assert (result.code, result.stdout) == (0, b"host\n"), result.stderr
        assert (share.host / "from-guest").read_bytes() == b"guest"
        assert os.readlink(share.host / "d" / "link") == "x"
        (share.host / "from-host").write_bytes(f"changed {index}\n".encode())
        result = vm.run(["cat", f"{share.guest}/from-host"], timeout=60)
        assert result.stdout == f"changed {index}\n".encode()


def test_a_copy_is_the_guests_own(vm: Machine, copied: Copy) -> None:
    script = "stat -c '%a %U %F' raised link && sha256sum big && echo x > big"
    done = vm.run(["sh", "-c", script], cwd=copied.guest, timeout=60)
    sum_of = hashlib.sha256((copied.host / "big").read_bytes()).hexdigest()
    assert done.stdout.decode().splitlines() == [
        "4711 root regular file",
        "777 root symbolic link",
        f"{sum_of}  big",
    ], done.stderr
    assert (copied.host / "big").stat().st_size == 256 * 40_000


def test_a_copy_that_cannot_be_made_is_named(make_spec: MakeSpec, copied: Copy) -> None:
    spec = make_spec(copies=(replace(copied, guest="/proc/none"),))
    with pytest.raises(GuestRefused, match=f"{copied.host} to /proc/none: .*"), Machine(spec):
        pass


def test_programs_on_a_share_run_and_can_be_mapped(vm: Machine, shared: list[Share]) -> None:
    script = "cp /bin/true . && ./true && cp /bin/true big && cmp true big"
    assert vm.run(["sh", "-c", script], cwd=shared[0].guest, timeout=60).code == 0


def test_the_loopback_and_the_kernel_s_file_systems_are_there(vm: Machine) -> None:
    script = (
        "set -e; ip -o addr show lo | grep -q 127.0.0.1; test -c /dev/ptmx; test -d /dev/shm;"
        "test -f /sys/fs/cgroup/cgroup.procs; test -e /proc/self/status; touch /tmp/x /run/x"
    )
    result = vm.run(["sh", "-ec", script], timeout=60)
    assert result.code == 0, result.stderr


def test_orphans_are_reaped(vm: Machine) -> None:
    vm.run(["sh", "-c", "(sleep 0.2 &) ; (sleep 0.3 &)"], timeout=60)
    time.sleep(2)
    zombies = vm.run(["sh", "-c", "grep -l '^State:.Z' /proc/[0-9]*/status | wc -l"], timeout=60)
    assert zombies.stdout == b"0\n"


def test_a_timeout_leaves_the_machine_usable(vm: Machine) -> None:
    with pytest.raises(CommandTimeout):
        vm.run(["sleep", "600"], timeout=2)
    assert vm.run(["echo", "alive"], timeout=60).stdout == b"alive\n"


def test_a_crash_is_a_lost_machine_and_not_a_failure(make_spec: MakeSpec) -> None:
    vm = Machine(make_spec())
    with pytest.raises(LostVm) as caught, vm:
        vm.run(["sh", "-c", "echo 1 >/proc/sys/kernel/sysrq; echo c >/proc/sysrq-trigger"])
    assert caught.value.exit_code == 125
    assert "sysrq triggered crash" in caught.value.message


def test_a_reset_behind_our_back_is_a_lost_machine(make_spec: MakeSpec) -> None:
    vm = Machine(make_spec())
    with pytest.raises(LostVm, match="guest-reset"), vm:
        vm.run(["sh", "-c", "echo 1 >/proc/sys/kernel/sysrq; echo b >/proc/sysrq-trigger"])


def test_a_panic_at_boot_is_a_lost_machine(make_spec: MakeSpec) -> None:
    # An init that does not exist and no shell to rescue it would wait; a kernel without root dies.
    vm = Machine(make_spec(kernel_args=("rdinit=/nonexistent", "root=/dev/nothing")))
    with pytest.raises(LostVm) as caught, vm:
        pass
    assert "Kernel panic" in caught.value.message


def test_systemd_is_pid_1_when_asked_for(make_spec: MakeSpec) -> None:
    with Machine(make_spec(init="systemd")) as vm:
        assert vm.run(["cat", "/proc/1/comm"], timeout=60).stdout == b"systemd\n"
        state = vm.run(["systemctl", "is-active", "multi-user.target"], timeout=60)
        assert state.stdout == b"active\n"
        # Leaving the block powers off through systemd, and fails unless that ends in good order.


@pytest.mark.parametrize("model", ["Nehalem", "qemu64", "max"])
def test_other_processors(make_spec: MakeSpec, model: str) -> None:
    """Nehalem and qemu64 have no FSGSBASE, the default model does; `max` has what QEMU has."""
    spec = make_spec()
    with Machine(replace(spec, hardware=replace(spec.hardware, cpu=model))) as vm:
        flags = vm.run(["grep", "-cw", "fsgsbase", "/proc/cpuinfo"], timeout=60)
        assert flags.stdout.strip() == (b"2" if model == "max" else b"0")
        script = "import threading as t; x = t.Thread(target=print, args=('ran',)); x.start()"
        assert vm.run(["python3", "-c", script], timeout=120).stdout == b"ran\n"
        assert vm.run(["cat", "/sys/kernel/xsc/traps"], timeout=60).stdout == b"0\n"


def test_the_command_line_end_to_end(cli: ExecCli, tmp_path: Path) -> None:
    verdict = tmp_path / "verdict.json"
    done = cli(
        ["--json-verdict", str(verdict), "--share", f"{tmp_path}:/mnt", "--env", "WORD=hello"],
        ["sh", "-c", "cat; echo err >&2; echo $WORD >/mnt/out; kill -9 $$"],
        stdin=b"\x00\xffbinary",
    )
    assert done.returncode == 137
    assert done.stdout == b"\x00\xffbinary"
    assert done.stderr.splitlines()[-1:] == [b"err"]
    assert (tmp_path / "out").read_text() == "hello\n"
    record = json.loads(verdict.read_text())
    assert (record["verdict"], record["signal"], record["exit_code"]) == ("signal", 9, 137)


def test_the_machine_around_a_command_takes_seconds(cli: ExecCli) -> None:
    """The best of three, because other work on the host is not what is measured."""
    taken = []
    while len(taken) < 3 and min(taken, default=math.inf) > OVERHEAD:
        began = time.monotonic()
        assert cli([], ["true"]).returncode == 0
        taken.append(time.monotonic() - began)
    print("seconds around a command that takes none:", [round(value, 1) for value in taken])
    assert min(taken) <= OVERHEAD


def test_a_timed_out_command_says_so(cli: ExecCli, tmp_path: Path) -> None:
    verdict = tmp_path / "verdict.json"
    done = cli(["--timeout", "2", "--json-verdict", str(verdict)], ["sleep", "600"])
    assert done.returncode == 124
    assert b"still running" in done.stderr
    assert json.loads(verdict.read_text())["verdict"] == "timeout"


def test_a_lost_machine_shows_the_end_of_its_console(cli: ExecCli, tmp_path: Path) -> None:
    verdict = tmp_path / "verdict.json"
    script = "echo 1 >/proc/sys/kernel/sysrq; echo c >/proc/sysrq-trigger"
    done = cli(["--json-verdict", str(verdict)], ["sh", "-c", script])
    assert done.returncode == 125
    assert b"sysrq triggered crash" in done.stderr
    assert json.loads(verdict.read_text())["verdict"] == "lost"


def test_a_machine_that_never_answers_is_tried_twice(cli: ExecCli, tmp_path: Path) -> None:
    verdict = tmp_path / "verdict.json"
    done = cli(["--boot-timeout", "1", "--json-verdict", str(verdict)], ["true"])
    assert done.returncode == 2
    assert done.stderr.count(b"trying once more") == 1
    record = json.loads(verdict.read_text())
    assert (record["verdict"], record["attempts"]) == ("infra", 2)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL])
def test_no_machine_survives_its_xsc(
    argv_of: ArgvOf, number: signal.Signals, tmp_path: Path
) -> None:
    console = tmp_path / "console.log"
    argv = argv_of(["--console", str(console)], ["sleep", "600"])
    # Who is killed cannot clean up.
    env = {**os.environ, "TMPDIR": str(tmp_path)}
    process = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=env)
    assert wait_until(lambda: bool(machines_with(console)), 60)
    process.send_signal(number)
    code = process.wait(timeout=30)
    assert code == (-number if number == signal.SIGKILL else 130)
    assert wait_until(lambda: not machines_with(console), 10)


def machines_with(console: Path) -> list[int]:
    """Return the ids of the QEMU processes that log to `console`."""
    needle = os.fsencode(f"path={console}")
    found = []
    for proc in Path("/proc").iterdir():
        try:
            if proc.name.isdigit() and needle in (proc / "cmdline").read_bytes():
                found.append(int(proc.name))
        except OSError:
            continue
    return found


def wait_until(condition: Callable[[], bool], seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.1)
    return True
