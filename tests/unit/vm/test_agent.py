# SPDX-License-Identifier: MIT
"""The agent and the host's half of the conversation, on this machine instead of in a guest.

The agent is the real one. It gets sockets instead of virtio-serial ports, and it is not PID 1.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from xsc import run as gateway
from xsc.vm import machine, protocol
from xsc.vm.aborts import MOST_BOOTS
from xsc.vm.accel import Accel
from xsc.vm.errors import CommandTimeout, LostVm, QemuAborted, QemuFailed
from xsc.vm.machine import Machine, MachineSpec
from xsc.vm.qemu import PORTS, Channels, Hardware

SOURCE = Path(__file__).resolve().parents[3] / "guest" / "agent"

# Writes `$1` bytes that depend on `$2` to standard output.
NOISE = "head -c $1 /dev/zero | openssl enc -aes-128-ctr -nosalt -pass pass:$2 2>/dev/null"


class HostMachine(Machine):
    """A machine whose `QEMU` is the agent itself."""

    def _start_qemu(self, channels: Channels) -> subprocess.Popen[str]:
        numbers = [channels.ports[name] for name in PORTS]
        assert channels.console_log is not None
        channels.console_log.write_text("console of the test\n")
        argv = [self.spec.agent, *map(str, numbers)]
        return gateway.spawn(argv, keep_fds=numbers)


@pytest.fixture(scope="session")
def agent(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The agent, with the sanitizers where it crosses memory limits."""
    target = tmp_path_factory.mktemp("agent") / "xsc-agent"
    flags = ["-std=gnu11", "-g", "-O1", "-Wall", "-Wextra", "-Werror", "-fsanitize=address"]
    sources = sorted(SOURCE.glob("*.c"))
    assert sources
    gateway.run(["gcc", *flags, "-o", target, *sources])
    return target


@pytest.fixture
def spec(agent: Path, tmp_path: Path) -> MachineSpec:
    nothing = tmp_path / "nothing"
    return MachineSpec(
        Hardware(Accel("kvm")), nothing, nothing, None, agent, boot_seconds=20, log_dir=tmp_path
    )


@pytest.fixture
def vm(spec: MachineSpec) -> Iterator[Machine]:
    started = HostMachine(spec)
    started.boot()
    yield started
    started.close()


def shell(vm: Machine, text: str, *words: str) -> machine.Result:
    return vm.run(["sh", "-c", text, "sh", *words], timeout=30)


@pytest.mark.parametrize("code", [0, 1, 2, 77, 124, 125, 255])
def test_exit_codes_pass_through(vm: Machine, code: int) -> None:
    result = shell(vm, f"exit {code}")
    assert (result.code, result.signal) == (code, None)


@pytest.mark.parametrize("name", ["KILL", "SEGV", "TERM", "PIPE", "HUP"])
def test_signals_are_told_apart_from_exit_codes(vm: Machine, name: str) -> None:
    number = signal.Signals[f"SIG{name}"]
    result = shell(vm, f"kill -{name} $$")
    assert (result.code, result.signal) == (128 + number, number)


def test_streams_stay_apart_and_binary_output_survives(vm: Machine) -> None:
    if shutil.which("openssl") is None:
        pytest.skip("openssl makes the noise")
    size = 3 << 20
    result = shell(vm, f"( {NOISE} ) & ( {NOISE.replace('$2', 'b')} ) >&2; wait", str(size), "a")
    assert result.code == 0
    assert (len(result.stdout), len(result.stderr)) == (size, size)
    expected = gateway.run(["sh", "-c", f"{NOISE} | sha256sum", "sh", str(size), "a"])
    assert hashlib.sha256(result.stdout).hexdigest() == expected.stdout.split()[0]
    assert result.stdout != result.stderr


def test_output_arrives_while_the_command_runs(vm: Machine) -> None:
    arrivals: list[tuple[float, bytes]] = []
    vm.run(
        ["sh", "-c", "printf early; sleep 1; printf late"],
        timeout=30,
        on_stdout=lambda data: arrivals.append((time.monotonic(), data)),
    )
    assert [data for _, data in arrivals] == [b"early", b"late"]
    assert arrivals[1][0] - arrivals[0][0] > 0.5


def test_output_written_just_before_the_end_is_not_lost(vm: Machine) -> None:
    for _ in range(50):
        result = shell(vm, "head -c 70000 /dev/zero; head -c 70000 /dev/zero >&2; exec true")
        assert (len(result.stdout), len(result.stderr)) == (70000, 70000)


