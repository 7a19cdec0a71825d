# SPDX-License-Identifier: MIT
"""A running system upgrades from a signed repository over HTTP, with plain apt and enforcing."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from vmkit import Built, Lab, Setting, laboratory

from xsc.__main__ import main
from xsc.config import Settings

pytestmark = [pytest.mark.vm, pytest.mark.timeout(900)]

PACKAGE = "hostname"
# The host, as QEMU's own network has it; ports of the host's loopback are reached there.
HOST, GUEST = "10.0.2.2", "10.0.2.15/24"
KEYRING = "/usr/share/keyrings/xsc-archive-keyring.gpg"
# Debian's own archives are elsewhere, and the machine has no way there.
APT = "DEBIAN_FRONTEND=noninteractive apt-get -q -o Dir::Etc::sourcelist=/dev/null"

Publish = Callable[..., str]


@pytest.fixture(scope="module")
def publish(settings: Settings, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Publish]:
    """A function that signs packages with a key of their own, serves them, and tells the address.

    It runs the commands of docs/repository.md.
    """
    # gpg-agent's socket needs a short name.
    state = Path(tempfile.mkdtemp(prefix="xsc-state-"))
    servers: list[subprocess.Popen[str]] = []
    xsc = [str(settings.paths.root / "xsc"), "--build-dir", str(settings.paths.build), "repo"]

    def start(*debs: Path) -> str:
        out = tmp_path_factory.mktemp("repository") / "tree"
        env = {**os.environ, "XDG_STATE_HOME": str(state / str(len(servers)))}
        for words in (["key", "new"], ["build", *map(str, debs), "--out", str(out)]):
            subprocess.run([*xsc, *words], env=env, check=True)
        serve = [*xsc, "serve", str(out), "--port", "0", "--quiet"]
        servers.append(subprocess.Popen(serve, stdout=subprocess.PIPE, text=True))
        stdout = servers[-1].stdout
        assert stdout is not None
        return f"http://{HOST}:{stdout.readline().rpartition(':')[2].strip()}"

    yield start
    for server in servers:
        with server:
            server.terminate()
    shutil.rmtree(state)


@pytest.fixture(scope="module")
def rebuilt(settings: Settings) -> Path:
    """Where the package is that was built from source."""
    own = ["--build-dir", str(settings.paths.build), "-j", str(settings.jobs), "--progress=plain"]
    assert main([*own, "packages", "build", PACKAGE]) == 0
    return settings.paths.links / f"package-{PACKAGE}/debs"


@pytest.fixture(scope="module")
def guest(built: Built, request: pytest.FixtureRequest) -> Iterator[Lab]:
    """A machine with a network card, in which nothing that traps lives."""
    setting = Setting(args=("xsc=enforcing", "xsc.workers=off"), steps=(), network=True)
    with laboratory(setting, built, request.session) as lab:
        card = lab.shell('basename "$(dirname /sys/class/net/*/device)"').strip()
        lab.shell(f"ip link set {card} up; ip address add {GUEST} dev {card}")
        yield lab


def version(lab: Lab) -> str:
    """Return the version of the package that the machine has."""
    return lab.shell(f"dpkg-query -W -f '${{Version}}' {PACKAGE}")


def as_debians_next(deb: Path, scratch: Path, number: str) -> Path:
    """Return a copy of a package under the version that Debian's next update would have."""
    tree = scratch / "tree"
    subprocess.run(["dpkg-deb", "--raw-extract", deb, tree], check=True)
    control = tree / "DEBIAN/control"
    lines = control.read_text().splitlines()
    kept = [line for line in lines if not line.startswith(("Version:", "Source:"))]
    control.write_text("\n".join([f"Version: {number}", *kept]) + "\n")
    made = scratch / f"{PACKAGE}_{number}_amd64.deb"
    subprocess.run(["dpkg-deb", "--root-owner-group", "--build", tree, made], check=True)
    return made


def test_it_upgrades_to_the_rebuilt_package_and_then_to_debians_next(
    guest: Lab, publish: Publish, rebuilt: Path, tmp_path: Path
) -> None:
    debian = version(guest)
    (deb,) = rebuilt.glob(f"{PACKAGE}_*.deb")
    ours = publish(rebuilt)
    source = f"deb [signed-by={KEYRING}] {ours} xsc main"
    guest.shell(
        f"busybox wget -q -O {KEYRING} {ours}/xsc-archive-keyring.gpg\n"
        f"echo '{source}' > /etc/apt/sources.list.d/xsc-repository.list\n"
        f"{APT} update; {APT} install -y xsc-archive-keyring; {APT} upgrade -y",
        300,
    )
    if "+xsc" not in debian:
        assert version(guest) == f"{debian}+b0+xsc1"
    assert "+xsc" in version(guest)
    assert guest.shell("hostname --version 2>&1; dpkg --verify hostname").startswith("hostname")

    update = as_debians_next(deb, tmp_path, f"{debian.partition('+b0+xsc')[0]}+deb12u1")
    theirs = publish(update)
    guest.shell(
        f"busybox wget -q -O /etc/apt/debian.gpg {theirs}/xsc-archive-keyring.gpg\n"
        f"echo 'deb [signed-by=/etc/apt/debian.gpg] {theirs} xsc main' "
        "> /etc/apt/sources.list.d/debian-update.list\n"
        f"{APT} update; {APT} upgrade -y",
        300,
    )
    assert version(guest) == update.name.split("_")[1]
    assert guest.shell("cat /sys/kernel/xsc/traps").strip() == "0"


def test_a_repository_of_somebody_else_under_its_name_is_refused(
    guest: Lab, publish: Publish, rebuilt: Path
) -> None:
    stranger = publish(rebuilt)
    line = f"deb [signed-by={KEYRING}] {stranger} xsc main"
    guest.shell(f"echo '{line}' > /etc/apt/sources.list.d/xsc-repository.list")
    done = guest.run(["sh", "-c", f"{APT} update --error-on=any"], 200)
    assert done.code != 0
    assert "NO_PUBKEY" in done.stdout.decode() + done.stderr.decode()
