# SPDX-License-Identifier: MIT
"""`xsc packages build --farm`: which jobs a farm gets for packages."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import typer

from xsc.__main__ import main
from xsc.cli import app, hoist
from xsc.commands.packages_build import farm_jobs
from xsc.config import Settings
from xsc.paths import Paths
from xsc.progress import Mode


def test_a_job_is_this_command_for_one_package(tmp_path: Path) -> None:
    paths = Paths(tmp_path, tmp_path / "build", tmp_path / "cache")
    settings = Settings(paths, 3, Mode.AUTO, False)
    todo: Any = [SimpleNamespace(name="bash"), SimpleNamespace(name="dash")]
    jobs = farm_jobs(settings, todo, "failed", True)
    assert [job.name for job in jobs] == ["bash", "dash"]
    assert jobs[0].workdir == str(tmp_path)
    program, *words = jobs[0].argv
    assert program == str(tmp_path / "xsc")
    group: Any = typer.main.get_command(app)
    context = group.make_context("xsc", hoist(words))
    assert context.params["build_dir"] == paths.build
    assert context.params["jobs"] == 3
    assert words[-5:] == ["packages", "build", "bash", "--tests", "--retry=failed"]


def test_the_verb_knows_the_farm(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["packages", "build", "--help"]) == 0
    assert "--farm" in capsys.readouterr().out
