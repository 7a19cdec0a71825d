# SPDX-License-Identifier: MIT
"""A throw-away virtual machine as a context manager: boot once, run many commands."""

from __future__ import annotations

import math
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import TypeVar

from xsc import run as gateway
from xsc.errors import XscError
from xsc.vm import aborts, initrd, protocol
from xsc.vm.copies import Copy, bring
from xsc.vm.errors import BootTimeout, CommandTimeout, GuestRefused, LostVm, QemuAborted, QemuFailed
from xsc.vm.klog import stale_breakpoint
from xsc.vm.link import STDERR, STDOUT, Link, Sink
from xsc.vm.logtail import last_words, tail
from xsc.vm.qemu import Channels, DirectBoot, Hardware, Share, direct_argv

# Limits in seconds for KVM; the accelerator's `patience` stretches them.
BOOT_SECONDS = 30.0
POWER_OFF_SECONDS = 15.0
KILL_SECONDS = 5.0
MONITOR_SECONDS = 5.0
LOOK_SECONDS = 0.1

_M = TypeVar("_M")

INIT_ARGS = {
    "direct": ("xsc.agent=1", "xsc.init=/run/xsc/agent"),
    "systemd": ("xsc.agent=1", "xsc.init=/run/xsc/agent", "xsc.agent.init=systemd"),
}


@dataclass(frozen=True)
class MachineSpec:
    """What to boot. `boot_seconds` limits the time to the agent's hello, as it stands if given, and
    that of each copy again.

    `console` keeps the console log; without it the log is kept only if the machine is lost.
    """

    hardware: Hardware
    kernel: Path
    initrd: Path
    root: Path | None
    agent: Path
    kernel_args: tuple[str, ...] = ()
    init: str = "direct"
    shares: tuple[Share, ...] = ()
    boot_seconds: float | None = None
    console: Path | None = None
    log_dir: Path = Path(tempfile.gettempdir())
    copies: tuple[Copy, ...] = ()


@dataclass(frozen=True)
class Result:
    """How a command ended. `code` is what a shell would report: 128+n for signal n."""

    code: int
    signal: int | None
    stdout: bytes
    stderr: bytes
    seconds: float
    start_error: str | None = None
    """Why the command could not be started; `code` is 126 or 127 then."""


