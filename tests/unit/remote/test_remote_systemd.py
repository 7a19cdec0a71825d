# SPDX-License-Identifier: MIT
"""A server whose user lingers: jobs are units of a real systemd of that user."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from sites import Site
from sshd_kit import Server, running, wait_until

pytestmark = pytest.mark.timeout(150)
SYSTEMD = "/lib/systemd/systemd"
# Only in this mount namespace was the machine booted with systemd, and does root linger.
NAMESPACE = r"""
mount -t tmpfs tmpfs /run
mount -t tmpfs tmpfs /var/lib/systemd
mkdir -p /run/systemd/system /run/sshd /run/user/0 /var/lib/systemd/linger
chmod 700 /run/user/0
touch /var/lib/systemd/linger/root
export XDG_RUNTIME_DIR=/run/user/0
env -i HOME="$HOME" PATH="$PATH" XDG_RUNTIME_DIR=/run/user/0 /lib/systemd/systemd --user &
until systemctl --user show-environment >/dev/null 2>&1; do sleep 0.05; done
exec "$@"
"""


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    """A server with a systemd of the user."""
    possible = os.geteuid() == 0 and Path(SYSTEMD).exists()
    if not possible or subprocess.run(["unshare", "--mount", "true"]).returncode != 0:
        pytest.skip("a systemd of its own needs root, and a container that allows namespaces")
    wrapper = ("unshare", "--mount", "sh", "-euc", NAMESPACE, "sh")
    with running(Server(tmp_path / "server", wrapper)) as listening:
        yield listening


def unit_of(job: Path) -> str:
    """Return the control groups of a job."""
    return Path(f"/proc/{(job / 'pid').read_text().strip()}/cgroup").read_text()


def test_a_job_is_a_unit_and_outlives_its_session(site: Site) -> None:
    site.held().kill()
    job = site.server.job("far")
    assert f"xsc-{job.name}.service" in unit_of(job)
    again = site.start("far")
    site.gate.touch()
    code, text = again.end()
    assert code == 0, text
    assert site.runs() == ["far"]
    wait_until(lambda: not Path(f"/proc/{(job / 'pid').read_text().strip()}").exists(), "the end")


def test_a_unit_that_was_killed_is_started_again_under_its_name(site: Site) -> None:
    client = site.held()
    job = site.server.job("far")
    os.kill(int((job / "pid").read_text()), 9)
    wait_until(lambda: site.runs() == ["far", "far"], "the second attempt")
    assert f"xsc-{job.name}.service" in unit_of(job)
    site.gate.touch()
    code, text = client.end()
    assert code == 0, text
