# SPDX-License-Identifier: MIT
"""A source archive on loopback that has lost some of its files, and is asked by the real apt."""

from __future__ import annotations

import functools
import hashlib
import os
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.utils import formatdate
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote

import packagekit
import pytest

from xsc.build import apt, apt_source
from xsc.errors import StepFailed
from xsc.graph.step import Step, StepContext
from xsc.packages import archive, steps
from xsc.packages.recipe import Recipe

BEGAN = 1_700_000_000
SUITE = "suite"
INDEX = "main/source/Sources"


class TrustedMirror(apt.Mirror):
    """An archive whose index is not signed."""

    def line(self) -> str:
        """Return the line that apt reads."""
        return f"deb [arch=amd64 trusted=yes] {self.uri} {self.suite} main"


@dataclass
class SourceArchive:
    """Sources by name, each with its versions; files are there of those that are not lost."""

    root: Path
    sources: dict[str, list[str]]
    lost: set[str] = field(default_factory=set)
    """Versions, of whatever source."""
    asked: list[str] = field(default_factory=list)
    """What was asked for, but not delivered."""
    on_loss: Callable[[], None] | None = None
    """Called whenever a file is not there."""
    published: int = 0

    def publish(self) -> None:
        """Write files and another index of them."""
        self.published += 1
        stanzas = [self._stanza(name, one) for name, those in self.sources.items() for one in those]
        # Its size tells one index from another of the same second.
        text = "\n".join(stanzas) + "\n" * self.published
        place = self.root / "dists" / SUITE
        (place / INDEX).parent.mkdir(parents=True, exist_ok=True)
        digest = hashlib.sha256(text.encode()).hexdigest()
        when = BEGAN + 60 * self.published
        (place / INDEX).write_text(text)
        (place / "Release").write_text(
            f"Suite: {SUITE}\nCodename: {SUITE}\nDate: {formatdate(when, usegmt=True)}\n"
            f"Components: main\nArchitectures: amd64\nSHA256:\n {digest} {len(text)} {INDEX}\n"
        )
        for path in (place / INDEX, place / "Release"):
            os.utime(path, (when, when))

    def file(self, name: str, version: str) -> Path:
        """Return where the file of a source is, if it is there. Its name has no epoch."""
        return self.root / "pool" / f"{name}_{version.rpartition(':')[2]}.dsc"

    def bring(self, name: str, version: str) -> None:
        """Put the file of a source where the index says that it is."""
        self.file(name, version).write_text(f"{name} {version}\n")

    def _stanza(self, name: str, version: str) -> str:
        text = f"{name} {version}\n"
        path = self.file(name, version)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.unlink(missing_ok=True)
        if version not in self.lost:
            self.bring(name, version)
        digest = hashlib.sha256(text.encode()).hexdigest()
        return (
            f"Package: {name}\nBinary: {name}\nVersion: {version}\nDirectory: pool\n"
            f"Checksums-Sha256:\n {digest} {len(text)} {path.name}\n"
        )

    @contextmanager
    def served(self) -> Iterator[str]:
        """Yield the address while the archive is served."""
        source = self

        class Handler(SimpleHTTPRequestHandler):
            def log_message(self, format: str, *args: object) -> None:
                del format, args

            def send_error(
                self, code: int, message: str | None = None, explain: str | None = None
            ) -> None:
                if self.path.endswith(".dsc"):
                    source.asked.append(unquote(Path(self.path).name))
                    if source.on_loss:
                        source.on_loss()
                super().send_error(code, message, explain)

        handler = functools.partial(Handler, directory=str(self.root))
        with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
            thread = threading.Thread(target=server.serve_forever)
            thread.start()
            yield f"http://127.0.0.1:{server.server_port}"
            server.shutdown()
            thread.join()


def build(root: Path, name: str, version: str, context: StepContext) -> None:
    """Fetch a source, and do with it what the file of the package's name says."""
    apt_source.download(name, version, context.run)
    packagekit.build(root, name, context)


def package_steps(root: Path, recipe: Recipe, left_out: Sequence[str] = ()) -> tuple[Step, Step]:
    """Return the steps of a source package of the archive."""
    name, version = recipe.source.name, recipe.source.version
    if not (root / name).exists():
        raise StepFailed(f"the test has no file for {name}")
    made = Step(
        f"package-{name}",
        functools.partial(build, root, name, version),
        params=functools.partial(dict, version=version),
    )
    scanned = functools.partial(packagekit.scan, root, name)
    return made, Step(f"traps-{name}", scanned, needs=(made.name,))


def use(monkeypatch: pytest.MonkeyPatch, root: Path, address: str) -> None:
    """Have apt know the archive alone, and packages be built as `package_steps` says."""
    index = root / "Packages"
    index.touch()
    options = apt.options
    direct = ["-o", "Acquire::http::Proxy::127.0.0.1=DIRECT"]
    monkeypatch.setenv("XDG_CACHE_HOME", str(root / "home"))
    monkeypatch.setattr(apt, "mirrors", lambda: (TrustedMirror(address, SUITE, index),))
    monkeypatch.setattr(apt, "options", lambda sources: [*options(sources), *direct])
    needed = (apt.Package("make", "1", "amd64"),)
    monkeypatch.setattr(archive, "closure", lambda source, profiles: needed)
    monkeypatch.setattr(archive, "is_solved", lambda source, profiles: True)
    monkeypatch.setattr(steps, "package_steps", functools.partial(package_steps, root))
