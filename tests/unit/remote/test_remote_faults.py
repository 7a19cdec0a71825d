# SPDX-License-Identifier: MIT
"""What happens to a build when the link, a machine, a disk or a process gives way."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from farside import BIG_BYTES
from sites import Client, Site
from sshd_kit import Server, Wire, end_job, wait_until

pytestmark = pytest.mark.timeout(150)


def finish(site: Site, client: Client) -> str:
    """Let the job end, and check that the client has its output and its log, byte for byte."""
    site.gate.touch()
    code, text = client.end()
    assert code == 0, text
    assert site.entry("far") is not None
    assert site.log("far") == (site.server.job("far") / "log").read_bytes()
    return text


def flip(file: Path) -> None:
    """Change one byte of a file, neither its size nor its time."""
    stamp = file.stat()
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 1
    file.write_bytes(data)
    os.utime(file, ns=(stamp.st_atime_ns, stamp.st_mtime_ns))


# The link ----------------------------------------------------------------------------------------


def test_a_link_cut_while_an_output_arrives(site: Site, wire: Wire) -> None:
    sizes = [-1]

    def settled() -> bool:
        time.sleep(0.5)
        sizes.append(site.arrived("big", "noise"))
        return sizes[-1] == sizes[-2] > BIG_BYTES // 4

    wire.cut_after = BIG_BYTES // 2
    wire.before_cut = lambda: wait_until(settled, "an end of what was on its way")
    code, text = site.build("big", port=wire.port)
    assert code == 0, text
    assert wire.cuts == 1
    assert f"waits for {site.server.address(wire.port)}: " in text
    # What had arrived was not sent again: the rest, the first half and what goes with them.
    assert wire.bytes < BIG_BYTES * 1.5 - sizes[-1] + BIG_BYTES // 10
    assert site.runs() == ["big"]


def test_a_link_cut_while_the_log_arrives(site: Site) -> None:
    client = site.held()
    site.server.stop()
    site.server.start()
    finish(site, client)
    assert site.runs() == ["far"]


def test_a_server_that_is_down_keeps_nobody_else_waiting(site: Site) -> None:
    site.server.stop()
    client = site.start("top")
    wait_until(lambda: site.runs() == ["near"], "the step that is made here")
    host = re.escape(site.server.address())
    stuck = re.compile(rf"\n  far +{host} +waits for {host}: .*\n  top +here +waits for far\n")
    wait_until(lambda: stuck.search(client.text()), "the table")
    site.server.start()
    finish(site, client)
    assert sorted(site.runs()) == ["far", "near", "top"]


def test_policy_fallback_local_makes_it_here(site: Site) -> None:
    site.server.stop()
    site.gate.touch()
    code, text = site.build("top", policy="fallback-local")
    assert code == 0, text
    assert sorted(site.runs()) == ["far", "near", "top"]
    assert "made here instead" in text


def test_policy_skip_leaves_out_what_needs_the_server(site: Site) -> None:
    site.server.stop()
    code, text = site.build("top", policy="skip")
    assert code == 2
    assert site.runs() == ["near"]
    assert "left out: far, top" in text


# Processes and machines --------------------------------------------------------------------------


def test_a_killed_client_comes_back_to_its_job(site: Site) -> None:
    client = site.held()
    client.kill()
    again = site.start("far")
    finish(site, again)
    assert site.runs() == ["far"]


def test_a_job_that_ends_without_a_client_is_fetched_later(site: Site) -> None:
    client = site.held()
    client.kill()
    site.gate.touch()
    wait_until((site.server.job("far") / "rc").exists, "the end of the job")
    finish(site, site.start("far"))
    assert site.runs() == ["far"]


def test_a_killed_job_is_started_again(site: Site) -> None:
    client = site.held()
    end_job(site.server.job("far"))
    wait_until(lambda: site.runs() == ["far", "far"], "the second attempt")
    text = finish(site, client)
    assert "was killed: starting it again" in text


def test_a_job_that_is_killed_again_and_again_is_given_up(site: Site) -> None:
    code, text = site.build("suicide")
    assert code == 2
    assert "ended 4 times" in text
    assert site.runs() == ["suicide"] * 4


def test_a_server_that_was_started_anew_gets_the_job_again(site: Site) -> None:
    client = site.held()
    site.server.stop()
    end_job(site.server.job("far"))
    site.server.boot_id.write_text("second life\n")
    site.server.start()
    wait_until(lambda: site.runs() == ["far", "far"], "the second attempt")
    text = finish(site, client)
    assert "did not survive a restart of the server" in text
    assert (site.server.job("far") / "boot_id").read_text() == "second life\n"


# Outputs -----------------------------------------------------------------------------------------


def store_entry(site: Site, step: str) -> Path:
    """Return the output of a job in the server's store."""
    return site.server.base / "cache/xsc/store" / site.server.job(step).name


