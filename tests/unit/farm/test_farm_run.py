# SPDX-License-Identifier: MIT
"""A real master and two real workers: jobs survive the death of workers, callers and masters."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from browserkit import Browser

from xsc import bootstrap
from xsc.errors import InfraError
from xsc.farm import processes, site
from xsc.farm.client import Api, Outcome, submit, wait_for_jobs
from xsc.farm.job import Job

# The first test of a machine installs Buildbot into a virtual environment of its own.
pytestmark = pytest.mark.timeout(900)
PATIENCE_SECONDS = 90.0
SRC = Path(__file__).resolve().parents[3] / "src"
WORKERS = ("local-1", "local-2")


def wait_until(condition: Callable[[], object]) -> None:
    """Wait for a condition, but not for ever."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < deadline, "nothing happened"
        time.sleep(0.05)


def free_ports(count: int) -> list[int]:
    """Return ports that nobody listens on."""
    probes = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [int(probe.getsockname()[1]) for probe in probes]
    for probe in probes:
        probe.close()
    return ports


class Farm:
    """A farm of this test, with jobs that note that they started and wait to be let on."""

    def __init__(self, folder: Path) -> None:
        self.build = folder
        self.folder = folder / "farm"
        self.folder.mkdir()
        port, worker_port = free_ports(2)
        self.setup = site.Setup(port, worker_port, workers=site.with_workers({}, WORKERS))
        site.save(self.folder, self.setup)
        self.api = Api(self.setup)

    def up(self) -> None:
        """Start what does not run, and wait for it."""
        processes.up(self.folder, self.setup, WORKERS)
        processes.wait_for(self.folder, self.api.answers)
        wait_until(lambda: all(self.api.load().workers.get(name) for name in WORKERS))

    def jobs(self, place: Path, count: int, code: int = 0) -> list[Job]:
        """Return jobs that write their number into `place`/started and go when `gate` exists."""
        place.mkdir()
        script = "echo $1 $$ >>started; while [ ! -e gate ]; do sleep 0.05; done; exit $2"
        argv = ("sh", "-c", script, "job")
        return [
            Job(f"{place.name}-{n}", (*argv, str(n), str(code)), str(place)) for n in range(count)
        ]


@pytest.fixture(scope="module")
def farm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Farm]:
    """A farm with two workers."""
    farm = Farm(tmp_path_factory.mktemp("build"))
    try:
        farm.up()
        yield farm
    finally:
        processes.down(farm.folder)


def started(place: Path) -> list[str]:
    """Return the numbers of the jobs that were started, in order."""
    file = place / "started"
    return [line.split()[0] for line in file.read_text().splitlines()] if file.exists() else []


class Caller(threading.Thread):
    """Hands over jobs and waits for them."""

    def __init__(self, farm: Farm, jobs: list[Job]) -> None:
        super().__init__(daemon=True)
        self.outcomes: list[Outcome] = []
        self._farm, self._jobs = farm, jobs
        self.start()

    def run(self) -> None:
        api = Api(self._farm.setup)
        wait_for_jobs(api, submit(api, self._jobs)[0], self.outcomes.append)

    def end(self) -> list[Outcome]:
        """Wait for all jobs."""
        self.join(PATIENCE_SECONDS)
        assert not self.is_alive()
        return self.outcomes


def test_a_killed_worker_costs_no_job(farm: Farm, tmp_path: Path) -> None:
    place = tmp_path / "set"
    caller = Caller(farm, farm.jobs(place, 4))
    wait_until(lambda: len(started(place)) == 2)
    victim = processes.running(farm.folder / WORKERS[0])
    assert victim is not None
    running = [line.split() for line in (place / "started").read_text().splitlines()]
    os.kill(victim, signal.SIGKILL)
    # Its program dies with it: the same job may be running elsewhere in a moment.
    wait_until(lambda: sum(Path(f"/proc/{pid}").exists() for _, pid in running) == 1)
    (place / "gate").touch()
    outcomes = caller.end()
    assert sorted(outcome.job.name for outcome in outcomes) == [f"set-{n}" for n in range(4)]
    assert all(outcome.passed for outcome in outcomes)
    counts = sorted(started(place).count(str(n)) for n in range(4))
    assert counts == [1, 1, 1, 2]
    farm.up()


