# SPDX-License-Identifier: MIT
"""Linters are tests: what they find fails the suite."""

from __future__ import annotations

import ast
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
SOURCE_SUFFIXES = {".py", ".c", ".cc", ".h", ".S", ".sh", ".toml", ".awk", ".pml"}
PYTHON_LINES = 400
FUNCTION_LINES = 50
C_LINES = 1000
SHELL_LINES = 150
TRACKED_BYTES = 1 << 20
LICENCES = {
    "linux/overlay/include/uapi": "(GPL-2.0 WITH Linux-syscall-note) OR MIT",
    "linux/overlay": "GPL-2.0",
    "linux/model": "GPL-2.0-only",
    "glibc/overlay": "LGPL-2.1-or-later",
    "src": "MIT",
    "packaging": "MIT",
    "toolchain": "MIT",
    # GCC loads plugins under a licence that is compatible with its own.
    "toolchain/plugin": "GPL-3.0-or-later",
}
# One letter of each in brackets, so that this file does not contain what it forbids.
REGISTRY_HOSTS = (
    r"(deb|security|snapshot|ftp)\.[d]ebian\.org",
    r"[p]ypi\.org",
    r"[p]ythonhosted\.org",
    r"registry\.[n]pmjs\.org",
)
MACHINE_PATHS = (r"(^|[^A-Za-z0-9_.])/([w]ork|[f]arm)/", r"/root/\.[p]yenv", r"/[h]ome/[a-z]+/")
STATUS_NAMES = re.compile(r"STATUS|COMPLETE(?!LY)", re.ASCII)


def tracked() -> list[Path]:
    """Return the files git tracks or would track, relative to the checkout."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    names = sorted({Path(name) for name in listed.stdout.split("\0") if name})
    return [name for name in names if (ROOT / name).is_file()]


def first_lines(path: Path, count: int = 3) -> str:
    """Return the beginning of a text file."""
    return "\n".join((ROOT / path).read_text(errors="replace").splitlines()[:count])


def is_shell(path: Path) -> bool:
    """Say whether a file is a shell script, by its name or its first line."""
    with (ROOT / path).open("rb") as stream:
        start = stream.read(40)
    return path.suffix == ".sh" or bool(re.match(rb"#!\s*/(usr/)?bin/(env )?(ba|da)?sh\b", start))


def is_text(path: Path) -> bool:
    """Say whether a file holds no NUL byte."""
    return b"\0" not in (ROOT / path).read_bytes()


def check_tool(*argv: str) -> None:
    """Fail with the output of a tool that is not content."""
    result = subprocess.run(argv, cwd=ROOT, capture_output=True, text=True)
    assert result.returncode == 0, f"{' '.join(argv)}\n{result.stdout}{result.stderr}"


def need(tool: str) -> None:
    """Skip without `tool`, except in continuous integration, where its absence is a failure."""
    if shutil.which(tool) is None:
        if os.environ.get("CI"):
            pytest.fail(f"{tool} is not installed")
        pytest.skip(f"{tool} is not installed")


def test_ruff_check() -> None:
    check_tool(sys.executable, "-m", "ruff", "check", "--no-cache", ".")


def test_ruff_format() -> None:
    check_tool(sys.executable, "-m", "ruff", "format", "--no-cache", "--check", ".")


@pytest.mark.timeout(300)
def test_mypy_strict(settings: object) -> None:
    check_tool(sys.executable, "-m", "mypy", "--cache-dir", str(ROOT / "build" / "mypy"))


def test_shellcheck() -> None:
    need("shellcheck")
    scripts = [str(path) for path in tracked() if is_shell(path)]
    assert "xsc" in scripts
    check_tool("shellcheck", *scripts)


def test_every_source_names_its_licence() -> None:
    missing = [
        str(path)
        for path in tracked()
        if (path.suffix in SOURCE_SUFFIXES or is_shell(path))
        and path.parts[:2] != ("tests", "data")
        and "SPDX-License-Identifier:" not in first_lines(path)
        and path.name != "pyproject.toml"
    ]
    assert not missing


def test_licences_fit_their_directories() -> None:
    wrong = []
    for path in tracked():
        if path.suffix not in SOURCE_SUFFIXES:
            continue
        where = max(
            (prefix for prefix in LICENCES if path.is_relative_to(prefix)), key=len, default=None
        )
        if where is not None and LICENCES[where] not in first_lines(path):
            wrong.append(f"{path}: not {LICENCES[where]}")
    assert not wrong


def test_files_have_one_concern() -> None:
    limits = {
        ".py": PYTHON_LINES,
        ".c": C_LINES,
        ".cc": C_LINES,
        ".h": C_LINES,
        ".S": C_LINES,
        ".sh": SHELL_LINES,
    }
    too_long = []
    for path in tracked():
        limit = SHELL_LINES if is_shell(path) else limits.get(path.suffix)
        lines = (ROOT / path).read_bytes().count(b"\n")
        if limit is not None and lines > limit:
            too_long.append(f"{path}: {lines} lines, limit {limit}")
    assert not too_long


def test_functions_are_short() -> None:
    too_long = []
    for path in tracked():
        if path.suffix != ".py":
            continue
        for node in ast.walk(ast.parse((ROOT / path).read_text())):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                assert node.end_lineno is not None
                lines = node.end_lineno - node.body[0].lineno + 1
                if lines > FUNCTION_LINES:
                    too_long.append(f"{path}: {node.name} has {lines} lines")
    assert not too_long


def test_tracked_files_are_small() -> None:
    big = [str(path) for path in tracked() if (ROOT / path).stat().st_size > TRACKED_BYTES]
    assert not big


@pytest.mark.parametrize("pattern", [*REGISTRY_HOSTS, *MACHINE_PATHS])
def test_no_file_names_a_registry_or_a_machine(pattern: str) -> None:
    forbidden = re.compile(pattern, re.MULTILINE)
    hits = []
    for path in tracked():
        if is_text(path):
            text = (ROOT / path).read_text(errors="replace")
            hits += [f"{path}: {found.group()}" for found in forbidden.finditer(text)]
    assert not hits


def test_no_status_files() -> None:
    assert not [str(path) for path in tracked() if STATUS_NAMES.search(path.name)]


@pytest.mark.parametrize(("name", "least"), [("requirements", 11), ("requirements-farm", 4)])
def test_lock_files_are_complete_and_portable(name: str, least: int) -> None:
    lock = (ROOT / f"{name}.lock").read_text()
    assert "://" not in lock
    entries = re.findall(r"^([a-z0-9-]+)==(\S+) \\\n    --hash=sha256:[0-9a-f]{64}$", lock, re.M)
    wanted = re.findall(r"^([a-z0-9-]+)==(\S+)$", (ROOT / f"{name}.in").read_text(), re.M)
    assert len(wanted) >= least
    assert set(wanted) <= set(entries)