def test_input_of_bytes(vm: Machine) -> None:
    data = os.urandom(1 << 20)
    assert vm.run(["cat"], input=data, timeout=30).stdout == data
    assert vm.run(["cat"], input=b"", timeout=30).stdout == b""


def test_no_input_is_dev_null(vm: Machine) -> None:
    assert shell(vm, "readlink /proc/self/fd/0").stdout == b"/dev/null\n"
    assert vm.run(["cat"], timeout=30).stdout == b""


def test_input_from_a_file_and_from_a_pipe(vm: Machine, tmp_path: Path) -> None:
    data = os.urandom(300_000)
    (tmp_path / "data").write_bytes(data)
    with (tmp_path / "data").open("rb") as file:
        assert vm.run(["cat"], input=file.fileno(), timeout=30).stdout == data
    read, write = os.pipe()
    os.write(write, b"through the pipe")
    os.close(write)
    assert vm.run(["cat"], input=read, timeout=30).stdout == b"through the pipe"
    os.close(read)


def test_input_nobody_reads_does_not_reach_the_next_command(vm: Machine) -> None:
    for index in range(20):
        assert vm.run(["true"], input=os.urandom(500_000), timeout=30).code == 0
        word = f"run {index}".encode()
        assert vm.run(["cat"], input=word, timeout=30).stdout == word


def test_input_that_arrives_before_its_command(vm: Machine) -> None:
    """The ports race: here the end of the input is read long before the start message."""
    link = vm.link
    link.feed(protocol.frames(1, b""))
    link.pump(0)
    time.sleep(0.5)
    link.send(protocol.start(1, ["cat"], stdin=True))
    deadline = time.monotonic() + 10
    while not any(isinstance(message, protocol.Exit) for message in link.messages):
        assert time.monotonic() < deadline, "cat never saw the end of its input"
        link.pump(0.5)


def test_arguments_environment_and_directory(vm: Machine, tmp_path: Path) -> None:
    odd = ["a b", "", "ü", "new\nline", 'quo"te', "\\", "\udcff\udc80", "\U0001f40c"]
    result = vm.run(["printf", "%s\\0", *odd], timeout=30)
    assert result.stdout == b"".join(os.fsencode(word) + b"\0" for word in odd)
    result = vm.run(["sh", "-c", 'pwd; echo "$A"'], env={"A": "x y"}, cwd=str(tmp_path), timeout=30)
    assert result.stdout.decode() == f"{tmp_path}\nx y\n"


def test_the_environment_is_not_the_host_s(vm: Machine) -> None:
    words = vm.run(["env"], timeout=30).stdout.decode().split()
    assert {word.split("=")[0] for word in words} <= {
        *("PATH", "HOME", "USER", "LOGNAME", "SHELL", "LANG", "TERM", "PWD", "_", "SHLVL", "OLDPWD")
    }


def test_an_argument_list_of_a_megabyte(vm: Machine) -> None:
    words = [f"{index:0100}" for index in range(10_000)]
    result = vm.run(["sh", "-c", "echo $#", "sh", *words], timeout=30)
    assert result.stdout == b"10000\n"


def test_commands_that_cannot_start(vm: Machine, tmp_path: Path) -> None:
    result = vm.run(["no-such-command"])
    assert (result.code, result.start_error) == (127, "No such file or directory")
    (tmp_path / "plain").write_text("no program")
    result = vm.run([str(tmp_path / "plain")])
    assert (result.code, result.start_error) == (126, "Permission denied")
    result = vm.run(["true"], cwd="/no/such/directory")
    assert result.start_error == "No such file or directory"
    assert shell(vm, "exit 3").code == 3


def test_a_signal_mask_and_handlers_are_those_of_a_fresh_process(vm: Machine) -> None:
    status = vm.run(["grep", "^Sig[BIC]", "/proc/self/status"], timeout=30).stdout.decode()
    values = dict(line.split(":") for line in status.splitlines())
    assert {name: int(value, 16) for name, value in values.items()} == {
        "SigBlk": 0,
        "SigIgn": 0,
        "SigCgt": int(values["SigCgt"], 16),
    }


def test_no_descriptor_of_the_agent_leaks(vm: Machine) -> None:
    listing = vm.run(["ls", "/proc/self/fd"], timeout=30).stdout.split()
    # The fourth is ls reading the directory.
    assert listing == [b"0", b"1", b"2", b"3"]


def test_a_process_left_behind_does_not_hold_up_the_end(vm: Machine) -> None:
    began = time.monotonic()
    assert shell(vm, "sleep 20 & echo started").stdout == b"started\n"
    assert shell(vm, "yes & exit 4").code == 4
    assert time.monotonic() - began < 10