def test_a_job_that_fails_has_failed(farm: Farm, tmp_path: Path) -> None:
    place = tmp_path / "bad"
    jobs = farm.jobs(place, 1, code=3)
    (place / "gate").touch()
    (outcome,) = Caller(farm, jobs).end()
    assert not outcome.passed
    assert outcome.word == "failed"
    assert started(place) == ["0"]


def test_a_caller_that_comes_back_joins_its_jobs(farm: Farm, tmp_path: Path) -> None:
    place = tmp_path / "joined"
    jobs = farm.jobs(place, 3)
    (tmp_path / "jobs").write_text("".join(f"{job.text}\n" for job in jobs))
    argv = [sys.executable, "-I", "-c", bootstrap.START, str(SRC)]
    argv += ["--build-dir", str(farm.build), "farm", "run", str(tmp_path / "jobs")]
    first = subprocess.Popen(argv, stderr=subprocess.DEVNULL)
    wait_until(lambda: len(farm.api.pending()) == 3 and len(started(place)) == 2)
    first.kill()
    first.wait()
    said = tmp_path / "said"
    with said.open("w") as stream:
        second = subprocess.Popen(argv, stderr=stream)
    wait_until(lambda: "0 jobs handed over, 3 joined" in said.read_text())
    (place / "gate").touch()
    assert second.wait(PATIENCE_SECONDS) == 0
    assert said.read_text().count(": done; ") == 3
    assert sorted(started(place)) == ["0", "1", "2"]


def test_a_master_that_is_started_anew_goes_on_with_its_queue(farm: Farm, tmp_path: Path) -> None:
    place = tmp_path / "queue"
    caller = Caller(farm, farm.jobs(place, 3))
    wait_until(lambda: len(started(place)) == 2)
    assert set(processes.down(farm.folder)) == {"master", *WORKERS}
    (place / "gate").touch()
    farm.up()
    assert all(outcome.passed for outcome in caller.end())
    assert len(caller.outcomes) == 3


def test_nobody_without_the_password_hands_over_jobs(farm: Farm, tmp_path: Path) -> None:
    wrong = site.Setup(farm.setup.port, password="guessed")
    with pytest.raises(InfraError, match="401"):
        Api(wrong).hand_over(Job("stranger", ("true",), "/"))
    assert farm.api.pending() == {}


def test_a_farm_that_is_not_there_says_how_to_start_it() -> None:
    with pytest.raises(InfraError) as caught:
        Api(site.Setup(free_ports(1)[0])).load()
    assert "farm up" in str(caught.value.hint)


def test_a_log_shows_nothing_of_the_environment_of_its_worker(farm: Farm, tmp_path: Path) -> None:
    job = Job("quiet", ("sh", "-c", 'test -n "$PATH" && echo $((6 * 7)) words'), str(tmp_path))
    (outcome,) = Caller(farm, [job]).end()
    (build,) = farm.api.get(f"builds?buildrequestid={outcome.request}")["builds"]
    log = farm.api.get(f"builds/{build['buildid']}/steps/1/logs/stdio/contents")
    (chunk,) = log["logchunks"]
    assert "42 words" in chunk["content"]
    assert "PATH=" not in chunk["content"]


def test_the_status_page_shows_jobs_workers_and_logs(farm: Farm, tmp_path: Path) -> None:
    # What it prints is not in its command, which the log begins with.
    job = Job("shown-0", ("sh", "-c", "echo $((6 * 7)) words; exit 3"), str(tmp_path))
    (outcome,) = Caller(farm, [job]).end()
    (build,) = farm.api.get(f"builds?buildrequestid={outcome.request}")["builds"]
    log = f"builders/{build['builderid']}/builds/{build['number']}/steps/1/logs/stdio"
    # The second is what `farm run` names when a job fails.
    request = f"buildrequests/{outcome.request}"
    pages = {"builders": "shown-0", request: "shown-0", "workers": WORKERS[1], log: "42 words"}
    with Browser(tmp_path / "browser") as browser:
        for page, wanted in pages.items():
            browser.wait_for(browser.open(f"{farm.setup.url}#/{page}"), wanted)
