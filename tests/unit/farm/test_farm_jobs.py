# SPDX-License-Identifier: MIT
"""What a farm takes for a job, and who may read its passwords."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest

from xsc.commands.farm import check_names
from xsc.errors import UsageError
from xsc.farm import site
from xsc.farm.estimate import Times, forecast, measured_seconds
from xsc.farm.job import Job, read_jobs
from xsc.paths import ROOT


def read(*lines: object) -> list[Job]:
    """Read lines of jobs, which are objects or text."""
    texts = [line if isinstance(line, str) else json.dumps(line) for line in lines]
    return read_jobs("\n".join(texts) + "\n", "jobs")


def test_jobs_are_read() -> None:
    good = {"name": "bash", "argv": ["true", "x y"], "workdir": "/tmp"}
    assert read(good, "") == [Job("bash", ("true", "x y"), "/tmp")]


@pytest.mark.parametrize(
    "line",
    [
        "nonsense",
        "[]",
        {"name": "a", "argv": ["true"]},
        {"name": "", "argv": ["true"], "workdir": "/"},
        {"name": "a", "argv": [], "workdir": "/"},
        {"name": "a", "argv": "true", "workdir": "/"},
        {"name": "a", "argv": ["sleep", 1], "workdir": "/"},
        {"name": "a", "argv": ["true"], "workdir": "here"},
    ],
)
def test_what_is_no_job_is_named_by_its_line(line: object) -> None:
    with pytest.raises(UsageError, match="jobs:1 is no job") as caught:
        read(line)
    assert "workdir" in str(caught.value.hint)


def test_a_job_is_handed_over_once() -> None:
    job = {"name": "a", "argv": ["true"], "workdir": "/"}
    with pytest.raises(UsageError, match="jobs:2: the job 'a' is there twice"):
        read(job, job)


def test_equal_jobs_have_equal_digests() -> None:
    assert Job("a", ("b",), "/").digest == Job("a", ("b",), "/").digest
    assert Job("a", ("b", "c"), "/").digest != Job("a", ("b c",), "/").digest


def test_the_setup_keeps_passwords_and_keeps_them_secret(tmp_path: Path) -> None:
    assert site.load(tmp_path) is None
    setup = site.Setup(workers=site.with_workers({}, ["one", "two"]))
    site.save(tmp_path, setup)
    assert stat.S_IMODE((tmp_path / site.FILE).stat().st_mode) == 0o600
    assert site.load(tmp_path) == setup
    more = site.with_workers(setup.workers, ["two", "three"])
    assert more["two"] == setup.workers["two"]
    assert set(more) == {"two", "three"} and len(set(more.values())) == 2


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ("sqlite:///state.sqlite", "sqlite:///state.sqlite"),
        ("postgresql://xsc:p@db/farm", "postgresql+psycopg2://xsc:p@db/farm"),
        ("postgresql+other://db/farm", "postgresql+other://db/farm"),
    ],
)
def test_a_database_is_used_through_the_driver_that_is_installed(given: str, told: str) -> None:
    assert site.Setup(database=given).database_url == told
    wanted = (ROOT / "requirements-farm.lock").read_text()
    assert all(driver.partition("+")[2] in wanted for driver in site.DRIVERS.values())


@pytest.mark.parametrize("name", ["-x", "a/b", "..", "", "master", "a b", "x" * 60])
def test_names_of_workers_are_names_of_directories(name: str) -> None:
    with pytest.raises(UsageError):
        check_names([name])


def test_a_forecast_is_never_shorter_than_the_work_or_the_longest_job() -> None:
    found = forecast([10.0, 20.0, 60.0], jobs=6, workers=4)
    assert found.work == 180.0
    assert found.elapsed == 60.0
    assert forecast([10.0, 20.0, 60.0], jobs=6, workers=2).elapsed == 90.0
    assert forecast([7.0], jobs=2600, workers=10).elapsed == 260 * 7.0


def test_times_come_from_the_table_of_packages() -> None:
    rows = [
        {"source": "bash", "seconds": 61.5, "state": "built", "processor_seconds": 40.0},
        {"source": "glibc", "seconds": None},
        {"source": "broken", "seconds": 3.0, "state": "failed", "processor_seconds": 2.0},
        {"source": "dash", "seconds": 9.5, "state": "built", "processor_seconds": None},
    ]
    text = "".join(f"{json.dumps(row)}\n" for row in rows)
    assert measured_seconds(text) == [61.5, 9.5]
    assert measured_seconds(text, Times.PROCESSOR) == [40.0]
    for text in ("", "nonsense", "[1]", json.dumps(rows[1])):
        with pytest.raises(UsageError):
            measured_seconds(text)
