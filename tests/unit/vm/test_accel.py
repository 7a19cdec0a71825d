# SPDX-License-Identifier: MIT
"""Which accelerator is believed. The probe's guest is run for real, in emulation."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

from xsc.errors import UsageError
from xsc.vm import accel
from xsc.vm.accel import Accel


@pytest.fixture(autouse=True)
def no_override(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(accel.ENVIRONMENT, raising=False)


def test_the_boot_sector_is_one() -> None:
    sector = accel.boot_sector()
    assert len(sector) == 512
    assert sector[510:] == b"\x55\xaa"


def test_the_boot_sector_is_its_source(tmp_path: Path) -> None:
    source = Path(accel.__file__).with_name("probe.S")
    subprocess.run(["as", "--64", "-o", tmp_path / "probe.o", source], check=True)
    link = ["ld", "-Ttext", "0x7c00", "-e", "0", "--oformat", "binary"]
    subprocess.run([*link, "-o", tmp_path / "probe", tmp_path / "probe.o"], check=True)
    code = (tmp_path / "probe").read_bytes()
    assert accel.boot_sector() == code.ljust(510, b"\0") + b"\x55\xaa"


def test_the_probe_wants_what_an_ordinary_guest_needs(monkeypatch: pytest.MonkeyPatch) -> None:
    """A processor that says it has an instruction and does not execute it is not enough."""
    code = accel.boot_sector()
    shlx = bytes.fromhex("c4e271f7c7")
    assert code.count(shlx) == 1
    monkeypatch.setattr(accel, "boot_sector", lambda: code.replace(shlx, b"\x0f\x0b\x90\x90\x90"))
    assert not accel.runs_a_guest("tcg", 5.0)


def test_the_probe_recognises_a_guest_that_runs() -> None:
    assert accel.runs_a_guest("tcg", 30.0)


def test_the_probe_recognises_a_guest_that_does_not_get_there(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    endless = bytes.fromhex("ebfe").ljust(510, b"\0") + b"\x55\xaa"
    monkeypatch.setattr(accel, "boot_sector", lambda: endless)
    assert not accel.runs_a_guest("tcg", 1.0)


def test_an_accelerator_qemu_does_not_have_runs_nothing() -> None:
    assert not accel.runs_a_guest("no-such-accelerator", 30.0)


def test_no_device_no_kvm(tmp_path: Path) -> None:
    found = accel.probe(device=tmp_path / "kvm", cache=tmp_path / "cache.json")
    assert found.name == "tcg"
    assert "does not exist" in found.reason


def test_a_kvm_that_hangs_is_not_used_and_is_tried_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    device = tmp_path / "kvm"
    device.touch()
    tried: list[str] = []

    def hang(name: str, seconds: float = 0) -> bool:
        tried.append(name)
        return False

    monkeypatch.setattr(accel, "runs_a_guest", hang)
    said: list[str] = []
    for _ in range(3):
        found = accel.probe(said.append, device=device, cache=tmp_path / "cache.json")
        assert found.name == "tcg"
    assert tried == ["kvm"]
    assert len(said) == 1
    assert "no KVM" in said[0]


def test_the_answer_is_forgotten_after_a_reboot(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = tmp_path / "cache.json"
    record = {"boot_id": "an earlier boot", "uid": os.getuid(), "accel": {"name": "kvm"}}
    cache.write_text(json.dumps(record))
    assert accel.probe(device=tmp_path / "none", cache=cache).name == "tcg"


@pytest.mark.parametrize("content", ["", "{", "[]", "{}", '{"boot_id": 1, "uid": 0}'])
def test_a_broken_cache_is_ignored(content: str, tmp_path: Path) -> None:
    cache = tmp_path / "cache.json"
    cache.write_text(content)
    assert accel.probe(device=tmp_path / "none", cache=cache).name == "tcg"


def test_a_cache_of_another_version_is_ignored(tmp_path: Path) -> None:
    cache = tmp_path / "cache.json"
    boot_id = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    facts = {"name": "kvm", "reason": ""}
    cache.write_text(json.dumps({"boot_id": boot_id, "uid": os.getuid(), "accel": facts}))
    assert accel.probe(device=tmp_path / "none", cache=cache).name == "tcg"


def test_an_emulated_guest_is_told_the_frequency(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    measured = [1234, 5678]
    monkeypatch.setattr(accel.tsc, "frequency_khz", lambda: measured.pop(0))
    for _ in range(2):
        found = accel.probe(device=tmp_path / "none", cache=tmp_path / "cache.json")
        assert found.tsc_khz == 1234
    monkeypatch.setenv(accel.ENVIRONMENT, "tcg")
    assert accel.probe().tsc_khz == 5678
    monkeypatch.setenv(accel.ENVIRONMENT, "kvm")
    assert accel.probe().tsc_khz == 0


def test_the_environment_overrides(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(accel.ENVIRONMENT, "kvm")
    assert accel.probe(device=tmp_path / "none", cache=tmp_path / "c").name == "kvm"
    monkeypatch.setenv(accel.ENVIRONMENT, "xen")
    with pytest.raises(UsageError):
        accel.probe()


def test_what_needs_emulation_gets_it_unless_kvm_is_asked_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    found = accel.emulator("to look inside")
    assert (found.name, found.reason) == ("tcg", "to look inside")
    monkeypatch.setenv(accel.ENVIRONMENT, "kvm")
    with pytest.raises(UsageError, match="to look inside") as caught:
        accel.emulator("to look inside")
    assert accel.ENVIRONMENT in (caught.value.hint or "")


def test_emulation_has_more_time_and_a_named_cpu() -> None:
    assert Accel("tcg").patience > Accel("kvm").patience == 1.0
    assert Accel("tcg").cpu.startswith("EPYC,")
    assert Accel("kvm").cpu == "host"