def test_an_output_that_rots_on_the_server_is_refused_and_made_again(site: Site) -> None:
    assert site.build("big")[0] == 0
    flip(store_entry(site, "big") / "out" / "noise")
    shutil.rmtree(site.paths.store)
    code, text = site.build("big")
    assert code == 0, text
    assert text.count("out/noise from") == 2
    assert "does not have its checksum: refused" in text
    assert site.runs() == ["big", "big"]


def test_an_output_that_rots_on_the_way_is_refused_and_fetched_again(site: Site) -> None:
    assert site.build("big")[0] == 0
    entry = site.entry("big")
    assert entry is not None
    arriving = site.paths.remote / "arriving" / entry.path.name
    arriving.parent.mkdir(exist_ok=True)
    entry.path.rename(arriving)
    flip(arriving / "out" / "noise")
    code, text = site.build("big")
    assert code == 0, text
    assert text.count("does not have its checksum: refused") == 1
    assert site.runs() == ["big"]


def test_a_manifest_for_other_inputs_is_refused(site: Site) -> None:
    assert site.build("big")[0] == 0
    manifest = store_entry(site, "big") / "manifest.json"
    manifest.write_text(manifest.read_text().replace('"version": 1', '"version": 2'))
    shutil.rmtree(site.paths.store)
    code, text = site.build("big")
    assert code == 0, text
    assert "manifest.json from" in text
    assert site.runs() == ["big", "big"]


# Disks -------------------------------------------------------------------------------------------


@contextmanager
def small_disk(place: Path, size: str) -> Iterator[None]:
    """Mount a file system of `size` at `place`."""
    place.mkdir(parents=True)
    argv = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(place)]
    if os.geteuid() != 0 or subprocess.run(argv, capture_output=True).returncode != 0:
        pytest.skip("only root, and not in every container, may mount a small file system")
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", str(place)], check=True)


def test_a_full_disk_of_the_server_is_named(site: Site, server: Server) -> None:
    with small_disk(server.base, "24m"):
        code, text = site.build("greedy")
        assert code == 2
        assert f"at {server.address()}: step 'greedy': the disk is full" in text
        assert site.runs() == ["greedy"]


def test_a_checkout_for_which_the_server_has_no_space(site: Site, server: Server) -> None:
    (site.paths.root / "large").write_bytes(os.urandom(6_000_000))
    with small_disk(server.base, "4m"):
        code, text = site.build("far")
        assert code == 2
        assert f"the disk of {server.address()} is full" in text


def test_a_full_disk_here_loses_nothing(site: Site) -> None:
    with small_disk(site.paths.cache, "2m"):
        code, text = site.build("big")
        assert code == 2
        assert "the disk of this machine is full" in text
        larger = ["mount", "-o", "remount,size=16m", str(site.paths.cache)]
        subprocess.run(larger, check=True)
        code, text = site.build("big")
        assert code == 0, text
        assert site.runs() == ["big"]
