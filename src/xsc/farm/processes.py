# SPDX-License-Identifier: MIT
"""Start and end a farm on this machine: the master and workers, each in a directory of its own."""

from __future__ import annotations

import os
import re
import signal
import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from xsc.bootstrap import ROOT, cache_home, create_venv, venv_key
from xsc.errors import InfraError
from xsc.farm.site import Setup
from xsc.lock import FileLock
from xsc.run import run, stopping

LOCKFILE = ROOT / "requirements-farm.lock"
START_SECONDS = 120.0
STOP_SECONDS = 30.0
POLL_SECONDS = 0.1
EXCEPTION = re.compile(r"[\w.]+(?:Error|Exception|NotFound)\b: ")
PID = "twistd.pid"
MASTER = "master"
LOG = "twistd.log"
MASTER_TAC = """\
from twisted.application import service
from buildbot.master import BuildMaster

application = service.Application('buildmaster')
BuildMaster({folder!r}, 'master.cfg').setServiceParent(application)
"""
MASTER_CFG = """\
from pathlib import Path
from xsc.farm.master import configuration

BuildmasterConfig = configuration(Path({farm!r}))
"""
WORKER_TAC = """\
from twisted.application import service
from buildbot_worker.bot import Worker

application = service.Application("buildbot-worker")
Worker({host!r}, {port}, {name!r}, {password!r}, {folder!r}, keepalive=30, umask=0o022)\\
    .setServiceParent(application)
"""


def environment() -> Path:
    """Return the virtual environment of farms; the first call makes it, which takes minutes.

    Raises InfraError if it cannot be made.
    """
    final = cache_home() / "venv" / venv_key(LOCKFILE)
    if not final.exists() and create_venv(final, LOCKFILE) != 0:
        raise InfraError("there is no Python environment for the farm: see above")
    return final


def write_private(file: Path, text: str) -> None:
    """Write a file that only its owner may read."""
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as stream:
        stream.write(text)


def running(folder: Path) -> int | None:
    """Return the process id of what runs in `folder`, or None.

    A process that only happens to have the number of one that died is somewhere else.
    """
    try:
        pid = int((folder / PID).read_text())
        there = Path(f"/proc/{pid}/cwd").resolve() == folder.resolve()
        alive = Path(f"/proc/{pid}/cmdline").read_bytes() != b""
    except (OSError, ValueError):
        return None
    return pid if there and alive else None


def start(folder: Path) -> None:
    """Have what `buildbot.tac` in `folder` describes run in the background, unless it does."""
    if running(folder) is not None:
        return
    (folder / PID).unlink(missing_ok=True)
    # It leaves this process's session by itself and returns.
    run(twistd(f"--logfile={LOG}"), cwd=folder, env={"PYTHONPATH": str(ROOT / "src")})


def twistd(*options: str) -> list[str]:
    """Return the command that runs `buildbot.tac` in the directory where it is started."""
    # Scripts of a virtual environment know the path where they were installed, which was another.
    program = "from twisted.scripts.twistd import run; run()"
    python = str(environment() / "bin" / "python")
    return [python, "-c", program, f"--pidfile={PID}", *options, "--python=buildbot.tac"]


def stop(folder: Path) -> bool:
    """End what runs in `folder`; say whether something did."""
    pid = running(folder)
    if pid is None:
        return False
    os.kill(pid, signal.SIGTERM)
    deadline = time.monotonic() + STOP_SECONDS
    while running(folder) is not None:
        if time.monotonic() > deadline:
            os.kill(pid, signal.SIGKILL)
            deadline += STOP_SECONDS
        time.sleep(POLL_SECONDS)
    return True


def prepare_master(farm: Path, setup: Setup) -> Path:
    """Write the files of the master and bring its database up to date; return its directory."""
    folder = farm / MASTER
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    (folder / "buildbot.tac").write_text(MASTER_TAC.format(folder=str(folder)))
    (folder / "master.cfg").write_text(MASTER_CFG.format(farm=str(farm)))
    done = folder / "prepared"
    mark = f"{venv_key(LOCKFILE)} {setup.database}\n"
    if not done.exists() or done.read_text() != mark:
        program = "from buildbot.scripts.runner import run; run()"
        python = str(environment() / "bin" / "python")
        argv = [python, "-c", program, "upgrade-master", "--quiet", str(folder)]
        made = run(argv, cwd=folder, env={"PYTHONPATH": str(ROOT / "src")}, check=False)
        if made.returncode:
            said = (made.stdout + made.stderr).strip().splitlines() or ["no reason given"]
            raise InfraError(
                f"the master cannot use its database: {_reason(said)}",
                hint="look whether --database is right and its server runs",
            )
        write_private(done, mark)
    return folder


def _reason(said: Sequence[str]) -> str:
    """Return the line of a traceback, or of several, that names the first exception."""
    named = [line for line in said if EXCEPTION.match(line)]
    return (named or said[-1:])[0]


def prepare_worker(folder: Path, host: str, port: int, name: str, password: str) -> Path:
    """Write the files of a worker and return its directory."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    facts: Mapping[str, object] = {
        "host": host,
        "port": port,
        "name": name,
        "password": password,
        "folder": str(folder),
    }
    write_private(folder / "buildbot.tac", WORKER_TAC.format(**facts))
    return folder


def up(farm: Path, setup: Setup, local: Iterable[str]) -> None:
    """Start master and local workers, as far as they do not run.

    Raises InfraError if the master does not stay up.
    """
    lock = FileLock(farm / "up.lock")
    try:
        while not lock.try_exclusive():
            time.sleep(POLL_SECONDS)
        master = prepare_master(farm, setup)
        start(master)
        for name in local:
            password = setup.workers[name]
            folder = prepare_worker(farm / name, "127.0.0.1", setup.worker_port, name, password)
            start(folder)
    finally:
        lock.close()


def wait_for(farm: Path, ready: object) -> None:
    """Wait until the master answers; `ready()` says whether it does.

    Raises InfraError if it ends instead, or takes too long.
    """
    assert callable(ready)
    log = farm / MASTER / LOG
    deadline = time.monotonic() + START_SECONDS
    while not ready():
        if stopping():
            raise KeyboardInterrupt
        if running(farm / MASTER) is None or time.monotonic() > deadline:
            raise InfraError("the farm's master does not come up", hint=f"its log is {log}")
        time.sleep(POLL_SECONDS)


def down(farm: Path) -> list[str]:
    """End workers, then the master; return the names of what ran. The queue stays."""
    folders = sorted(path.parent for path in farm.glob(f"*/{PID}"))
    folders.sort(key=lambda folder: folder.name == MASTER)
    return [folder.name for folder in folders if stop(folder)]
