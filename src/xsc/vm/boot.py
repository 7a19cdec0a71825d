# SPDX-License-Identifier: MIT
"""Boots an ISO through its own boot menu, and proves that it reached a root shell.

The serial console has to be read to find the menu and the prompt: nothing else exists there yet.
It paces the conversation and nothing more. The verdict is what a command typed at the shell
writes to a virtio-serial port: a token made up for this boot, and what the kernel counted.
"""

from __future__ import annotations

import secrets
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

import pexpect

from xsc import run as gateway
from xsc.errors import InfraError, StepFailed, UsageError, XscError
from xsc.vm.aborts import HINT, boot_again, failed_assertion
from xsc.vm.console import PORT, Session, settings_copy
from xsc.vm.errors import BootTimeout, LostVm, QemuAborted
from xsc.vm.firmware import Medium, boot_argv
from xsc.vm.logtail import last_words
from xsc.vm.qemu import Channels, Hardware
from xsc.vm.terminal import ended_by_signals, kept_terminal

# Hotkeys of image/grub/grub.cfg: the entries whose kernel speaks to the serial line.
ENTRIES = {"permissive": "4", "enforcing": "5", "off": "6"}

# Seconds under KVM; the accelerator's `patience` stretches them.
MENU_SECONDS = 20.0
BOOT_SECONDS = 90.0
ANSWER_SECONDS = 4.0
POWER_OFF_SECONDS = 20.0

# UEFI copies its screen to the serial line, where GRUB writes too: every letter may come twice.
_MENU = rb"S+e+r+i+a+l+ +c+o+n+s+o+l+e+:+ +p+e+r+m"
_KERNEL = rb"Linux version [0-9]"
_PROMPT = rb"[#] (\x1b\[[0-9;?]*[a-zA-Z])*$"


@dataclass(frozen=True)
class Report:
    """What the booted system said of itself. `facts` are its lines, name to value."""

    facts: dict[str, str]
    shell_seconds: float
    total_seconds: float
    accel: str = ""
    entry: str = ""
    firmware: str = ""
    media: str = ""
    counters: dict[str, int] = field(default_factory=dict)
    """The numbers among the facts: `self.calls`, `kernel.traps` and so on."""


def question(token: str) -> str:
    """Return the command to type: it answers on the port, or without one on the console.

    The token is typed in two halves, so that the echo of the command is no answer.
    """
    half = len(token) // 2
    word = f"{token[:half]}''{token[half:]}"
    return (
        "for p in /sys/class/virtio-ports/*; do "
        f'[ "$(cat $p/name 2>/dev/null)" = {PORT} ] && P=/dev/${{p##*/}}; done; '
        f'{{ echo; echo begin-{word}; echo "uid: $(id -u)"; echo "release: $(uname -r)"; '
        'echo "cmdline: $(cat /proc/cmdline)"; sed s/^/self./ /proc/self/xsc; '
        'for f in /sys/kernel/xsc/*; do [ -f $f ] && echo "kernel.${f##*/}: $(cat $f)"; done; '
        f"echo end-{word}; }} 2>/dev/null >${{P:-/dev/tty}}"
    )


def parse_answer(text: str, token: str) -> dict[str, str] | None:
    """Return the facts between the marks of `token`, or None if they are not complete yet."""
    lines = [line.strip() for line in text.splitlines()]
    try:
        start = lines.index(f"begin-{token}")
        end = lines.index(f"end-{token}", start)
    except ValueError:
        return None
    facts = {}
    for line in lines[start + 1 : end]:
        name, separator, value = line.partition(":")
        if separator:
            facts[name.strip()] = value.strip()
    return facts


def _choose_entry(session: Session, entry: str) -> None:
    if session.expect([_MENU], MENU_SECONDS * session.patience) is None:
        raise BootTimeout("no boot menu appeared", hint="is the ISO bootable by this firmware?")
    deadline = time.monotonic() + MENU_SECONDS * session.patience
    while time.monotonic() < deadline:
        session.terminal.send(ENTRIES[entry])
        if session.expect([_KERNEL], 3.0) is not None:
            return
    raise StepFailed("the boot loader did not start the kernel")


def _ask_shell(session: Session, deadline: float) -> dict[str, str]:
    """Type the question at every prompt until it is answered."""
    token = secrets.token_hex(12)
    while (left := deadline - time.monotonic()) > 0:
        if session.expect([_PROMPT], min(left, 20.0)) is None:
            # A late kernel message may have pushed the prompt away: ask for another one.
            session.terminal.send("\r")
            continue
        # Ctrl-U: keys meant for the menu may have reached the shell.
        session.terminal.send(f"\x15{question(token)}\r")
        facts = _await_answer(session, token)
        if facts is not None:
            return facts
    raise BootTimeout("the system did not reach a root shell in time")


