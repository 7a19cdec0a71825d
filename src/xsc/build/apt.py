# SPDX-License-Identifier: MIT
"""Debian's packages exactly as the host is configured to get them.

Nothing here names a mirror: the addresses come from apt itself. Versions are resolved against
the host's downloaded index with an empty dpkg status, so the answer is the full closure, the
same on every machine that holds the same index, and cheap enough to be part of a step's key.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
import re
import shutil
import tempfile
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

from xsc.errors import InfraError, StepFailed
from xsc.graph.step import Json
from xsc.paths import cache_home
from xsc.run import run

ARCH = "amd64"
KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"
_FIELDS = ("REPO_URI", "RELEASE", "CODENAME", "COMPONENT", "ORIGIN", "ARCHITECTURE", "FILENAME")
_INST = re.compile(r"^Inst (\S+?)(?::\S+)? \((\S+) [^[]*\[(\w+)\]")
_CONFIG = Path("/etc/apt")
_LISTS = Path("/var/lib/apt/lists")
_C_LOCALE = {"LC_ALL": "C.UTF-8"}
_UPDATE_HINT = "run: sudo apt-get update"

Runner = Callable[[Sequence[str | Path]], object]


def _beside(path: Path) -> Path:
    """Return a name for what is to become `path`; steps of one process are threads."""
    return path.with_suffix(f".{os.getpid()}-{threading.get_ident()}")


@dataclass(frozen=True)
class Mirror:
    """One Debian archive the host is configured for: main of the release, updates or security."""

    uri: str
    suite: str
    index: Path

    def line(self) -> str:
        """Return the sources.list line apt needs to find the host's index again."""
        return f"deb [arch={ARCH}] {self.uri} {self.suite} main"

    def guest_line(self) -> str:
        """Return the line for the image: signed, and without a password of the host's."""
        parts = urlsplit(self.uri)
        host = parts.netloc.rpartition("@")[2]
        uri = urlunsplit((parts.scheme, host, parts.path.rstrip("/"), "", ""))
        return f"deb [signed-by={KEYRING}] {uri} {self.suite} main"


@dataclass(frozen=True, order=True)
class Package:
    """A package at the one version that the host's index selects."""

    name: str
    version: str
    arch: str

    @property
    def spec(self) -> str:
        """Return `name=version`, which apt accepts and the step key records."""
        return f"{self.name}={self.version}"

    @property
    def filename(self) -> str:
        """Return the file name apt gives the download (colons escaped)."""
        return f"{self.name}_{self.version.replace(':', '%3a')}_{self.arch}.deb"


def parse_targets(text: str, codename: str) -> tuple[Mirror, ...]:
    """Pick Debian's own main archives of `codename` out of `apt-get indextargets` output."""
    suites = (codename, f"{codename}-updates", f"{codename}-security")
    found: dict[str, Mirror] = {}
    for line in text.splitlines():
        values = dict(zip(_FIELDS, line.split("|"), strict=False))
        if len(values) != len(_FIELDS):
            continue
        wanted = (
            values["CODENAME"] in suites
            and values["COMPONENT"] == "main"
            and values["ORIGIN"] == "Debian"
            and values["ARCHITECTURE"] == ARCH
        )
        if wanted:
            mirror = Mirror(values["REPO_URI"], values["RELEASE"], Path(values["FILENAME"]))
            found.setdefault(values["CODENAME"], mirror)
    return tuple(found[suite] for suite in suites if suite in found)


def parse_simulation(text: str) -> tuple[Package, ...]:
    """Return the packages that an `apt-get -s install` would unpack, sorted by name."""
    matches = (_INST.match(line) for line in text.splitlines())
    return tuple(sorted(Package(*match.groups()) for match in matches if match))


def _apt_state() -> list[Json]:
    """Return what tells one state of apt's configuration and lists from another."""
    folders = [_CONFIG, _CONFIG / "sources.list.d", _CONFIG / "apt.conf.d", _LISTS]
    files = [_CONFIG / "sources.list", *_CONFIG.glob("*.d/*")]
    return [
        [str(path), path.stat().st_size, path.stat().st_mtime_ns]
        for path in sorted(folders + files)
        if path.exists()
    ]


def _index_targets() -> str:
    """Return `apt-get indextargets`, from the cache if apt's state is the same as last time.

    apt checks the signature of every release file to answer, which takes half a second.
    """
    layout = "|".join(f"$({field})" for field in _FIELDS)
    argv = ["apt-get", "indextargets", "--format", layout, "Created-By: Packages"]
    state: Json = [" ".join(argv), _apt_state()]
    answer = cache_dir() / "targets.json"
    try:
        known = json.loads(answer.read_text())
        if known["state"] == state:
            return str(known["text"])
    except (OSError, ValueError, KeyError, TypeError):
        pass  # never asked, or the file was cut short
    text = run(argv, env=_C_LOCALE).stdout
    if text:
        scratch = _beside(answer)
        scratch.write_text(json.dumps({"state": state, "text": text}))
        scratch.replace(answer)
    return text


