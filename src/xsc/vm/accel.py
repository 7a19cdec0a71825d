# SPDX-License-Identifier: MIT
"""Which accelerator QEMU can really use here.

A /dev/kvm that opens proves nothing: under some hypervisors guests hang in it, crawl, or are
stopped at an instruction that nobody emulates. So a guest of one boot sector (probe.S) has to run,
within a time that any working KVM beats by an order of magnitude.
The answer holds until the machine is rebooted and is kept in the cache directory.
"""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

from xsc.errors import InfraError, UsageError
from xsc.paths import cache_home
from xsc.run import run
from xsc.vm import tsc

QEMU = "qemu-system-x86_64"
PROBE_SECONDS = 2.0
ENVIRONMENT = "XSC_ACCEL"

# probe.S, assembled; a test does that again and compares.
_BOOT_CODE = bytes.fromhex(
    "fafc6631c08ed88ec0bf0010b9000c66f3abc70600100320c70600200330c606003083b0200f22e0b800100f"
    "22d866b9800000c00f320d00010f300f20c0660d010000800f22c00f01168d7cea517c080031c00fa283f807"
    "7213b80700000031c90fa2f6c7017405c4e271f7c7b980f0fa02ffc975fcb020e6f4f4ebfd00000000000000"
    "0000000000009a20000f007d7c0000"
)
_BOOT_EXIT = 65

# TCG lacks these of the model; naming them keeps QEMU's warnings out of the output.
_TCG_LACKS = (
    "rdseed",
    "sha-ni",
    "fxsr-opt",
    "misalignsse",
    "3dnowprefetch",
    "osvw",
    "topoext",
    "nrip-save",
    "xsavec",
)


@dataclass(frozen=True)
class Accel:
    """An accelerator and why it was chosen (`reason` is empty when nothing had to be given up)."""

    name: str
    reason: str = ""
    tsc_khz: int = 0
    """Frequency of the guest's time stamp counter, if the guest should be told."""

    @property
    def patience(self) -> float:
        """Factor by which time limits made for KVM are stretched."""
        return 1.0 if self.name == "kvm" else 10.0

    @property
    def cpu(self) -> str:
        """The CPU model to use when the user names none.

        Under TCG a named model: `max` changes with QEMU and was the slowest of those measured. One
        of AMD's: for Intel's of that age Linux isolates its page tables, and then each entry into
        the kernel empties the emulated TLB (getppid took 17 us instead of 1, a boot five times as
        long).
        """
        if self.name == "kvm":
            return "host"
        return ",".join(["EPYC", *(f"-{feature}" for feature in _TCG_LACKS)])

    @property
    def argv(self) -> list[str]:
        """QEMU's arguments that select it."""
        return ["-accel", "kvm" if self.name == "kvm" else "tcg,thread=multi"]

    def describe(self) -> str:
        """One sentence for people."""
        if self.name == "kvm":
            return "KVM works here"
        return f"no KVM ({self.reason}): emulating, which is about ten times slower"


def boot_sector() -> bytes:
    """Return a sector that a BIOS boots and that makes isa-debug-exit end QEMU with code 65."""
    return _BOOT_CODE.ljust(510, b"\0") + b"\x55\xaa"


def runs_a_guest(accel: str, seconds: float = PROBE_SECONDS) -> bool:
    """Boot the one-sector guest under the QEMU accelerator `accel`; say if it ran in time."""
    with tempfile.NamedTemporaryFile(prefix="xsc-probe-") as disk:
        disk.write(boot_sector())
        disk.truncate(1 << 20)
        disk.flush()
        argv = [QEMU, "-nodefaults", "-no-user-config", "-display", "none", "-no-reboot"]
        argv += ["-machine", "pc", "-accel", accel, "-cpu", "max", "-m", "16"]
        argv += ["-device", "isa-debug-exit,iobase=0xf4,iosize=4"]
        argv += ["-drive", f"file={disk.name},format=raw,if=ide,snapshot=on"]
        try:
            return run(argv, check=False, timeout=seconds).returncode == _BOOT_EXIT
        except InfraError as error:
            if "no end after" in error.message:
                return False
            raise


def _silent(text: str) -> None:
    del text


def _boot_id() -> str:
    return Path("/proc/sys/kernel/random/boot_id").read_text().strip()


def _emulation(reason: str) -> Accel:
    return Accel("tcg", reason, tsc.frequency_khz())


def emulator(reason: str) -> Accel:
    """Return emulation, for what KVM cannot do, whether it works here or not.

    Raises UsageError if XSC_ACCEL asks for KVM.
    """
    if os.environ.get(ENVIRONMENT) == "kvm":
        raise UsageError(
            f"this needs emulation ({reason}), and {ENVIRONMENT} is kvm",
            hint=f"unset {ENVIRONMENT}, or set it to tcg",
        )
    return _emulation(reason)


def _try_kvm(device: Path) -> Accel:
    if not device.exists():
        return _emulation(f"{device} does not exist")
    if not os.access(device, os.R_OK | os.W_OK):
        return _emulation(f"no permission to open {device}")
    if not runs_a_guest("kvm"):
        return _emulation(f"a guest of 512 bytes did not get through within {PROBE_SECONDS:g} s")
    return Accel("kvm")


def _load(cache: Path, boot_id: str) -> Accel | None:
    try:
        record = json.loads(cache.read_text())
        if record["boot_id"] == boot_id and record["uid"] == os.getuid():
            facts = record["accel"]
            return Accel(facts["name"], facts["reason"], facts["tsc_khz"])
    except (OSError, ValueError, KeyError, TypeError):
        pass
    return None


def _save(cache: Path, boot_id: str, accel: Accel) -> None:
    record = {"boot_id": boot_id, "uid": os.getuid(), "accel": asdict(accel)}
    try:
        cache.parent.mkdir(parents=True, exist_ok=True)
        scratch = cache.with_suffix(f".{os.getpid()}")
        scratch.write_text(json.dumps(record))
        scratch.replace(cache)
    except OSError:
        # A cache that cannot be written costs two seconds next time, nothing else.
        pass


def probe(
    say: Callable[[str], None] = _silent,
    *,
    device: Path = Path("/dev/kvm"),
    cache: Path | None = None,
) -> Accel:
    """Return the accelerator to use; the environment variable XSC_ACCEL=kvm|tcg overrides it.

    `say` is told the outcome when it was tried out, which is once per boot of this machine.

    Raises UsageError for another value of XSC_ACCEL and InfraError if QEMU is missing.
    """
    forced = os.environ.get(ENVIRONMENT, "")
    if forced == "kvm":
        return Accel("kvm")
    if forced == "tcg":
        return _emulation(f"{ENVIRONMENT}=tcg")
    if forced:
        raise UsageError(f"{ENVIRONMENT} is {forced!r}", hint="set it to kvm or tcg, or unset it")
    cache = cache if cache is not None else cache_home() / "accel.json"
    boot_id = _boot_id()
    known = _load(cache, boot_id)
    if known is not None:
        return known
    accel = _try_kvm(device)
    _save(cache, boot_id, accel)
    say(accel.describe())
    return accel