def _await_answer(session: Session, token: str) -> dict[str, str] | None:
    deadline = time.monotonic() + ANSWER_SECONDS * session.patience
    while time.monotonic() < deadline:
        session.expect([f"end-{token}".encode()], 0.5)
        for source in (session.read_port(), session.transcript.text()):
            facts = parse_answer(source, token)
            if facts is not None:
                return facts
    return None


def _power_off(session: Session) -> None:
    session.terminal.send("\x15poweroff\r")
    deadline = time.monotonic() + POWER_OFF_SECONDS * session.patience
    while session.process.poll() is None:
        if time.monotonic() > deadline:
            raise LostVm("the system did not power off")
        try:
            session.terminal.expect([pexpect.TIMEOUT], timeout=0.5)
        except pexpect.EOF:
            time.sleep(0.1)
    reason = session.shutdown_reason()
    if reason != "guest-shutdown":
        raise LostVm(f"instead of powering off, the machine ended by {reason}")


def _converse(
    hardware: Hardware, medium: Medium, entry: str, log: Path, seconds: float | None
) -> tuple[dict[str, str], float, float]:
    """Return what the shell answered, and the seconds until then and until the machine was off."""
    began = time.monotonic()
    session = Session(hardware, medium, log)
    try:
        _choose_entry(session, entry)
        limit = seconds or BOOT_SECONDS * session.patience
        facts = _ask_shell(session, time.monotonic() + limit)
        shell = time.monotonic() - began
        _power_off(session)
    except XscError as error:
        status, words = session.status(), session.qemu_says()
        if assertion := failed_assertion(status, words):
            raise QemuAborted(f"QEMU aborted: {assertion}", hint=HINT) from error
        if status is not None and not log.stat().st_size:
            raise InfraError(f"QEMU ended at once:\n{words}") from error
        what = f"{error.message}\nend of the console:\n{last_words(log)}"
        raise type(error)(what, hint=error.hint or f"the whole console is in {log}") from error
    finally:
        session.close()
    return facts, shell, time.monotonic() - began


def verify(
    hardware: Hardware,
    medium: Medium,
    *,
    entry: str = "permissive",
    log: Path,
    seconds: float | None = None,
) -> Report:
    """Boot `medium`, choose `entry` in its menu, ask the root shell who it is, power off.

    `seconds` limits the time from the start of the kernel to the shell. The console goes to `log`.

    A QEMU that aborts is started again, see aborts.

    Raises UsageError for an unknown entry, BootTimeout, LostVm, StepFailed if the answer is wrong.
    """
    if entry not in ENTRIES:
        raise UsageError(f"there is no menu entry {entry!r}", hint=f"one of: {', '.join(ENTRIES)}")
    log.parent.mkdir(parents=True, exist_ok=True)
    facts, shell, total = boot_again(lambda: _converse(hardware, medium, entry, log, seconds))
    _check(facts, entry)
    return Report(
        facts,
        round(shell, 1),
        round(total, 1),
        hardware.accel.name,
        entry,
        medium.firmware,
        medium.media,
        {name: int(value) for name, value in facts.items() if value.isdigit()},
    )


def _check(facts: dict[str, str], entry: str) -> None:
    if facts.get("uid") != "0":
        raise StepFailed(f"the shell does not belong to root: {facts}")
    words = facts.get("cmdline", "").split()
    if f"xsc={entry}" not in words:
        raise StepFailed(f"another menu entry was booted: {' '.join(words)}")


def interactive(hardware: Hardware, medium: Medium) -> int:
    """Boot `medium` on this terminal and return QEMU's exit code when the machine is off.

    The terminal is the guest's serial line, keys such as Ctrl-C included; Ctrl-A X quits.
    """
    print(
        f"xsc: booting {medium.iso.name}; this terminal is its serial console.\n"
        "xsc: `poweroff` ends it in good order, Ctrl-A X pulls the plug.",
        file=sys.stderr,
        flush=True,
    )
    scratch_dir = tempfile.TemporaryDirectory(prefix="xsc-boot-")
    with scratch_dir as scratch, kept_terminal(), ended_by_signals():
        argv = boot_argv(hardware, medium, Channels(), settings_copy(medium, Path(scratch)))
        argv += ["-chardev", "stdio,id=console,mux=on,signal=off"]
        argv += ["-serial", "chardev:console", "-mon", "chardev=console,mode=readline"]
        return gateway.interactive(argv)