def test_a_timeout_kills_the_command_and_its_children_only(vm: Machine, tmp_path: Path) -> None:
    mark = tmp_path / "late"
    with pytest.raises(CommandTimeout) as caught:
        vm.run(["sh", "-c", f"(sleep 2; touch {mark}) & sleep 60"], timeout=0.5)
    assert caught.value.exit_code == 124
    assert shell(vm, "echo alive").stdout == b"alive\n"
    time.sleep(2.5)
    assert not mark.exists()


def test_many_runs_leave_no_descriptor_behind(vm: Machine) -> None:
    # A moment later the agent has closed what it needed to start the command.
    count = "sleep 0.3; ls /proc/$PPID/fd | wc -l"
    before = shell(vm, count).stdout
    for index in range(300):
        assert vm.run(["sh", "-c", f"exit {index % 200}"], timeout=30).code == index % 200
    assert shell(vm, count).stdout == before


def test_the_end_of_the_machine_is_noticed_at_once(spec: MachineSpec, tmp_path: Path) -> None:
    vm = HostMachine(spec)
    vm.boot()
    began = time.monotonic()
    with pytest.raises(LostVm) as caught:
        vm.run(["sh", "-c", "kill -KILL $PPID; sleep 10"], timeout=60)
    assert time.monotonic() - began < 10
    assert caught.value.exit_code == 125
    assert "console of the test" in caught.value.message
    assert list(tmp_path.glob("vm-lost-*.log"))


def test_a_qemu_that_cannot_start_is_quoted(spec: MachineSpec, tmp_path: Path) -> None:
    qemu = tmp_path / "qemu"
    qemu.write_text("#!/bin/sh\necho cannot set up guest memory >&2\nexit 1\n")
    qemu.chmod(0o755)
    for path in (spec.kernel, spec.initrd):
        path.touch()
    vm = Machine(spec)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("xsc.vm.qemu.QEMU", str(qemu))
        with pytest.raises(QemuFailed, match="cannot set up guest memory") as caught:
            vm.boot()
    assert caught.value.exit_code == 2
    assert str(qemu) in (caught.value.hint or "")
    assert not vm._scratch.exists()


class Aborting(HostMachine):
    """One whose QEMU runs a shell script first, which gets the agent's command as its arguments."""

    script = ""

    def _start_qemu(self, channels: Channels) -> subprocess.Popen[str]:
        numbers = [channels.ports[name] for name in PORTS]
        with self._qemu_log.open("w") as log:
            print("+ qemu", file=log, flush=True)
            argv = ["sh", "-c", self.script, "sh", self.spec.agent, *map(str, numbers)]
            return gateway.spawn(argv, stdout=log, stderr=log, keep_fds=numbers)


ABORT = '{ echo "qemu: a.c:1: f: Assertion \\`x\' failed." >&2; kill -ABRT $$; }'


def test_a_qemu_that_aborts_at_boot_is_started_again(
    spec: MachineSpec, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    vm = Aborting(spec)
    vm.script = f'mkdir {tmp_path}/once && {ABORT}; exec "$@"'
    vm.boot()
    assert shell(vm, "echo up").stdout == b"up\n"
    assert vm.boots == 2
    assert capfd.readouterr().err.count("a.c:1: f: Assertion") == 1
    vm.close()


def test_a_qemu_that_always_aborts_is_a_failure(spec: MachineSpec) -> None:
    vm = Aborting(spec)
    vm.script = ABORT
    with pytest.raises(QemuAborted, match="f: Assertion") as caught:
        vm.boot()
    assert (vm.boots, caught.value.exit_code) == (MOST_BOOTS, 2)
    assert not vm._scratch.exists()


def test_a_qemu_that_aborts_later_is_a_lost_machine_that_says_why(spec: MachineSpec) -> None:
    vm = Aborting(spec)
    vm.script = f'"$@"; {ABORT}'
    vm.boot()
    with pytest.raises(LostVm, match="f: Assertion"):
        vm.run(["sh", "-c", "kill -KILL $PPID; sleep 10"], timeout=60)
    assert vm.boots == 1


def test_a_closed_machine_says_so(vm: Machine) -> None:
    vm.close()
    with pytest.raises(LostVm):
        vm.run(["true"])


def test_nothing_is_left_on_disk(spec: MachineSpec) -> None:
    vm = HostMachine(spec)
    scratch = vm._scratch
    vm.boot()
    assert scratch.is_dir()
    vm.close()
    assert not scratch.exists()
