# SPDX-License-Identifier: MIT
"""Hand jobs over to a farm and wait for them, by the REST interface of Buildbot."""

from __future__ import annotations

import base64
import http.client
import http.cookiejar
import json
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from xsc.errors import InfraError
from xsc.farm.job import Job
from xsc.farm.site import USER, Setup
from xsc.run import stopping

SCHEDULER = "hand-over"
TIMEOUT_SECONDS = 30.0
POLL_SECONDS = 0.5
PATIENCE_SECONDS = 120.0
SUCCESS = 0
WORDS = {0: "done", 1: "done", 2: "failed", 3: "skipped", 4: "broken", 6: "cancelled"}


@dataclass(frozen=True)
class Outcome:
    """How a job ended."""

    job: Job
    results: int
    """In Buildbot's numbers: 0 success, 2 failure, 4 exception, 6 cancelled."""
    request: int

    @property
    def passed(self) -> bool:
        """Whether the program ended with exit code 0."""
        return self.results == SUCCESS

    @property
    def word(self) -> str:
        """How it ended, for people."""
        return WORDS.get(self.results, f"ended with result {self.results}")


@dataclass(frozen=True)
class Load:
    """What a farm has to do, and with whom."""

    workers: Mapping[str, bool]
    """Whether each worker is connected."""
    waiting: int
    running: int


class Api:
    """The REST interface of one master."""

    def __init__(self, setup: Setup) -> None:
        self._setup = setup
        cookies = urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar())
        # Nothing of this goes through a proxy: it is on loopback.
        self._opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), cookies)
        self._logged_in = False

    def _open(self, request: urllib.request.Request) -> bytes:
        try:
            with self._opener.open(request, timeout=TIMEOUT_SECONDS) as answer:
                return bytes(answer.read())
        except (http.client.HTTPException, OSError) as error:
            raise InfraError(
                f"the farm at {self._setup.url} does not answer: {error}",
                hint="`./xsc farm status` says what runs; `./xsc farm up` starts it",
            ) from error

    def get(self, path: str) -> Any:
        """Return what is at `path` of the interface."""
        return json.loads(self._open(urllib.request.Request(f"{self._setup.url}api/v2/{path}")))

    def answers(self) -> bool:
        """Say whether the master is up and has its builder."""
        try:
            return bool(self.get("forceschedulers")["forceschedulers"])
        except InfraError:
            return False

    def _log_in(self) -> None:
        if self._logged_in:
            return
        words = base64.b64encode(f"{USER}:{self._setup.password}".encode()).decode()
        request = urllib.request.Request(f"{self._setup.url}auth/login")
        request.add_unredirected_header("Authorization", f"Basic {words}")
        self._open(request)
        self._logged_in = True

    def hand_over(self, job: Job) -> int:
        """Queue a job and return the number of its request."""
        self._log_in()
        facts = {"job": job.text, "digest": job.digest, "virtual_builder_name": job.name}
        call = {"jsonrpc": "2.0", "id": 1, "method": "force", "params": facts}
        request = urllib.request.Request(
            f"{self._setup.url}api/v2/forceschedulers/{SCHEDULER}",
            data=json.dumps(call).encode(),
            headers={"Content-Type": "application/json"},
        )
        _, requests = json.loads(self._open(request))["result"]
        return int(next(iter(requests.values())))

    def pending(self) -> dict[int, str]:
        """Return the requests that have not ended, with the digests of their jobs."""
        found = self.get("buildrequests?complete=false&property=digest")["buildrequests"]
        return {row["buildrequestid"]: row["properties"]["digest"][0] for row in found}

    def results(self, request: int) -> int | None:
        """Return how a request ended, or None if it has not."""
        (row,) = self.get(f"buildrequests/{request}")["buildrequests"]
        return int(row["results"]) if row["complete"] else None

    def load(self) -> Load:
        """Return what there is to do, and who does it."""
        workers = self.get("workers")["workers"]
        requests = self.get("buildrequests?complete=false")["buildrequests"]
        claimed = sum(bool(row["claimed"]) for row in requests)
        return Load(
            workers={row["name"]: bool(row["connected_to"]) for row in workers},
            waiting=len(requests) - claimed,
            running=claimed,
        )


def submit(api: Api, jobs: Sequence[Job]) -> tuple[dict[int, Job], int]:
    """Queue jobs and return them by request, and how many of them were there already.

    Those are from a caller that went away, and are joined.
    """
    known = {digest: request for request, digest in api.pending().items()}
    requests = {known.get(job.digest) or api.hand_over(job): job for job in jobs}
    return requests, sum(request in known.values() for request in requests)


def wait_for_jobs(
    api: Api, requests: Mapping[int, Job], tell: Callable[[Outcome], None]
) -> list[Outcome]:
    """Wait until all jobs have ended and return how they did; `tell` is called as each one does.

    A master that is started anew meanwhile goes on with its queue. Raises InfraError if it stays
    away.
    """
    open_jobs = dict(requests)
    outcomes: list[Outcome] = []
    answered = time.monotonic()
    while open_jobs:
        try:
            pending = api.pending()
            for request in [request for request in open_jobs if request not in pending]:
                results = api.results(request)
                if results is not None:
                    outcomes.append(Outcome(open_jobs.pop(request), results, request))
                    tell(outcomes[-1])
            answered = time.monotonic()
        except InfraError:
            if time.monotonic() - answered > PATIENCE_SECONDS:
                raise
        if open_jobs:
            _pause()
    return outcomes


def _pause() -> None:
    if stopping():
        raise KeyboardInterrupt
    time.sleep(POLL_SECONDS)
