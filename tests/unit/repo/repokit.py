# SPDX-License-Identifier: MIT
"""Packages, repositories, a server and a private apt for tests: all real, none needs root."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

from xsc.repo.deb import write_deb
from xsc.repo.keys import KeyStore
from xsc.repo.publish import Repository, Request, publish
from xsc.repo.server import Server, source_line

EPOCH = 1_790_000_000
APT_SECONDS = 50
_FOLDERS = (
    *("lists/partial", "cache/archives/partial", "etc/preferences.d", "log"),
    *("root/var/lib/dpkg/updates", "root/var/lib/dpkg/info"),
)


def make_deb(folder: Path, name: str, version: str = "1.0", **fields: str) -> Path:
    """Write a package with one file, which holds its version."""
    folder.mkdir(parents=True, exist_ok=True)
    control = {
        "Package": name,
        "Version": version,
        "Architecture": "all",
        "Maintainer": "Nobody <nobody@xsc.invalid>",
        **fields,
        "Description": f"package {name} for tests",
    }
    path = folder / f"{name}_{version}_{control['Architecture']}.deb"
    write_deb(path, control, {f"usr/share/{name}/version": f"{version}\n".encode()}, EPOCH)
    return path


def make_repository(store: KeyStore, out: Path, *debs: Path, **how: object) -> Repository:
    """Publish packages."""
    request = Request(debs=tuple(debs), out=out, **how)  # type: ignore[arg-type]
    return publish(request, store, lambda done, text: None)


@dataclass
class Apt:
    """apt with directories of its own, that knows one repository and nothing of the host's."""

    home: Path
    url: str
    keyring: Path
    options: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name in _FOLDERS:
            (self.home / name).mkdir(parents=True, exist_ok=True)
        self.status.touch()
        self.trust(self.keyring)
        settings = {
            "Dir::Etc": f"{self.home}/etc",
            "Dir::Etc::parts": "/dev/null",
            "Dir::Etc::main": "/dev/null",
            "Dir::Etc::trustedparts": "/dev/null",
            "Dir::State": str(self.home),
            "Dir::State::lists": f"{self.home}/lists",
            "Dir::State::status": str(self.status),
            "Dir::Cache": f"{self.home}/cache",
            "Dir::Log": f"{self.home}/log",
            "APT::Sandbox::User": "",
            "APT::Install-Recommends": "false",
            "Acquire::Languages": "none",
            "Acquire::http::Proxy": "DIRECT",
            "Acquire::Retries": "0",
            **self.options,
        }
        lines = [f'{name} "{value}";' for name, value in settings.items()]
        for word in ("--root", "--admindir"):
            place = self.root if word == "--root" else self.status.parent
            lines.append(f'Dpkg::Options:: "{word}={place}";')
        lines += ['Dpkg::Options:: "--force-not-root";', 'Dpkg::Options:: "--log=/dev/null";']
        (self.home / "apt.conf").write_text("\n".join(lines) + "\n")

    @property
    def root(self) -> Path:
        """Where packages are installed."""
        return self.home / "root"

    @property
    def status(self) -> Path:
        """dpkg's own record of what is installed there."""
        return self.root / "var/lib/dpkg/status"

    def trust(self, keyring: Path) -> None:
        """Check signatures with another keyring from now on."""
        self.keyring = keyring
        line = source_line(self.url, "xsc", str(keyring))
        (self.home / "etc/sources.list").write_text(line + "\n")

    def run(self, program: str, *words: str) -> subprocess.CompletedProcess[str]:
        """Run one of apt's programs in an empty directory of its own."""
        place = self.home / "downloads"
        place.mkdir(exist_ok=True)
        path = f"{os.environ['PATH']}:/usr/sbin:/sbin"
        env = {"APT_CONFIG": str(self.home / "apt.conf"), "LC_ALL": "C.UTF-8", "PATH": path}
        argv = [program, *words]
        return subprocess.run(
            argv, cwd=place, env=env, capture_output=True, text=True, timeout=APT_SECONDS
        )

    def update(self) -> str:
        """Run `apt-get update`; return what it says, or raise AssertionError if it is refused."""
        done = self.run("apt-get", "update", "--error-on=any")
        assert done.returncode == 0, done.stderr
        return done.stdout

    def refusal(self, *words: str) -> str:
        """Return the errors of an apt-get that must fail."""
        done = self.run("apt-get", *words)
        assert done.returncode != 0, done.stdout
        return done.stderr

    def candidate(self, package: str) -> str:
        """Return the version that apt would install."""
        done = self.run("apt-cache", "policy", package)
        found = [line for line in done.stdout.splitlines() if line.startswith("  Candidate: ")]
        return found[0].split()[-1] if found else "(none)"


class Web:
    """A served repository, and what was asked of it."""

    def __init__(self, root: Path) -> None:
        self.requests: list[str] = []
        self.server = Server(root, "127.0.0.1", 0, self.requests.append)
        self.url = self.server.url