class Machine:
    """One virtual machine: `with Machine(spec) as vm: vm.run(["uname", "-r"])`.

    Every method raises LostVm if the guest crashes meanwhile.
    """

    def __init__(self, spec: MachineSpec) -> None:
        self.spec = spec
        self.hello: protocol.Hello | None = None
        self.boot_seconds = 0.0
        self.boots = 0
        """How many QEMUs were started: more than one if some aborted before the guest ran."""
        self._runs = 0
        self._began = 0.0
        self._out, self._err = bytearray(), bytearray()
        self._scratch = Path(tempfile.mkdtemp(prefix="xsc-vm-"))
        self._log = spec.console or self._scratch / "console.log"
        self._qemu_log = self._scratch / "qemu.log"
        self._link: Link | None = None
        self._patience = spec.hardware.accel.patience

    def __enter__(self) -> Machine:
        self.boot()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            if kind is None:
                self.power_off()
        finally:
            self.close()

    @property
    def link(self) -> Link:
        """The connection to the running QEMU."""
        if self._link is None:
            raise LostVm("the virtual machine is not running")
        return self._link

    def _start_qemu(self, channels: Channels) -> subprocess.Popen[str]:
        spec = self.spec
        image = self._scratch / "initrd"
        initrd.with_agent(spec.initrd, spec.agent, image)
        args = (*INIT_ARGS[spec.init], *spec.kernel_args)
        boot = DirectBoot(spec.kernel, image, spec.root, args)
        argv = direct_argv(spec.hardware, boot, channels, spec.shares)
        descriptors = [*channels.ports.values()]
        if channels.qmp is not None:
            descriptors.append(channels.qmp)
        with self._qemu_log.open("w") as log:
            print("+", gateway.quote(argv), file=log, flush=True)
            return gateway.spawn(argv, stdout=log, stderr=log, keep_fds=descriptors)

    def boot(self) -> None:
        """Start QEMU, wait for the agent, mount the shares and bring in the copies.

        A QEMU that aborts before the agent has answered is started again, see aborts.

        Raises BootTimeout if the agent does not answer or a copy is not made in time, GuestRefused
        if a share cannot be mounted or a copy not be made, LostVm if the kernel panics.
        """
        try:
            limit = aborts.boot_again(self._greet)
            for share in self.spec.shares:
                self._mount(share)
            for copy in self.spec.copies:
                bring(self, copy, limit)
        except BaseException:
            self.close()
            raise

    def _greet(self) -> float:
        """Start QEMU and wait for the agent's hello; return how many seconds that may take."""
        began = time.monotonic()
        self.boots += 1
        self._log.touch()
        self._link = Link(self._start_qemu, self._log)
        limit = self.spec.boot_seconds or BOOT_SECONDS * self._patience
        hello = self._expect(protocol.Hello, began + limit)
        if hello is None:
            raise self._lost(f"no answer from the guest agent within {limit:g} s", BootTimeout)
        if hello.protocol != protocol.VERSION:
            raise GuestRefused(
                f"the guest agent speaks version {hello.protocol}, not {protocol.VERSION}",
                hint="`./xsc build agent` makes one that fits",
            )
        self.hello = hello
        self.boot_seconds = time.monotonic() - began
        return limit

    def _mount(self, share: Share) -> None:
        self.link.send(protocol.mount(share.tag, share.guest))
        limit = time.monotonic() + KILL_SECONDS * self._patience
        answer = self._expect(protocol.Mounted, limit)
        if answer is None or answer.error:
            why = os.strerror(answer.error) if answer else "no answer"
            raise GuestRefused(
                f"the guest could not mount {share.host} at {share.guest}: {why}",
                hint="the guest's kernel needs 9p over virtio (CONFIG_NET_9P_VIRTIO)",
            )

    def _next(self, deadline: float) -> protocol.Message | None:
        """Return the agent's next message, or None at `deadline` (monotonic seconds)."""
        while not self.link.messages:
            if time.monotonic() >= deadline:
                return None
            self._pump(deadline)
        message = self.link.messages.popleft()
        if isinstance(message, protocol.Complaint):
            raise GuestRefused(f"the guest agent says: {message.text}")
        return message

    def _expect(self, kind: type[_M], deadline: float) -> _M | None:
        """Return the next message of `kind`, or None at `deadline`; others are passed over."""
        while (message := self._next(deadline)) is not None:
            if isinstance(message, kind):
                return message
        return None

    def _pump(self, deadline: float) -> None:
        if not self.link.running:
            raise self._lost("the virtual machine ended", LostVm)
        try:
            self.link.pump(min(1.0, deadline - time.monotonic()))
        except protocol.ProtocolError as error:
            raise self._lost(f"the guest sent nonsense: {error}", LostVm) from error

    def run(
        self,
        argv: Sequence[str],
        *,
        timeout: float | None = None,
        env: Mapping[str, str] | None = None,
        cwd: str | None = None,
        input: bytes | int | None = None,
        on_stdout: Sink | None = None,
        on_stderr: Sink | None = None,
    ) -> Result:
        """Run one command as root and return how it ended.

        `input` is its standard input: bytes, or a descriptor to read from; without it /dev/null.
        Output goes to the sinks as it comes, or else into the result. `timeout` is in seconds.

        Raises CommandTimeout, after the command was killed, and LostVm.
        """
        self.start(
            argv,
            env=env,
            cwd=cwd,
            stdin=input is not None,
            on_stdout=on_stdout,
            on_stderr=on_stderr,
        )
        if isinstance(input, bytes):
            self.link.feed(protocol.frames(self._runs, input) if input else b"")
            self.link.feed(protocol.frames(self._runs, b""))
        elif input is not None:
            self.link.forward(input, self._runs)
        return self.finish(timeout=timeout)

    def start(
        self,
        argv: Sequence[str],
        *,
        env: Mapping[str, str] | None = None,
        cwd: str | None = None,
        stdin: bool = False,
        on_stdout: Sink | None = None,
        on_stderr: Sink | None = None,
    ) -> None:
        """Start one command as run() does, for somebody who looks at it while it runs.

        finish() has to follow before the next one.
        """
        self._began = time.monotonic()
        self._runs += 1
        self._out, self._err = bytearray(), bytearray()
        link = self.link
        link.sinks = {STDOUT: on_stdout or self._out.extend, STDERR: on_stderr or self._err.extend}
        link.received = {STDOUT: 0, STDERR: 0}
        link.send(protocol.start(self._runs, argv, env=env, cwd=cwd, stdin=stdin))

    def send_signal(self, number: int) -> None:
        """Send a signal to the command that start() has started, and to its children."""
        self.link.send(protocol.kill(self._runs, number))

    def wait_until(self, condition: Callable[[], bool], seconds: float) -> bool:
        """Take in what comes until `condition` holds; False if time or the command ends before.

        The condition is looked at ten times a second, for it may be about something else.
        """
        deadline = time.monotonic() + seconds
        while not condition():
            ended = any(isinstance(m, protocol.Exit | protocol.Failed) for m in self.link.messages)
            if ended or time.monotonic() >= deadline:
                return False
            self._pump(min(deadline, time.monotonic() + LOOK_SECONDS))
        return True

    def finish(self, *, timeout: float | None = None) -> Result:
        """Wait for the end of the command; run() says what is returned and raised."""
        link, began, out, err = self.link, self._began, self._out, self._err
        try:
            ended = self._await_end(began + timeout if timeout is not None else math.inf)
        finally:
            link.unforward()
        seconds = time.monotonic() - began
        if isinstance(ended, protocol.Failed):
            code, reason = protocol.start_failure(ended.error)
            return Result(code, None, b"", b"", seconds, reason)
        number = ended.code if ended.signaled else None
        return Result(ended.exit_code, number, bytes(out), bytes(err), seconds)

    def _await_end(self, deadline: float) -> protocol.Exit | protocol.Failed:
        began = time.monotonic()
        ended = self._expect_end(deadline)
        if ended is not None:
            return ended
        self.link.send(protocol.kill(self._runs, signal.SIGKILL))
        grace = time.monotonic() + KILL_SECONDS * self._patience
        seconds = time.monotonic() - began
        what = f"the command was still running after {seconds:.0f} s and was killed"
        if self._expect_end(grace) is None:
            raise self._lost(f"{what}; the guest did not even answer to that", CommandTimeout)
        raise CommandTimeout(what)

    def _expect_end(self, deadline: float) -> protocol.Exit | protocol.Failed | None:
        """Return the end of the present run, once all its output has arrived."""
        while (message := self._next(deadline)) is not None:
            if not isinstance(message, protocol.Exit | protocol.Failed):
                continue
            if message.run != self._runs:
                continue
            if isinstance(message, protocol.Exit):
                wanted = {STDOUT: message.stdout, STDERR: message.stderr}
                while any(self.link.received[name] < count for name, count in wanted.items()):
                    self._pump(math.inf)
            return message
        return None

    def monitor(self, line: str) -> str:
        """Give `line` to QEMU's human monitor and return what that prints.

        Most commands print nothing unless they fail. Raises QemuFailed if there is no answer.
        """
        number = self.link.execute("human-monitor-command", **{"command-line": line})
        limit = MONITOR_SECONDS * self._patience
        deadline = time.monotonic() + limit
        while number not in self.link.answers:
            if time.monotonic() >= deadline:
                raise QemuFailed(f"QEMU's monitor did not answer {line!r} within {limit:g} s")
            self._pump(deadline)
        answer = self.link.answers.pop(number)
        if "error" in answer:
            raise QemuFailed(f"QEMU's monitor, {line!r}: {answer['error']['desc']}")
        return str(answer["return"]).strip()

    def power_off(self) -> None:
        """End the guest in good order. Raises LostVm if it crashes or does not end instead."""
        self.link.send(protocol.power_off())
        deadline = time.monotonic() + POWER_OFF_SECONDS * self._patience
        while self.link.running:
            self._pump(deadline)
            if time.monotonic() >= deadline:
                raise self._lost("the guest did not power off", LostVm)
        reason = self.link.shutdown_reason
        if reason != "guest-shutdown":
            raise self._lost(f"instead of powering off, the guest ended by {reason}", LostVm)

    def _lost(self, what: str, kind: type[XscError]) -> XscError:
        """Make the error for a machine that is gone: why QEMU ended and the end of the console."""
        link = self.link
        if not link.running:
            how = gateway.describe_exit(link.status or 0)
            what += f" (QEMU: {how}, reason {link.shutdown_reason or 'unknown'})"
            if link.shutdown_reason is None and self.hello is None:
                return self._failed()
            if assertion := aborts.failed_assertion(link.status, tail(self._qemu_log)):
                what += f"\n{assertion}"
        link.close()
        kept = self._keep_log()
        self.close()
        text = last_words(kept)
        what += f"\nend of the guest's console:\n{text}" if text else "\nthe console is empty"
        hint = f"the whole console is in {kept}"
        if stale_breakpoint(text):
            hint += "; it has the marks of a fault of QEMU before 8.1: see docs/testing.md"
        return kind(what, hint=hint)

    def _failed(self) -> XscError:
        """Make the error for a QEMU that ended before the guest ran: its words, its command."""
        command, _, words = tail(self._qemu_log).partition("\n")
        status = self.link.status
        self.link.close()
        if assertion := aborts.failed_assertion(status, words):
            return QemuAborted(f"QEMU aborted: {assertion}", hint=aborts.HINT)
        self.close()
        return QemuFailed(
            f"QEMU ended at once: {words.strip()}", hint=f"its command was: {command[2:]}"
        )

    def _keep_log(self) -> Path:
        if self.spec.console is not None:
            return self.spec.console
        stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
        kept = self.spec.log_dir / f"vm-lost-{stamp}-{os.getpid()}.log"
        kept.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(self._log, kept)
        return kept

    def close(self) -> None:
        """End the virtual machine at once, whatever it does, and delete its scratch files."""
        if self._link is not None:
            self._link.close()
            self._link = None
        shutil.rmtree(self._scratch, ignore_errors=True)
