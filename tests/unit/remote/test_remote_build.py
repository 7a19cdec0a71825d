# SPDX-License-Identifier: MIT
"""Steps made on a server that stays: what comes back, and what is refused."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from sites import Site
from sshd_kit import Server, wait_until

pytestmark = pytest.mark.timeout(150)


def test_an_output_comes_back_as_it_was(site: Site) -> None:
    site.gate.touch()
    code, text = site.build("far")
    assert code == 0, text
    assert site.runs() == ["far"]
    entry = site.entry("far")
    assert entry is not None
    assert (entry.out / "text").read_text() == "SOME TEXT\n"
    assert os.access(entry.out / "tool", os.X_OK) and not os.access(entry.out / "text", os.X_OK)
    assert os.readlink(entry.out / "link") == "text"
    assert (entry.out / "empty").is_dir()
    assert (site.paths.links / "far").resolve() == entry.out.resolve()
    assert site.log("far") == (site.server.job("far") / "log").read_bytes()
    assert b"line 39 of 40" in (site.paths.logs / "far.log").read_bytes()


def test_short_steps_are_made_here_from_what_has_come_back(site: Site) -> None:
    site.gate.touch()
    code, text = site.build("top")
    assert code == 0, text
    assert sorted(site.runs()) == ["far", "near", "top"]
    entry = site.entry("top")
    assert entry is not None and (entry.out / "text").read_text() == "SOME TEXT\ntop\n"
    assert len(list(site.server.base.glob("jobs/*"))) == 1


def test_what_is_there_asks_no_server(site: Site) -> None:
    site.gate.touch()
    assert site.build("far")[0] == 0
    site.server.stop()
    code, text = site.build("far")
    assert (code, text) == (0, "")
    assert site.runs() == ["far"]


def test_two_machines_share_one_job(site: Site, tmp_path: Path) -> None:
    clients = [site.start("far", cache=tmp_path / name / "xsc") for name in ("one", "two")]
    arrived = [tmp_path / name / "xsc" / "remote" / "jobs" for name in ("one", "two")]
    wait_until(lambda: all(list(folder.glob("*/log")) for folder in arrived), "both logs")
    site.gate.touch()
    for client in clients:
        code, text = client.end()
        assert code == 0, text
    assert site.runs() == ["far"]


def test_a_step_that_fails_there_has_failed(site: Site) -> None:
    code, text = site.build("broken")
    assert code == 1
    assert "step 'broken': exit code 3" in text
    assert f"{site.paths.logs}/broken.log" in text
    assert "it says why" in (site.paths.logs / "broken.log").read_text()
    assert site.build("broken")[0] == 1
    assert site.runs() == ["broken", "broken"]


def test_a_server_that_would_make_something_else_is_refused(site: Site) -> None:
    code, text = site.build("odd")
    assert code == 2
    assert "parameter cache changed" in text
    assert site.runs() == []


def test_a_damaged_checkout_is_sent_again(site: Site) -> None:
    site.gate.touch()
    assert site.build("far")[0] == 0
    (tree,) = (site.server.base / "trees").iterdir()
    stamp = (tree / "input").stat()
    (tree / "input").write_text("SOME TEXT\n")
    os.utime(tree / "input", ns=(stamp.st_atime_ns, stamp.st_mtime_ns))
    tree.rename(tree.with_suffix(".part"))
    code, text = site.build("big")
    assert code == 0, text
    assert (tree / "input").read_text() == "some text\n"


def test_the_job_has_nothing_of_this_sides_environment(site: Site) -> None:
    site.gate.touch()
    assert site.build("far")[0] == 0
    (store,) = site.server.base.glob("cache/xsc/store/*/manifest.json")
    assert site.paths.store not in store.parents


@pytest.mark.parametrize("policy", ["wait", "fallback-local"])
def test_a_changed_host_key_stops_everything(site: Site, server: Server, policy: str) -> None:
    server.stop()
    server.new_host_key()
    server.start()
    known = server.known_hosts.read_text()
    code, text = site.build("far", policy=policy)
    assert code == 2
    assert "host key" in text and "is not the one in known_hosts" in text
    assert f"ssh-keygen -R '[127.0.0.1]:{server.port}'" in text
    assert server.known_hosts.read_text() == known
    assert site.runs() == []


def test_an_unknown_host_key_is_not_taken(site: Site, server: Server) -> None:
    server.known_hosts.write_text("")
    code, text = site.build("far")
    assert code == 2
    assert "--accept-new-key" in text
    assert server.known_hosts.read_text() == ""


def test_a_server_that_lets_nobody_in_is_no_server_to_wait_for(site: Site, server: Server) -> None:
    (server.folder / "authorized_keys").write_text("")
    code, text = site.build("far")
    assert code == 2
    assert "does not let this user in" in text and "ssh-copy-id" in text


def test_a_shell_that_talks_is_named(site: Site, server: Server) -> None:
    key = (server.folder / "client.pub").read_text()
    loud = 'command="echo welcome; eval \\"$SSH_ORIGINAL_COMMAND\\""'
    (server.folder / "authorized_keys").write_text(f"{loud} {key}")
    code, text = site.build("far")
    assert code == 2
    assert "welcome" in text and "silent" in text
