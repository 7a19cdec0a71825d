# SPDX-License-Identifier: MIT
"""The one gateway to other programs.

Every child gets its own session, so that Ctrl-C reaches XSC alone, which then ends the whole group,
and it dies with the thread that started it (a SIGKILL of XSC must not leave a compiler running).
"""

from __future__ import annotations

import os
import shlex
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, TextIO

from xsc.errors import InfraError, StepFailed

GRACE_SECONDS = 3.0
TAIL_LINES = 25
SYSTEM_PATH = ("/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin")
KEPT_VARIABLES = frozenset(
    {
        *("HOME", "USER", "LOGNAME", "TERM", "TMPDIR", "XDG_CACHE_HOME"),
        *("http_proxy", "https_proxy", "ftp_proxy", "no_proxy", "all_proxy"),
        *("HTTP_PROXY", "HTTPS_PROXY", "FTP_PROXY", "NO_PROXY", "ALL_PROXY"),
        *("SSL_CERT_FILE", "SSL_CERT_DIR"),
    }
)

_live: set[subprocess.Popen[str]] = set()
_live_lock = threading.Lock()
_stopping = threading.Event()


def quote(argv: Sequence[str | Path]) -> str:
    """Return `argv` as one line that can be pasted into a shell."""
    return shlex.join(str(word) for word in argv)


def kept_env() -> dict[str, str]:
    """Return what a build step may see of this process's environment: how to reach the network.

    Everything else (CFLAGS, a shim at the head of PATH, ...) would change outputs behind the back
    of the key, which does not hold it.
    """
    return {name: value for name, value in os.environ.items() if name in KEPT_VARIABLES}


def merged_env(
    extra: Mapping[str, str | None] | None, base: Mapping[str, str] | None = None
) -> dict[str, str]:
    """Return `base` (this process's environment) with `extra` on top; None removes a name.

    The directories of administration tools are always in PATH: users other than root lack them.
    """
    env = dict(os.environ if base is None else base)
    path = env.get("PATH", "").split(":")
    env["PATH"] = ":".join([*filter(None, path), *(d for d in SYSTEM_PATH if d not in path)])
    for name, value in (extra or {}).items():
        if value is None:
            env.pop(name, None)
        else:
            env[name] = value
    return env


def _require(program: str, env: Mapping[str, str], cwd: Path | None) -> None:
    """Raise InfraError if `program` cannot be found, naming the remedy."""
    base = cwd if cwd is not None else Path.cwd()
    found = (base / program).exists() if "/" in program else shutil.which(program, path=env["PATH"])
    if not found:
        raise InfraError(
            f"the program {program!r} is not installed",
            hint="`./xsc doctor` lists the Debian packages that are missing",
        )


def _popen(
    argv: Sequence[str],
    cwd: Path | None,
    env: Mapping[str, str],
    streams: tuple[int | None, int | IO[str], int | IO[str]],
    keep_fds: Sequence[int],
) -> subprocess.Popen[str]:
    stdin, stdout, stderr = streams
    # setpriv execs the program: no process stands between us and it.
    guarded = ["setpriv", "--pdeathsig", "KILL", "--", *argv]
    with _live_lock:
        if _stopping.is_set():
            raise KeyboardInterrupt
        process = subprocess.Popen(
            guarded,
            cwd=cwd,
            env=dict(env),
            stdin=stdin,
            stdout=stdout,
            stderr=stderr,
            text=True,
            errors="replace",
            start_new_session=True,
            pass_fds=tuple(keep_fds),
        )
        _live.add(process)
    return process


def run(
    argv: Sequence[str | Path],
    *,
    cwd: Path | None = None,
    env: Mapping[str, str | None] | None = None,
    base_env: Mapping[str, str] | None = None,
    input: str | None = None,
    check: bool = True,
    log: TextIO | None = None,
    capture: bool = False,
    timeout: float | None = None,
    keep_fds: Sequence[int] = (),
) -> subprocess.CompletedProcess[str]:
    """Run a program to its end and return its output.

    With `log`, the command line and both output streams go there and the result carries no text,
    unless `capture` asks for stdout too; without `log`, stdout and stderr are captured apart.
    `timeout` is in seconds. `env` is laid over `base_env` (this process's environment).

    Raises StepFailed if `check` is set and the exit code is not 0, InfraError if the program is
    missing or exceeds `timeout`.
    """
    words = [str(word) for word in argv]
    full_env = merged_env(env, base_env)
    _require(words[0], full_env, cwd)
    stdin = subprocess.DEVNULL if input is None else subprocess.PIPE
    if log is not None:
        print(f"+ {quote(words)}", file=log, flush=True)
        sinks = (stdin, subprocess.PIPE, log) if capture else (stdin, log, subprocess.STDOUT)
        process = _popen(words, cwd, full_env, sinks, keep_fds)
    else:
        streams = (stdin, subprocess.PIPE, subprocess.PIPE)
        process = _popen(words, cwd, full_env, streams, keep_fds)
    try:
        out, err = process.communicate(input, timeout=timeout)
    except subprocess.TimeoutExpired as expired:
        raise InfraError(f"no end after {timeout:g} s: {quote(words)}") from expired
    finally:
        _reap(process)
    if log is not None and out:
        print(out, file=log, flush=True)
    result = subprocess.CompletedProcess(words, process.returncode, out or "", err or "")
    if check and result.returncode != 0:
        raise _failure(result, log)
    return result


