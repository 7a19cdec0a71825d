# SPDX-License-Identifier: MIT
"""The image from inside: apt, the demonstration, the message at login."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from vmkit import Built, Lab, Setting, laboratory

pytest_plugins = ("labs",)
pytestmark = [pytest.mark.vm, pytest.mark.timeout(600)]

# The machine has no network: what is not in the image cannot be asked for.
OFFLINE = "-o Dir::Etc::sourcelist=/dev/null"


@pytest.fixture(scope="module")
def minimal(built: Built, request: pytest.FixtureRequest) -> Iterator[Lab]:
    """The profile without systemd."""
    with laboratory(Setting(profile="minimal", steps=()), built, request.session) as lab:
        yield lab


def test_the_kernel_has_the_security_modules_of_debian_that_it_promises(permissive: Lab) -> None:
    path = "/sys/kernel/security"
    permissive.shell(f"mountpoint -q {path} || mount -t securityfs none {path}")
    modules = permissive.shell(f"cat {path}/lsm").split(",")
    assert [name for name in modules if name != "capability"] == ["landlock", "yama", "apparmor"]
    own = "/proc/self/attr/apparmor/current"
    assert permissive.shell(f"cat {own}").strip() == "unconfined"
    # By the task itself, whoever executes its calls: another thread would be denied permission.
    for workers in ("force", "auto"):
        permissive.shell(f"echo {workers} > /sys/kernel/xsc/workers")
        said = permissive.shell(f"echo changeprofile none | tee {own} 2>&1 || true")
        assert "No such file or directory" in said


def test_apt_prefers_xscs_libc_to_any_newer_one(permissive: Lab) -> None:
    permissive.shell(f"apt-get {OFFLINE} update", 120)
    policy = permissive.shell("apt-cache policy libc6")
    installed = permissive.shell("dpkg-query -W -f '${Version}' libc6")
    assert f"Candidate: {installed}\n" in policy
    assert f" *** {installed} 1001\n" in policy
    # A security update in a repository of its own, with a higher version and nothing else.
    script = """
    mkdir -p /tmp/newer/DEBIAN
    dpkg-query -s libc6 | grep -vE '^(Status|Conffiles|Version|Description| )' > /tmp/control
    { cat /tmp/control; echo 'Version: 2.36-9+deb12u99'; echo 'Description: newer'; } \
        > /tmp/newer/DEBIAN/control
    mkdir -p /tmp/repository && dpkg-deb --build /tmp/newer /tmp/repository/libc6.deb
    cd /tmp/repository
    { sed '/^Description/d' /tmp/newer/DEBIAN/control; echo 'Filename: ./libc6.deb'
      echo "Size: $(stat -c %s libc6.deb)"; echo "SHA256: $(sha256sum libc6.deb | cut -d' ' -f1)"
      echo 'Description: newer'; } > Packages
    echo 'deb [trusted=yes] file:/tmp/repository ./' > /etc/apt/sources.list.d/newer.list
    """
    permissive.shell(script)
    permissive.shell(f"apt-get {OFFLINE} update", 120)
    assert "2.36-9+deb12u99 500\n" in permissive.shell("apt-cache policy libc6")
    plan = permissive.shell("apt-get --simulate dist-upgrade")
    permissive.shell("rm /etc/apt/sources.list.d/newer.list")
    assert "Inst libc6 " not in plan


def test_apt_installs_in_the_running_system(permissive: Lab) -> None:
    permissive.shell(f"apt-get {OFFLINE} update", 120)
    before = permissive.shell("dpkg-query -W -f '${Version}' libc6")
    permissive.shell("DEBIAN_FRONTEND=noninteractive apt-get install -y libc-l10n", 240)
    assert permissive.shell("dpkg-query -W -f '${Status}' libc-l10n") == "install ok installed"
    assert permissive.shell("dpkg-query -W -f '${Version}' libc6") == before


def test_the_name_service_cache_serves_other_programs(permissive: Lab) -> None:
    permissive.shell(f"apt-get {OFFLINE} update", 120)
    permissive.shell(f"DEBIAN_FRONTEND=noninteractive apt-get {OFFLINE} install -y nscd", 300)
    # Where systemd is not init, the package may have started it or not.
    permissive.shell("nscd --shutdown || true; nscd")
    looked_up = "strace -e trace=connect getent passwd root 2>&1"
    try:
        shown = permissive.shell(f"for i in 1 2 3 4 5; do {looked_up}; sleep 0.5; done")
        assert "root:x:0:0:" in shown
        assert '/nscd/socket"}, 110) = 0' in shown
        state = permissive.shell("cat /proc/$(pidof nscd)/xsc")
        assert "\ntraps: 0\n" in state
        assert int(state.split("\ncalls: ")[1].split()[0]) > 100
        assert "passwd cache:" in permissive.shell("nscd --statistics")
    finally:
        permissive.shell("nscd --shutdown")
    assert '/nscd/socket"}, 110) = 0' not in permissive.shell(looked_up)


def test_locales_can_be_made(permissive: Lab) -> None:
    # Unpacked only: the questions of the package's configuration take an emulator minutes.
    permissive.shell("dpkg-deb --extract /usr/share/xsc/repository/locales_*.deb /", 120)
    traps = permissive.shell("cat /sys/kernel/xsc/traps")
    # A small character set takes a quarter of the time of UTF-8.
    permissive.shell("echo 'de_DE ISO-8859-1' > /etc/locale.gen; locale-gen", 300)
    assert permissive.shell("LC_ALL=de_DE locale decimal_point charmap").split() == [
        ",",
        "ISO-8859-1",
    ]
    assert permissive.shell("LC_ALL=de_DE date -d 2026-05-01 +%B").strip() == "Mai"
    assert permissive.shell("cat /sys/kernel/xsc/traps") == traps


@pytest.mark.parametrize("mode", ["permissive", "enforcing"])
def test_the_demonstration_shows_no_trap(mode: str, request: pytest.FixtureRequest) -> None:
    lab: Lab = request.getfixturevalue(mode)
    shown = lab.shell("xsc-demo", 120)
    assert "calls: " in shown
    assert "4 threads and the first one: 5 windows" in shown
    assert 'write(1, "xsc' in shown
    assert "(0 of them during this demonstration)" in shown


def test_the_demonstration_needs_a_gate(switched_off: Lab) -> None:
    assert switched_off.run(["xsc-demo"]).code == 2


def test_the_demonstration_works_without_python(minimal: Lab) -> None:
    shown = minimal.shell("! command -v python3; xsc-demo", 120)
    assert "(0 of them during this demonstration)" in shown


def test_the_manual_is_there(permissive: Lab, minimal: Lab) -> None:
    for lab in (permissive, minimal):
        found = lab.shell("cd /usr/share/man; grep -l '^.TH XSC' man7/xsc.7 man1/xsc-demo.1")
        assert found.split() == ["man7/xsc.7", "man1/xsc-demo.1"]


def test_login_says_how_many_calls_went_through_the_ring(permissive: Lab, stock: Lab) -> None:
    login = "bash --login -i -c true 2>/dev/null"
    line = next(text for text in permissive.shell(login).splitlines() if "this boot" in text)
    words = line.split()
    assert int(words[words.index("ring") - 1]) > 100
    assert "0 traps" in line
    assert "kernel without XSC" in stock.shell(login)


def test_the_login_is_not_repeated_in_a_shell_of_a_shell(permissive: Lab) -> None:
    assert "this boot" not in permissive.shell("XSC_GREETED=1 bash --login -i -c true 2>/dev/null")
