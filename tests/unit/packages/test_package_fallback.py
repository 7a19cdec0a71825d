# SPDX-License-Identifier: MIT
"""A source that the archive has lost is built at the version before, by the command itself."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import archivekit
import pytest
from archivekit import SourceArchive

from xsc.commands import packages_build as command
from xsc.commands.packages_build import packages_build
from xsc.commands.packages_status import packages_status
from xsc.config import Settings
from xsc.errors import EXIT_FAILED, EXIT_INFRA, EXIT_OK
from xsc.farm.job import Job
from xsc.packages import lost
from xsc.packages.attempts import Attempts
from xsc.packages.classify import Cause
from xsc.paths import Paths
from xsc.progress import Mode

FIRST, SECOND, THIRD = "1:1-2", "1:1-2+deb12u1", "1:1-2+deb12u2"
KNOWN = "revision = 1\n[steps]\n[facts]\n"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "profiles/packages").mkdir(parents=True)
    (tmp_path / "profiles/packages/known.toml").write_text(KNOWN)
    for name in ("other", "tool"):
        (tmp_path / name).write_text("")
    return tmp_path


@pytest.fixture
def source(root: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[SourceArchive]:
    """An archive with three versions of `tool`, of which it has lost the newest, and `other`."""
    versions = {"tool": [FIRST, SECOND, THIRD], "other": ["3"]}
    made = SourceArchive(root / "archive", versions, lost={THIRD})
    made.publish()
    monkeypatch.setattr(command, "check_isolation", lambda: None)
    with made.served() as address:
        archivekit.use(monkeypatch, root, address)
        yield made


@pytest.fixture
def settings(root: Path) -> Settings:
    return Settings(Paths(root, root / "build", root / "home/xsc"), 1, Mode.PLAIN, False)


def build(settings: Settings, *names: str, retry: str | None = None, farm: bool = False) -> int:
    """Run `xsc packages build`."""
    context: Any = SimpleNamespace(obj=settings)
    return packages_build(context, list(names), None, retry, False, farm)


def status(settings: Settings, name: str = "tool") -> dict[str, Any]:
    """Return what `xsc packages status --json` writes of a package."""
    context: Any = SimpleNamespace(obj=settings)
    file = settings.paths.root / "status.json"
    packages_status(context, [name], None, False, None, file)
    facts: dict[str, Any] = json.loads(file.read_text())
    return facts


def causes(settings: Settings, name: str = "tool") -> list[Cause | None]:
    """Return how each attempt at a package ended."""
    attempts = Attempts(settings.paths.build)
    found = sorted(path.stem for path in (attempts.root / name).glob("*.json"))
    rows = [json.loads((attempts.root / name / f"{one}.json").read_text()) for one in found]
    return [Cause(row["cause"]) if row["cause"] else None for row in rows]


def builds(root: Path) -> list[str]:
    """Return the packages that were built, each time that they were."""
    return (root / "builds").read_text().split() if (root / "builds").exists() else []


def renew(source: SourceArchive, root: Path) -> None:
    """Publish another index and have it fetched: that of binaries is newer than what is known."""
    source.publish()
    time.sleep(0.02)
    (root / "Packages").touch()


def test_the_version_before_is_built_in_the_same_run(
    source: SourceArchive, settings: Settings, root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert build(settings, "other", "tool") == EXIT_OK
    said = capsys.readouterr()
    line = f"xsc: tool: the archive has no source of {THIRD}; building {SECOND}"
    assert said.err.splitlines().count(line) == 1
    assert "other: the archive" not in said.err
    assert said.out == "2 packages: 2 built, 1 older than Debian's; 0 min of building\n"
    assert causes(settings) == [Cause.SOURCE, None]
    assert builds(root) == ["other", "tool"]
    assert set(source.asked) == {source.file("tool", THIRD).name}
    # The next run knows it all.
    asked = len(source.asked)
    assert build(settings, "other", "tool") == EXIT_OK
    assert (builds(root), len(source.asked)) == (["other", "tool"], asked)


def test_it_goes_on_until_a_version_is_there(
    source: SourceArchive, settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    source.lost |= {SECOND}
    source.publish()
    assert build(settings, "tool") == EXIT_OK
    said = capsys.readouterr().err
    assert f"the archive has no source of {THIRD}; building {SECOND}" in said
    assert f"the archive has no source of {SECOND}; building {FIRST}" in said
    row = status(settings)
    assert (row["version"], row["state"]) == (f"{FIRST}+b0+xsc1", "built")
    assert row["lost"] == [THIRD, SECOND]


def test_status_says_why_a_package_is_older(
    source: SourceArchive, settings: Settings, root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    build(settings, "other", "tool")
    capsys.readouterr()
    words = f"older than Debian's {THIRD}, of which the archive has no source"
    row = status(settings)
    assert (row["state"], row["detail"], row["lost"]) == ("built", words, [THIRD])
    assert (status(settings, "other")["detail"], status(settings, "other")["lost"]) == ("", [])
    capsys.readouterr()
    context: Any = SimpleNamespace(obj=settings)
    page = root / "page.html"
    assert packages_status(context, ["tool"], None, False, page, None) == EXIT_OK
    assert words in capsys.readouterr().out
    assert words.replace("'", "&#x27;") in page.read_text()
    assert '<span class="built">built</span>' in page.read_text()


def test_why_it_is_older_stands_beside_an_explanation(
    source: SourceArchive, settings: Settings, root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    reason = "a reason that is long enough"
    fact = f'tool = {{ kind = "traps", reason = "{reason}" }}\n'
    (root / "profiles/packages/known.toml").write_text(KNOWN + fact)
    (root / "tool").write_text("trap")
    assert build(settings, "tool") == EXIT_OK
    capsys.readouterr()
    status(settings)
    assert f"{reason}; older than Debian's {THIRD}" in capsys.readouterr().out


def test_when_all_are_lost_the_newest_explains_it(
    source: SourceArchive, settings: Settings, root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source.lost |= {FIRST, SECOND}
    source.publish()
    assert build(settings, "tool") == EXIT_INFRA
    said = capsys.readouterr().out
    assert f"tool: failed: source: the archive has no {source.file('tool', THIRD).name}" in said
    last = Attempts(settings.paths.build).last("tool")
    assert last is not None
    assert f"(asked on {last.began[:10]})" in said
    assert "1 failed: source, 1 of these explained" in said
    assert causes(settings) == [Cause.SOURCE] * 3
    row = status(settings)
    assert (row["version"], row["cause"], row["lost"]) == (f"{THIRD}+b0+xsc1", "source", [])
    # It is left alone then, and tried again when somebody asks.
    asked = len(source.asked)
    assert build(settings, "tool") == EXIT_INFRA
    assert len(source.asked) == asked
    source.bring("tool", SECOND)
    assert build(settings, "tool", retry="source") == EXIT_OK
    assert status(settings)["version"] == f"{SECOND}+b0+xsc1"


def test_another_failure_ends_it(
    source: SourceArchive, settings: Settings, root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (root / "tool").write_text("fail")
    assert build(settings, "tool") == EXIT_FAILED
    assert causes(settings) == [Cause.SOURCE, Cause.TOOLCHAIN]
    assert builds(root) == ["tool"]
    row = status(settings)
    assert (row["cause"], row["version"]) == ("toolchain", f"{SECOND}+b0+xsc1")
    assert row["detail"].startswith("a.c:1:1: error: no; older than Debian's")


def test_a_new_index_has_the_newest_tried_again(
    source: SourceArchive, settings: Settings, root: Path
) -> None:
    build(settings, "tool")
    renew(source, root)
    asked = len(source.asked)
    # Still lost: it is asked for, and what is built stays.
    assert build(settings, "tool") == EXIT_OK
    assert len(source.asked) > asked
    assert (status(settings)["lost"], builds(root)) == ([THIRD], ["tool"])
    source.lost.clear()
    renew(source, root)
    assert build(settings, "tool") == EXIT_OK
    row = status(settings)
    assert (row["version"], row["detail"], row["lost"]) == (f"{THIRD}+b0+xsc1", "", [])
    assert builds(root) == ["tool", "tool"]


def test_a_retry_asks_for_what_was_lost(
    source: SourceArchive, settings: Settings, root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    build(settings, "tool")
    # A retry that only looks, or that is about other failures, forgets nothing.
    build(replace(settings, dry_run=True), "tool", retry="source")
    build(settings, "tool", retry="trap")
    assert lost.noted(["tool"]) == {"tool": (THIRD,)}
    capsys.readouterr()
    assert build(settings, "tool", retry="source") == EXIT_OK
    said = capsys.readouterr().err
    assert f"the archive has no source of {THIRD}; {SECOND} is built" in said
    source.bring("tool", THIRD)
    assert build(settings, "tool", retry="source") == EXIT_OK
    assert status(settings)["version"] == f"{THIRD}+b0+xsc1"


def test_an_index_that_changes_all_the_time_ends_too(
    source: SourceArchive, settings: Settings
) -> None:
    source.lost |= {FIRST, SECOND}
    source.publish()
    source.on_loss = source.publish
    assert build(settings, "tool") == EXIT_INFRA
    assert set(causes(settings)) == {Cause.SOURCE}
    assert len(causes(settings)) <= len(source.sources["tool"])


def test_on_a_farm_the_job_falls_back_and_the_caller_sees_it(
    source: SourceArchive,
    settings: Settings,
    root: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def hand_over(given: Settings, jobs: Sequence[Job]) -> None:
        for job in jobs:
            assert job.argv[-3:] == ("packages", "build", job.name)
            assert build(given, job.name) == EXIT_OK

    monkeypatch.setattr(command, "hand_over", hand_over)
    assert build(settings, "other", "tool", farm=True) == EXIT_OK
    said = capsys.readouterr()
    assert said.err.count(f"the archive has no source of {THIRD}; building {SECOND}") == 1
    assert said.out.splitlines()[-1].startswith("2 packages: 2 built, 1 older than Debian's")
    assert builds(root) == ["other", "tool"]