def spawn(
    argv: Sequence[str | Path],
    *,
    stdout: int | IO[str] = subprocess.DEVNULL,
    stderr: int | IO[str] = subprocess.DEVNULL,
    env: Mapping[str, str | None] | None = None,
    keep_fds: Sequence[int] = (),
) -> subprocess.Popen[str]:
    """Start a program that outlives this call; end() must follow, whatever happens between.

    Raises InfraError if the program is missing.
    """
    words = [str(word) for word in argv]
    full_env = merged_env(env)
    _require(words[0], full_env, None)
    return _popen(words, None, full_env, (subprocess.DEVNULL, stdout, stderr), keep_fds)


def end(process: subprocess.Popen[str]) -> int:
    """End a program that spawn() started, if it still runs; return its raw exit status."""
    _reap(process)
    return process.returncode


def _failure(result: subprocess.CompletedProcess[str], log: TextIO | None) -> StepFailed:
    ended = describe_exit(result.returncode)
    message = f"{ended}: {quote(result.args)}"
    tail = "\n".join((result.stderr or result.stdout).splitlines()[-TAIL_LINES:])
    if tail:
        message += f"\n{tail}"
    hint = None
    if log is not None:
        hint = f"its output is in {log.name}"
    return StepFailed(message, hint=hint)


def describe_exit(code: int) -> str:
    """Say in words how a process ended: `exit code 2` or `killed by SIGKILL`."""
    if code >= 0:
        return f"exit code {code}"
    try:
        return f"killed by {signal.Signals(-code).name}"
    except ValueError:
        return f"killed by signal {-code}"


def _signal_group(process: subprocess.Popen[str], number: int) -> None:
    try:
        os.killpg(process.pid, number)
    except ProcessLookupError:
        pass


def _reap(process: subprocess.Popen[str]) -> None:
    """Make sure that neither the process nor anything it left in its group goes on running."""
    if process.poll() is None:
        _signal_group(process, signal.SIGTERM)
        try:
            process.wait(GRACE_SECONDS)
        except subprocess.TimeoutExpired:
            pass
    _signal_group(process, signal.SIGKILL)
    process.wait()
    for stream in (process.stdin, process.stdout, process.stderr):
        if stream is not None:
            stream.close()
    with _live_lock:
        _live.discard(process)


def stop_all() -> None:
    """End every running child and refuse new ones: the run is being interrupted."""
    with _live_lock:
        _stopping.set()
        running = list(_live)
    for process in running:
        _signal_group(process, signal.SIGTERM)


def stopping() -> bool:
    """Say whether stop_all() was called: whoever waits for something must give up."""
    return _stopping.is_set()


def interactive(
    argv: Sequence[str | Path],
    *,
    cwd: Path | None = None,
    env: Mapping[str, str | None] | None = None,
) -> int:
    """Run a program on this terminal until it ends and return its exit code (128+n if killed).

    Ctrl-C belongs to the program while it runs.
    """
    words = [str(word) for word in argv]
    full_env = merged_env(env)
    _require(words[0], full_env, cwd)
    sys.stdout.flush()
    sys.stderr.flush()
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        # setpriv would inherit the ignored SIGINT; restore_signals does not cover it.
        process = subprocess.Popen(
            ["setpriv", "--pdeathsig", "KILL", "--", *words],
            cwd=cwd,
            env=full_env,
            preexec_fn=_default_sigint,
        )
        code = process.wait()
    finally:
        signal.signal(signal.SIGINT, before)
    return code if code >= 0 else 128 - code


def _default_sigint() -> None:
    signal.signal(signal.SIGINT, signal.SIG_DFL)
