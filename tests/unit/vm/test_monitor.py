# SPDX-License-Identifier: MIT
"""Looking at a command while it runs, and QEMU's monitor: the real agent beside a small QMP."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from xsc import run as gateway
from xsc.vm.accel import Accel
from xsc.vm.errors import QemuFailed
from xsc.vm.machine import Machine, MachineSpec
from xsc.vm.qemu import PORTS, Channels, Hardware

AGENT = Path(__file__).resolve().parents[3] / "guest" / "agent"

# Like QEMU it greets, wants to hear of capabilities first, and puts events between the answers.
QMP = """
import json, socket, sys
link = socket.socket(fileno=int(sys.argv[1]))
def tell(**record):
    link.sendall(json.dumps(record).encode() + b"\\n")
tell(QMP={})
ready = False
for line in link.makefile():
    request = json.loads(line)
    known = {"id": request["id"]} if "id" in request else {}
    tell(event="RTC_CHANGE", data={})
    if request["execute"] == "qmp_capabilities":
        ready = True
        tell(**{"return": {}})
    elif not ready:
        tell(error={"desc": "too early"}, **known)
    else:
        text = request["arguments"]["command-line"]
        if text == "silence":
            continue
        if text == "nonsense":
            tell(error={"desc": "unknown command"}, **known)
        else:
            tell(**{"return": f"<{text}>\\r\\n"}, **known)
"""

pytestmark = pytest.mark.skipif(shutil.which("gcc") is None, reason="gcc is not installed")


class HostMachine(Machine):
    """A machine whose `QEMU` is the agent, with a QMP of its own."""

    def _start_qemu(self, channels: Channels) -> subprocess.Popen[str]:
        numbers = [channels.ports[name] for name in PORTS]
        assert channels.qmp is not None
        words = [str(self.spec.agent), *map(str, numbers)]
        argv = ["sh", "-c", '"$1" -c "$2" "$3" & shift 3; exec "$@"', "sh"]
        argv += [sys.executable, QMP, str(channels.qmp), *words]
        return gateway.spawn(argv, keep_fds=[*numbers, channels.qmp])


@pytest.fixture(scope="module")
def agent(tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("agent") / "xsc-agent"
    gateway.run(["gcc", "-std=gnu11", "-O1", "-o", target, *sorted(AGENT.glob("*.c"))])
    return target


@pytest.fixture
def vm(agent: Path, tmp_path: Path) -> Iterator[Machine]:
    nothing = tmp_path / "nothing"
    hardware = Hardware(Accel("kvm"))
    started = HostMachine(
        MachineSpec(hardware, nothing, nothing, None, agent, boot_seconds=20, log_dir=tmp_path)
    )
    started.boot()
    yield started
    started.close()


def test_the_monitor_answers_each_command(vm: Machine) -> None:
    assert [vm.monitor(f"log {number}") for number in range(3)] == ["<log 0>", "<log 1>", "<log 2>"]


def test_a_command_that_the_monitor_refuses_is_quoted(vm: Machine) -> None:
    with pytest.raises(QemuFailed, match=r"'nonsense'.*unknown command"):
        vm.monitor("nonsense")
    assert vm.monitor("log none") == "<log none>"


def test_a_monitor_that_says_nothing_is_given_up(
    vm: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("xsc.vm.machine.MONITOR_SECONDS", 0.3)
    with pytest.raises(QemuFailed, match=r"did not answer 'silence'"):
        vm.monitor("silence")


def test_the_monitor_is_asked_while_a_command_runs(vm: Machine) -> None:
    seen = bytearray()
    script = "trap 'echo ended; exit 3' TERM; echo begun; while :; do sleep 0.05; done"
    vm.start(["sh", "-c", script], on_stdout=seen.extend)
    assert vm.wait_until(lambda: b"begun\n" in seen, 20)
    assert vm.monitor("log none") == "<log none>"
    assert seen == b"begun\n"
    vm.send_signal(signal.SIGTERM)
    assert vm.finish(timeout=20).code == 3
    assert seen == b"begun\nended\n"
    assert vm.run(["true"], timeout=20).code == 0


def test_waiting_ends_with_the_command(vm: Machine) -> None:
    began = time.monotonic()
    vm.start(["sh", "-c", "exit 5"])
    assert not vm.wait_until(lambda: False, 60)
    assert time.monotonic() - began < 30
    assert vm.monitor("log none") == "<log none>"
    assert vm.finish(timeout=20).code == 5


def test_waiting_ends_in_time(vm: Machine) -> None:
    vm.start(["sleep", "60"])
    assert not vm.wait_until(lambda: False, 0.3)
    vm.send_signal(signal.SIGKILL)
    assert vm.finish(timeout=20).signal == signal.SIGKILL