@cache
def mirrors() -> tuple[Mirror, ...]:
    """Return the host's Debian archives. InfraError when the host has none or no index."""
    codename = platform.freedesktop_os_release().get("VERSION_CODENAME", "")
    found = parse_targets(_index_targets(), codename)
    if not found or not all(mirror.index.exists() for mirror in found):
        raise InfraError(
            f"apt has no package index of Debian {codename or '(unknown release)'} main",
            hint=f"check /etc/apt/sources.list and sources.list.d, then {_UPDATE_HINT}",
        )
    return found


def options(sources: Path) -> list[str]:
    """Return apt options for a view of the host's index that the host's state cannot colour.

    The status file is empty (nothing counts as installed) and third-party sources and pins
    are left out; proxies and other transport settings of the host stay in force.
    """
    settings = {
        "Dir::Etc::sourcelist": str(sources),
        "Dir::Etc::sourceparts": "/dev/null",
        "Dir::Etc::preferences": "/dev/null",
        "Dir::Etc::preferencesparts": "/dev/null",
        "Dir::State::status": "/dev/null",
        "Dir::Cache::pkgcache": "",
        "Dir::Cache::srcpkgcache": "",
        "APT::Install-Recommends": "false",
        "APT::Architecture": ARCH,
        "Debug::NoLocking": "true",
    }
    if os.geteuid() == 0:
        settings["APT::Sandbox::User"] = "root"  # the cache need not be open to _apt
    return [arg for key, value in settings.items() for arg in ("-o", f"{key}={value}")]


def cache_dir() -> Path:
    """Return the per-user directory for downloads and resolved lists; it may be deleted."""
    path = cache_home() / "apt"
    path.mkdir(parents=True, exist_ok=True)
    return path


def write_sources() -> Path:
    """Write the host's Debian lines where apt can read them and return the file."""
    text = "".join(mirror.line() + "\n" for mirror in mirrors())
    path = cache_dir() / f"{hashlib.sha256(text.encode()).hexdigest()[:16]}.list"
    if not path.exists() or path.read_text() != text:
        scratch = _beside(path)
        scratch.write_text(text)
        scratch.replace(path)
    return path


def index_digest() -> str:
    """Return a digest that changes whenever `apt-get update` brought another index."""
    state = [
        (mirror.uri, mirror.suite, str(mirror.index), info.st_size, info.st_mtime_ns)
        for mirror in mirrors()
        for info in (mirror.index.stat(),)
    ]
    return hashlib.sha256(json.dumps(state).encode()).hexdigest()


def resolve(wanted: Sequence[str]) -> tuple[Package, ...]:
    """Return the closure of `wanted` (package names or apt patterns) without Recommends.

    The first call after an `apt-get update` runs apt's solver (2-3 s); later ones read the
    cached answer. InfraError when apt cannot satisfy the list.
    """
    request = json.dumps([index_digest(), sorted(wanted), Path(__file__).stat().st_mtime_ns])
    answer = cache_dir() / f"{hashlib.sha256(request.encode()).hexdigest()[:32]}.json"
    try:
        return tuple(Package(*row) for row in json.loads(answer.read_text()))
    except (OSError, ValueError, TypeError):
        pass  # not resolved yet, or the file was cut short: ask apt
    argv = ["apt-get", *options(write_sources()), "-s", "install", *wanted]
    result = run(argv, env=_C_LOCALE, check=False)
    packages = parse_simulation(result.stdout)
    if result.returncode or not packages:
        why = [line for line in result.stderr.splitlines() if line.startswith("E:")]
        raise InfraError(
            "apt cannot resolve the package list: " + " ".join(why or ["no answer"]),
            hint=f"correct the profile's package names, or {_UPDATE_HINT}",
        )
    rows = [[package.name, package.version, package.arch] for package in packages]
    scratch = _beside(answer)
    scratch.write_text(json.dumps(rows))
    scratch.replace(answer)
    return packages


def download(packages: Sequence[Package], runner: Runner) -> list[Path]:
    """Fetch packages into the shared cache (hash-checked by apt) and return the files.

    `runner` is the step's own run(), so that the log and the kill-with-parent rule apply.
    InfraError when a file is not to be had, mostly because the host's index is out of date.
    """
    archives = cache_dir() / "archives"
    (archives / "partial").mkdir(parents=True, exist_ok=True)
    files = [archives / package.filename for package in packages]
    missing = [p.spec for p, file in zip(packages, files, strict=True) if not file.exists()]
    if missing:
        # A file appears under its final name only when it is whole and its hash is right.
        # One for each call: two steps of one process fetch at the same time.
        scratch = Path(tempfile.mkdtemp(dir=archives / "partial"))
        try:
            argv = ["apt-get", *options(write_sources()), "download", *missing]
            runner(["env", f"--chdir={scratch}", *argv])
        except StepFailed as error:
            raise InfraError(f"apt cannot fetch packages: {error}", hint=_UPDATE_HINT) from error
        for file in scratch.glob("*.deb"):
            file.replace(archives / file.name)
        shutil.rmtree(scratch)
    lost = [file.name for file in files if not file.exists()]
    if lost:
        raise InfraError(f"apt did not deliver {', '.join(lost[:5])}", hint=_UPDATE_HINT)
    return files
