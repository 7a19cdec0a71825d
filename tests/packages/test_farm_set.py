# SPDX-License-Identifier: MIT
"""Real packages, built by a farm of two workers, of which one is killed in the middle of one."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest

from xsc.config import Settings
from xsc.farm import processes, site
from xsc.farm.client import SUCCESS, Api
from xsc.packages.classify import ENDED
from xsc.paths import ROOT

PACKAGES = ("hostname", "libmd", "mawk")
IN_THE_MIDDLE = "xsc: phase build\n"
POLL_SECONDS = 0.1
PATIENCE_SECONDS = 1500.0
END_SECONDS = 5.0
"""For the programs of a killed worker to be gone; no package is begun and built in that time."""
RETRY = 5
"""Buildbot's number for a build that was lost with its worker and is made again."""
pytestmark = pytest.mark.timeout(2400)


@dataclass(frozen=True)
class Place:
    """A build directory, with a farm and a store of its own."""

    build: Path
    cache_home: Path
    jobs: int

    def argv(self, *words: str) -> list[str]:
        """Return a command line for this build directory."""
        own = [f"--build-dir={self.build}", f"-j{self.jobs}", "--progress=plain"]
        return [str(ROOT / "xsc"), *own, *words]

    @property
    def env(self) -> dict[str, str]:
        """The environment that makes a command use this store."""
        return {**os.environ, "XDG_CACHE_HOME": str(self.cache_home)}

    def xsc(self, *words: str) -> None:
        """Run a command line to its end, which must be a good one."""
        subprocess.run(self.argv(*words), env=self.env, check=True)

    @property
    def api(self) -> Api:
        """The farm, as its clients see it."""
        setup = site.load(self.build / "farm")
        assert setup is not None
        return Api(setup)

    def tries(self, name: str) -> list[tuple[str, int | None]]:
        """Return who the farm gave the job of a package to, in turn, and how that ended."""
        asked = "builds?property=workername&property=virtual_builder_name&order=buildid"
        rows = [(row["properties"], row["results"]) for row in self.api.get(asked)["builds"]]
        found = [(facts, end) for facts, end in rows if facts["virtual_builder_name"][0] == name]
        return [(facts["workername"][0], end) for facts, end in found]

    def log(self, name: str) -> str:
        """Return what the newest attempt at a package has written up to now."""
        file = self.build / "logs" / f"package-{name}.log"
        return file.read_text(errors="replace") if file.exists() else ""


@pytest.fixture(scope="module")
def place(
    settings: Settings, built: Callable[[str], Path], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Place]:
    """A place with what packages are built in, from the store of the tests, and no package."""
    folder = tmp_path_factory.mktemp("farm-set")
    cache = folder / "cache" / "xsc"
    (cache / "store").mkdir(parents=True)
    buildroot = built("buildroot").parent
    (cache / "store" / buildroot.name).symlink_to(buildroot)
    # Downloads, and the Python environments of the command and of Buildbot.
    for name in ("apt", "venv"):
        (settings.paths.cache / name).mkdir(exist_ok=True)
        (cache / name).symlink_to(settings.paths.cache / name)
    place = Place(folder / "build", folder / "cache", settings.jobs)
    with (
        socket.create_server(("127.0.0.1", 0)) as one,
        socket.create_server(("127.0.0.1", 0)) as two,
    ):
        ports = one.getsockname()[1], two.getsockname()[1]
    try:
        place.xsc("farm", "up", f"--port={ports[0]}", f"--worker-port={ports[1]}")
        yield place
    finally:
        place.xsc("farm", "down")


def living() -> dict[tuple[int, int], int]:
    """Return the parent of each process that has not ended, by its id and when it began."""
    found = {}
    for file in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            fields = file.read_text(errors="replace").rpartition(")")[2].split()
            if fields[0] not in "ZX":
                found[int(file.parent.name), int(fields[19])] = int(fields[1])
    return found


def descendants(ancestor: int) -> set[tuple[int, int]]:
    """Return the processes that a process has started, and those that these have."""
    alive = living()
    found: set[tuple[int, int]] = set()
    parents = {ancestor}
    while more := {key for key, up in alive.items() if up in parents} - found:
        found |= more
        parents = {pid for pid, _ in more}
    return found


def kill_a_worker(place: Place, running: Callable[[], bool]) -> tuple[str, str]:
    """Kill a worker whose package is being compiled; return the names of package and worker.

    What it had started must end with it: another worker will begin the same package anew.
    """
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not (begun := [name for name in PACKAGES if IN_THE_MIDDLE in place.log(name)]):
        assert running() and time.monotonic() < deadline, "no package gets to be compiled"
        time.sleep(POLL_SECONDS)
    ((worker, end),) = place.tries(begun[0])
    assert end is None
    victim = processes.running(place.build / "farm" / worker)
    assert victim is not None
    started = descendants(victim)
    os.kill(victim, signal.SIGKILL)
    assert len(started) > 1, "not even the command and its compiler"
    deadline = time.monotonic() + END_SECONDS
    while left := started & living().keys():
        assert time.monotonic() < deadline, f"the killed worker is outlived by {sorted(left)}"
        time.sleep(POLL_SECONDS)
    return begun[0], worker


def test_a_worker_killed_in_the_middle_of_a_package_costs_no_package(
    place: Place, tmp_path: Path
) -> None:
    said = tmp_path / "said"
    build = place.argv("packages", "build", "--farm", *PACKAGES)
    with (
        said.open("w") as stream,
        subprocess.Popen(build, env=place.env, stdout=stream, stderr=stream) as caller,
    ):
        try:
            package, worker = kill_a_worker(place, lambda: caller.poll() is None)
            killed = datetime.now(UTC).isoformat(timespec="seconds")
            assert ENDED not in place.log(package), "it was not in the middle any more"
            assert caller.wait(PATIENCE_SECONDS) == 0, said.read_text()
        finally:
            caller.kill()
    (other,) = {"local-1", "local-2"} - {worker}
    assert place.tries(package) == [(worker, RETRY), (other, SUCCESS)]
    for name in set(PACKAGES) - {package}:
        assert [end for _, end in place.tries(name)] == [SUCCESS]
    # An attempt that did not come to its end leaves no record; the one that is there came after.
    (record,) = (place.build / "packages" / package).glob("*.json")
    attempt = json.loads(record.read_text())
    assert attempt["cause"] is None
    assert attempt["began"] >= killed

    rows = tmp_path / "rows.json"
    place.xsc("packages", "status", *PACKAGES, f"--json={rows}")
    found = {row["source"]: row for row in map(json.loads, rows.read_text().splitlines())}
    assert {name: row["state"] for name, row in found.items()} == dict.fromkeys(PACKAGES, "built")
    for name in PACKAGES:
        out = place.build / "out" / f"package-{name}"
        debs = json.loads((out / "result.json").read_text())["debs"]
        assert debs
        assert sorted(path.name for path in (out / "debs").iterdir()) == debs
