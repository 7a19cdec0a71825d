# SPDX-License-Identifier: MIT
"""`xsc doctor`."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from dataclasses import asdict

import typer

from xsc.config import Settings
from xsc.errors import EXIT_INFRA, EXIT_OK
from xsc.preflight import host, machine, registries
from xsc.preflight.check import Finding, Verdict
from xsc.progress import Mode

COLOURS = {Verdict.OK: "green", Verdict.WARN: "yellow", Verdict.FAIL: "red"}


def doctor(ctx: typer.Context) -> int:
    """Check this machine before a build: each problem comes with a remedy. Installs nothing."""
    settings: Settings = ctx.obj
    failed = False
    groups: tuple[Callable[[], list[Finding]], ...] = (
        lambda: host.all_findings(settings.paths),
        registries.all_findings,
        machine.all_findings,
    )
    for group in groups:
        for finding in group():
            show(finding, settings.progress)
            failed = failed or finding.verdict is Verdict.FAIL
    if settings.progress is not Mode.JSON:
        print("this machine cannot build and boot XSC" if failed else "ready to build and boot XSC")
    return EXIT_INFRA if failed else EXIT_OK


def show(finding: Finding, mode: Mode) -> None:
    """Print one finding as soon as it is known: some checks take seconds."""
    if mode is Mode.JSON:
        print(json.dumps(asdict(finding)), flush=True)
        return
    word = f"{finding.verdict:<5}"
    if sys.stdout.isatty():
        word = typer.style(word, fg=COLOURS[finding.verdict])
    print(f"{word} {finding.check:<13} {finding.text}")
    if finding.remedy:
        print(f"      {'':<13} -> {finding.remedy}", flush=True)
