# SPDX-License-Identifier: MIT
"""The configuration of Buildbot's master. It runs in the farm's own virtual environment."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from buildbot.plugins import schedulers, steps, util, worker

from xsc.farm.site import USER, Setup, load

BUILDER = "jobs"
SCHEDULER = "hand-over"
SILENT_SECONDS = 4 * 3600


def argv(properties: Any) -> list[str]:
    """Return the program of a job; it dies with its worker, for the job is then run elsewhere."""
    words = json.loads(properties["job"])["argv"]
    return ["setpriv", "--pdeathsig", "KILL", "--", *words]


def workdir(properties: Any) -> str:
    """Return the directory of a job."""
    return str(json.loads(properties["job"])["workdir"])


def scheduler() -> Any:
    """Return what takes jobs; every one is a builder of its own on the status page."""
    return schedulers.ForceScheduler(
        name=SCHEDULER,
        builderNames=[BUILDER],
        codebases=[util.CodebaseParameter("", label="", **_without_source())],
        properties=[
            util.StringParameter(name="job", required=True),
            util.StringParameter(name="digest", required=True),
            util.StringParameter(name="virtual_builder_name", required=True),
        ],
    )


def _without_source() -> dict[str, Any]:
    names = ("branch", "revision", "repository", "project")
    return {name: util.FixedParameter(name=name, default="") for name in names}


def configuration(folder: Path) -> dict[str, Any]:
    """Return what Buildbot calls BuildmasterConfig."""
    setup = load(folder)
    assert setup is not None
    step = steps.ShellCommand(
        name="run",
        command=util.renderer(argv),
        workdir=util.renderer(workdir),
        timeout=SILENT_SECONDS,
        haltOnFailure=True,
        # Whoever may look at the page would see what only the worker's user knows.
        logEnviron=False,
    )
    builder = util.BuilderConfig(
        name=BUILDER,
        workernames=sorted(setup.workers),
        factory=util.BuildFactory([step]),
        collapseRequests=False,
    )
    return {
        "title": "XSC",
        "titleURL": setup.url,
        "buildbotURL": setup.url,
        "buildbotNetUsageData": None,
        "workers": [
            worker.Worker(name, password, max_builds=1, keepalive_interval=30)
            for name, password in sorted(setup.workers.items())
        ],
        "protocols": {"pb": {"port": f"tcp:{setup.worker_port}:interface={setup.listen}"}},
        "builders": [builder],
        "schedulers": [scheduler()],
        "db": {"db_url": setup.database_url},
        "www": www(setup),
    }


def www(setup: Setup) -> dict[str, Any]:
    """Return the status page: everybody on this machine may look, its owner may do something."""
    return {
        "port": f"tcp:{setup.port}:interface=127.0.0.1",
        "plugins": {},
        "auth": util.UserPasswordAuth({USER: setup.password}),
        "authz": util.Authz(
            allowRules=[util.AnyControlEndpointMatcher(role="owner")],
            roleMatchers=[util.RolesFromUsername(roles=["owner"], usernames=[USER])],
        ),
    }
