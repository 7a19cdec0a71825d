# SPDX-License-Identifier: MIT
"""Pages as a person sees them: Debian's Chromium without a window, steered through a pipe."""

from __future__ import annotations

import json
import os
import select
import subprocess
import time
from pathlib import Path
from types import TracebackType
from typing import Any

ANSWER_SECONDS = 60.0
END_SECONDS = 30.0
PATIENCE_SECONDS = 90.0
CHROMIUM = (
    *("chromium", "--headless", "--disable-gpu", "--disable-quic", "--no-first-run"),
    # Its sandbox refuses to be root's.
    "--no-sandbox",
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
    # Nothing but this machine can be reached: a page that wants more shows it.
    *("--no-proxy-server", "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"),
    # It ends when the pipe is closed, however this process ends.
    "--remote-debugging-pipe",
)
PIPE = 'exec "$@" 3<&0 4>&1 </dev/null >&2'
"""It reads commands from descriptor 3 and answers on 4."""


class Browser:
    """A browser with a profile of its own, until the end of the `with` block."""

    def __init__(self, folder: Path) -> None:
        """Start it; `folder` is made, for its profile and what it complains of."""
        folder.mkdir()
        argv = ["sh", "-c", PIPE, "sh", *CHROMIUM, f"--user-data-dir={folder / 'profile'}"]
        with (folder / "said").open("w") as said:
            self._process = subprocess.Popen(
                argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=said
            )
        assert self._process.stdin and self._process.stdout
        self._commands, self._answers = self._process.stdin, self._process.stdout
        self._said = folder / "said"
        self._received = b""
        self._number = 0

    def __enter__(self) -> Browser:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._commands.close()
        try:
            self._process.wait(END_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._answers.close()

    def open(self, url: str) -> str:
        """Open a page of its own, with nothing of others on it, and return its name."""
        target = self._ask("Target.createTarget", url=url)["targetId"]
        attached = self._ask("Target.attachToTarget", targetId=target, flatten=True)
        return str(attached["sessionId"])

    def wait_for(self, page: str, words: str) -> None:
        """Wait until a page, whose scripts are at work, shows `words`."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while words not in (shown := self._text(page)):
            assert time.monotonic() < deadline, f"{words!r} does not appear: {shown!r}"
            time.sleep(0.1)

    def _text(self, page: str) -> str:
        words = "document.body ? document.body.innerText : ''"
        answer = self._ask("Runtime.evaluate", page, expression=words)
        return str(answer.get("result", {}).get("value", ""))

    def _ask(self, method: str, page: str | None = None, **parameters: object) -> Any:
        """Have a command carried out and return its result, which is empty if that failed."""
        self._number += 1
        command: dict[str, object] = {"id": self._number, "method": method, "params": parameters}
        if page is not None:
            command["sessionId"] = page
        self._commands.write(json.dumps(command).encode() + b"\0")
        self._commands.flush()
        while (answer := self._next()).get("id") != self._number:
            pass  # an event, of which nobody has asked to be told
        return answer.get("result", {})

    def _next(self) -> Any:
        """Return the next message of the browser."""
        deadline = time.monotonic() + ANSWER_SECONDS
        while b"\0" not in self._received:
            left = max(0.0, deadline - time.monotonic())
            ready, _, _ = select.select([self._answers], [], [], left)
            piece = os.read(self._answers.fileno(), 1 << 16) if ready else b""
            assert piece, f"the browser is silent: {self._said.read_text()[-2000:]}"
            self._received += piece
        message, _, self._received = self._received.partition(b"\0")
        return json.loads(message)
