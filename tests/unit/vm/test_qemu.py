# SPDX-License-Identifier: MIT
"""QEMU command lines: what a machine is made of follows from what was asked for."""

from __future__ import annotations

from pathlib import Path

import pytest

from xsc.errors import UsageError
from xsc.vm import shares
from xsc.vm.accel import Accel
from xsc.vm.qemu import (
    PORTS,
    Channels,
    DirectBoot,
    Hardware,
    Share,
    direct_argv,
    share_argv,
)

TCG = Hardware(Accel("tcg", "test"))
BOOT = DirectBoot(Path("/k/bzImage"), Path("/k/initrd"), Path("/k/root,1.squashfs"), ("xsc=off",))
CHANNELS = Channels({name: 10 + i for i, name in enumerate(PORTS)}, 20, Path("/log/console"))


def value(argv: list[str], option: str) -> str:
    """Return what follows `option`, which must occur once."""
    assert argv.count(option) == 1, argv
    return argv[argv.index(option) + 1]


def values(argv: list[str], option: str) -> list[str]:
    return [argv[i + 1] for i, word in enumerate(argv) if word == option]


def test_the_guest_cannot_hang_around_after_a_panic() -> None:
    argv = direct_argv(TCG, BOOT, CHANNELS)
    assert "-no-reboot" in argv
    words = value(argv, "-append").split()
    assert {"panic=-1", "oops=panic", "tsc=reliable", "clocksource=tsc"} <= set(words)


def test_the_guest_is_told_how_fast_its_counter_runs() -> None:
    told = direct_argv(Hardware(Accel("tcg", tsc_khz=2_596_152)), BOOT, CHANNELS)
    assert "tsc_early_khz=2596152" in value(told, "-append").split()
    assert "tsc_early_khz" not in value(direct_argv(TCG, BOOT, CHANNELS), "-append")


def test_arguments_of_the_user_come_last_and_so_win() -> None:
    words = value(direct_argv(TCG, BOOT, CHANNELS), "-append").split()
    assert words[-1] == "xsc=off"
    assert "xsc.root=/dev/vda" in words


def test_the_root_is_read_only_and_its_name_may_hold_a_comma() -> None:
    (drive,) = values(direct_argv(TCG, BOOT, CHANNELS), "-drive")
    assert "readonly=on" in drive.split(",")
    assert "file=/k/root,,1.squashfs" in drive


def test_every_port_is_connected_by_its_name() -> None:
    argv = direct_argv(TCG, BOOT, CHANNELS)
    devices = [word for word in values(argv, "-device") if word.startswith("virtserialport")]
    fields = [word.split(",") for word in values(argv, "-chardev")]
    chardevs = {words[1]: words[2] for words in fields}
    for index, name in enumerate(PORTS):
        (device,) = [word for word in devices if word.endswith(f"name={name}")]
        ident = device.split("chardev=")[1].split(",")[0]
        assert chardevs[f"id={ident}"] == f"fd={10 + index}"
    assert chardevs["id=qmp"] == "fd=20"


def test_the_console_is_a_file_and_not_the_terminal() -> None:
    argv = direct_argv(TCG, BOOT, CHANNELS)
    assert "file,id=console,path=/log/console" in values(argv, "-chardev")
    assert value(argv, "-serial") == "chardev:console"
    assert "-nographic" not in argv


@pytest.mark.parametrize(("name", "words"), [("kvm", "kvm"), ("tcg", "tcg,thread=multi")])
def test_accelerators(name: str, words: str) -> None:
    argv = direct_argv(Hardware(Accel(name)), BOOT, CHANNELS)
    assert value(argv, "-accel") == words


def test_a_named_cpu_replaces_the_default() -> None:
    assert value(direct_argv(TCG, BOOT, CHANNELS), "-cpu") == TCG.accel.cpu
    named = Hardware(TCG.accel, cpu="Nehalem", cpus=1, memory="512M")
    argv = direct_argv(named, BOOT, CHANNELS)
    assert (value(argv, "-cpu"), value(argv, "-smp"), value(argv, "-m")) == ("Nehalem", "1", "512M")


def test_without_a_root_there_is_no_disk() -> None:
    argv = direct_argv(TCG, DirectBoot(Path("k"), Path("i"), None), CHANNELS)
    assert values(argv, "-drive") == []
    assert "xsc.root" not in value(argv, "-append")


@pytest.mark.parametrize(("uid", "model"), [(0, "passthrough"), (1000, "none")])
def test_shares_work_for_root_and_for_others(uid: int, model: str) -> None:
    argv = share_argv((Share(Path("/a,b"), "/mnt", "xsc-share0"),), uid=uid)
    fsdev = value(argv, "-fsdev").replace(",,", "\0").split(",")
    assert f"security_model={model}" in fsdev
    assert "path=/a\0b" in fsdev
    assert value(argv, "-device").endswith("mount_tag=xsc-share0")


def test_a_share_is_two_paths(tmp_path: Path) -> None:
    assert shares.parse(f"{tmp_path}:/mnt/x", 2) == Share(tmp_path, "/mnt/x", "xsc-share2")


def test_the_last_colon_separates(tmp_path: Path) -> None:
    odd = tmp_path / "a:b"
    odd.mkdir()
    assert shares.parse(f"{odd}:/x", 0).host == odd


@pytest.mark.parametrize("text", ["", ":", "{d}", "{d}:", ":/x", "{d}:x", "{d}:/", "{d}:/a/../b"])
def test_wrong_shares_are_usage_errors(text: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError) as caught:
        shares.parse(text.format(d=tmp_path), 0)
    assert caught.value.exit_code == 64
    assert caught.value.hint


def test_a_share_of_something_that_is_no_directory_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for name in ("file", "missing"):
        with pytest.raises(UsageError, match="no directory"):
            shares.parse(f"{tmp_path / name}:/x", 0)


def test_two_shares_cannot_lie_on_each_other(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="same guest path"):
        shares.parse_all([f"{tmp_path}:/x", f"{tmp_path}:/x"])
