# SPDX-License-Identifier: MIT
"""Hand a repository out over HTTP, on a local network."""

from __future__ import annotations

import io
import socket
import threading
from collections.abc import Callable
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import BinaryIO

from xsc.errors import InfraError, UsageError
from xsc.repo.publish import KEYRING_FILE, KEYRING_PLACE

IDLE_SECONDS = 60
ANY = "0.0.0.0"
# For documents only, never assigned: asking for the way there sends nothing.
_ELSEWHERE = ("192.0.2.1", 9)


class _Handler(SimpleHTTPRequestHandler):
    # Connections are kept: apt asks for hundreds of files.
    protocol_version = "HTTP/1.1"
    timeout = IDLE_SECONDS
    server_version = "xsc"

    def __init__(self, *words: object, note: Callable[[str], None], directory: str) -> None:
        self._note = note
        super().__init__(*words, directory=directory)  # type: ignore[arg-type]

    def send_head(self) -> io.BytesIO | BinaryIO | None:
        """Answer with the file: it may have been replaced within the second that is its date."""
        del self.headers["If-Modified-Since"]
        return super().send_head()

    def log_message(self, format: str, *args: object) -> None:
        self._note(f"{self.address_string()} {format % args}")


class Server:
    """A repository that is being served until close()."""

    def __init__(self, root: Path, address: str, port: int, note: Callable[[str], None]) -> None:
        suites = sorted(path.parent.name for path in root.glob("dists/*/InRelease"))
        if not suites:
            raise UsageError(f"{root} is no repository", hint="make one: ./xsc repo build")
        self.suites = suites
        self._asked = address
        handler = partial(_Handler, note=note, directory=str(root))
        try:
            self._http = ThreadingHTTPServer((address, port), handler)
        except OSError as error:
            raise InfraError(
                f"cannot listen on {address} port {port}: {error.strerror}",
                hint="choose another --port (0: any that is free) or --address",
            ) from error
        # A download may be in progress: close() waits for it, but not for idle connections.
        self._http.daemon_threads = True
        self._thread = threading.Thread(target=self._http.serve_forever, name="repository")
        self._thread.start()

    @property
    def url(self) -> str:
        """Return the address under which others reach this server."""
        host, port = self._http.server_address[:2]
        name = own_address() if self._asked == ANY else str(host)
        return f"http://{name}:{port}"

    def lines(self) -> list[str]:
        """Return how to use the repository, for people."""
        return [
            f"serving {self.url}",
            "on the machine that shall use it:",
            f"  busybox wget -O /{KEYRING_PLACE} {self.url}/{KEYRING_FILE}",
            "and in /etc/apt/sources.list.d/xsc.list:",
            *(f"  {source_line(self.url, suite)}" for suite in self.suites),
        ]

    def close(self) -> None:
        """Answer nothing more."""
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()


def own_address() -> str:
    """Return the address of this machine on the network it is reached by."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(_ELSEWHERE)
            return str(probe.getsockname()[0])
        except OSError:  # no network: the name is the better guess
            return socket.gethostname()


def source_line(url: str, suite: str, keyring: str = f"/{KEYRING_PLACE}") -> str:
    """Return the line for apt's list of sources."""
    return f"deb [signed-by={keyring}] {url} {suite} main"
