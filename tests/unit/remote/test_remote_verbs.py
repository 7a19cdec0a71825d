# SPDX-License-Identifier: MIT
"""`xsc remote`: servers by name, and jobs by step or key."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from sites import Site
from sshd_kit import Server

from xsc import bootstrap

pytestmark = pytest.mark.timeout(150)
SRC = Path(__file__).resolve().parents[3] / "src"


def xsc(site: Site, *words: str) -> subprocess.CompletedProcess[str]:
    """Run a verb with the cache and the configuration of this side."""
    argv = [sys.executable, "-I", "-c", bootstrap.START, str(SRC), *words]
    env = {
        "PATH": "/usr/bin:/bin",
        "HOME": str(site.folder),
        "XDG_CACHE_HOME": str(site.paths.cache.parent),
        "XDG_CONFIG_HOME": str(site.folder / "config"),
    }
    return subprocess.run(argv, env=env, capture_output=True, text=True)


def test_a_server_gets_a_name_when_it_answers(site: Site, server: Server) -> None:
    where = [server.address(), "--ssh-config", str(server.config)]
    done = xsc(site, "remote", "add", "lab", *where)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(f"lab: {server.address()}, ")
    status = xsc(site, "remote", "status", "lab")
    assert status.returncode == 0
    assert "lab" in status.stdout and "answers" in status.stdout
    server.stop()
    silent = xsc(site, "remote", "status", "lab")
    assert silent.returncode == 2
    assert "does not answer" in silent.stdout
    assert xsc(site, "remote", "add", "other", *where).returncode == 2
    assert "other" not in (site.folder / "config/xsc/remotes.toml").read_text()


def test_a_new_host_key_is_taken_only_on_request(site: Site, server: Server) -> None:
    server.known_hosts.write_text("")
    where = ["lab", server.address(), "--ssh-config", str(server.config)]
    assert xsc(site, "remote", "add", *where).returncode == 2
    assert server.known_hosts.read_text() == ""
    assert xsc(site, "remote", "add", *where, "--accept-new-key").returncode == 0
    assert f"[127.0.0.1]:{server.port}" in server.known_hosts.read_text()
    assert xsc(site, "remote", "status", "lab").returncode == 0


def test_a_host_that_looks_like_an_option_is_a_usage_error(site: Site) -> None:
    for words in (["add", "lab", "--", "-oProxyCommand=touch x"], ["status", "--", "-F/dev/null"]):
        done = xsc(site, "remote", *words)
        assert done.returncode == 64
        assert "no address of a build server" in done.stderr


def test_a_job_can_be_watched_left_and_fetched(site: Site) -> None:
    site.held().kill()
    running = xsc(site, "remote", "status")
    assert f"{site.server.job('far').name}  far " in running.stdout
    assert "running" in running.stdout
    early = xsc(site, "remote", "fetch", "far")
    assert early.returncode == 1 and "still runs" in early.stderr
    assert "line 39 of 40" in xsc(site, "remote", "logs", "far").stdout
    site.gate.touch()
    attached = xsc(site, "remote", "attach", site.server.job("far").name[:8])
    assert attached.returncode == 0, attached.stderr
    entry = site.entry("far")
    assert entry is not None
    log = (site.server.job("far") / "log").read_text()
    assert attached.stdout == f"{log}far: {entry.out}\n"
    assert site.log("far").decode() == log
    assert xsc(site, "remote", "fetch", "far").stdout == f"far: {entry.out}\n"


def test_a_cancelled_job_ends_the_build(site: Site) -> None:
    client = site.held()
    done = xsc(site, "remote", "cancel", "far")
    assert done.stdout == "far: cancelled\n", done.stderr
    code, text = client.end()
    assert code == 2
    assert "was cancelled" in text
    assert xsc(site, "remote", "cancel", "far").stdout == "far: did not run\n"
    assert xsc(site, "remote", "fetch", "far").returncode == 2
    site.gate.touch()
    assert site.build("far")[0] == 0


def test_an_unknown_job_is_a_usage_error(site: Site) -> None:
    done = xsc(site, "remote", "logs", "nothing")
    assert done.returncode == 64
    assert "xsc remote status" in done.stderr


def test_a_dry_run_says_where_and_asks_no_server(site: Site) -> None:
    words = ["build", "agent", "--remote", "lab.example", "--remote-min"]
    there = xsc(site, "--dry-run", *words, "0")
    assert there.returncode == 0, there.stderr
    assert there.stdout.splitlines()[-1].endswith("at lab.example")
    assert "at lab.example" not in xsc(site, "--dry-run", *words, "1000").stdout
