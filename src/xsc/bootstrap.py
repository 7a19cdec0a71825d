# SPDX-License-Identifier: MIT
"""First stage of ./xsc: prepare the machine, then become the command line.

Standard library only, because this runs before anything is installed. It makes two things true:
the Debian packages that the verb needs are installed (announced first), and a virtualenv with
exactly the locked dependencies exists. Both are checked in milliseconds once they are true.
"""

from __future__ import annotations

import fcntl
import hashlib
import importlib.util
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
LOCKFILE = ROOT / "requirements.lock"
PACKAGES = ROOT / "packaging" / "host-packages.toml"
TESTS = "test"
"""The verb, and the group of packages, of the tests."""
APT_LISTS = Path("/var/lib/apt/lists")
VERBS_WITH_PACKAGES = frozenset({"build", "packages", "repo", "run", "suite", "test", "vm"})
NO_WORK_OPTIONS = frozenset({"--help", "--dry-run"})
VALUE_OPTIONS = frozenset({"--progress", "--build-dir", "-j", "--jobs"})
EXIT_INFRA = 2
START = (
    "import sys, runpy; sys.path.insert(0, sys.argv.pop(1)); sys.argv[0] = 'xsc'; "
    "runpy.run_module('xsc', run_name='__main__')"
)


def say(text: str) -> None:
    """Tell the user something on stderr; stdout belongs to the verb."""
    print(f"xsc: {text}", file=sys.stderr, flush=True)


def fail(what: str, remedy: str) -> int:
    """Print a failure with its remedy and return the exit code for infrastructure errors."""
    print(f"xsc: error: {what}\n  remedy: {remedy}", file=sys.stderr, flush=True)
    return EXIT_INFRA


def verb_of(arguments: Sequence[str]) -> str | None:
    """Return the verb among the arguments, or None."""
    skip = False
    for word in arguments:
        if skip:
            skip = False
        elif word in VALUE_OPTIONS:
            skip = True
        elif not word.startswith("-"):
            return word
    return None


def needs_packages(arguments: Sequence[str]) -> bool:
    """Say whether this command line builds or boots anything."""
    own = list(arguments)
    if "--" in own:
        own = own[: own.index("--")]
    return verb_of(own) in VERBS_WITH_PACKAGES and not NO_WORK_OPTIONS.intersection(own)


def wanted_packages(data: Path, verb: str | None) -> dict[str, str]:
    """Return Debian package names with the reason for each, from a TOML file.

    What tests need, a server among it, is only for `verb` test.
    """
    import tomllib  # not needed by a verb without packages

    groups = tomllib.loads(data.read_text(encoding="utf-8"))
    chosen = [group for name, group in groups.items() if name != TESTS or verb == TESTS]
    return {name: reason for group in chosen for name, reason in group.items()}


def missing_packages(names: Sequence[str]) -> list[str]:
    """Return those of `names` that dpkg does not know as installed, in order."""
    query = ["dpkg-query", "-W", "-f", "${Package} ${db:Status-Status}\n", *names]
    result = subprocess.run(query, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    installed = {
        line.split()[0] for line in result.stdout.splitlines() if line.endswith(" installed")
    }
    return [name for name in names if name not in installed]


def as_root(argv: Sequence[str]) -> list[str]:
    """Return `argv`, prefixed with sudo unless this process is root already."""
    return list(argv) if os.geteuid() == 0 else ["sudo", *argv]


def apt(*words: str) -> bool:
    """Run apt-get without questions; its output goes to stderr. Say whether it succeeded."""
    argv = ["env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-q"]
    argv += ["-o", "DPkg::Lock::Timeout=600", "-o", "Dpkg::Use-Pty=0"]
    done = subprocess.run(
        as_root([*argv, *words]), stdin=subprocess.DEVNULL, stdout=sys.stderr, check=False
    )
    return done.returncode == 0


def install_packages(names: Sequence[str]) -> bool:
    """Install Debian packages; recover from an installation that was interrupted before."""
    install = ["install", "-y", "--no-install-recommends", *names]
    # The lists may be absent or old. If the registry is away, the lists at hand may still do.
    apt("update")
    if apt(*install):
        return True
    subprocess.run(
        as_root(["dpkg", "--configure", "-a"]), stdin=subprocess.DEVNULL, stdout=sys.stderr
    )
    return apt(*install)


def ensure_packages(verb: str | None) -> int:
    """Make sure that the host packages for `verb` are installed. Return 0 or an exit code."""
    if shutil.which("dpkg-query") is None:
        return fail("this is not a Debian system", "run XSC on Debian 12 (a container will do)")
    wanted = wanted_packages(PACKAGES, verb)
    missing = missing_packages(list(wanted))
    if not missing:
        return ensure_lists()
    say(f"installing {len(missing)} Debian packages (and what they depend on):")
    for name in missing:
        print(f"  {name:<24} {wanted[name]}", file=sys.stderr, flush=True)
    if os.geteuid() != 0 and shutil.which("sudo") is None:
        return fail(
            "installing packages needs root, and there is no sudo",
            f"as root: apt-get install --no-install-recommends {' '.join(missing)}",
        )
    if not install_packages(missing):
        return fail(
            "apt-get could not install the packages above",
            "`./xsc doctor` checks the registry and the apt sources; then run this again",
        )
    return 0


def ensure_lists() -> int:
    """Make sure that apt has package indexes: the image is made of what they list."""
    if any(APT_LISTS.glob("*_Packages*")):
        return 0
    say("apt has no package indexes: running apt-get update")
    if apt("update"):
        return 0
    return fail("apt-get update failed", "`./xsc doctor` checks the registry and the apt sources")


def cache_home() -> Path:
    """Return the cache directory; the same rule as in xsc.paths, which needs the package."""
    base = os.environ.get("XDG_CACHE_HOME", "")
    home = Path(base) if base.startswith("/") else Path.home() / ".cache"
    return home / "xsc"


def venv_key(lockfile: Path = LOCKFILE) -> str:
    """Return the name of the virtualenv: it changes with the locked versions and the python."""
    facts = f"{sys.version}\n{os.path.realpath(sys.executable)}\n".encode()
    return hashlib.sha256(facts + lockfile.read_bytes()).hexdigest()[:16]


def create_venv(final: Path, lockfile: Path = LOCKFILE) -> int:
    """Create the virtualenv `final`, under a temporary name first: it is whole or absent."""
    final.parent.mkdir(parents=True, exist_ok=True)
    with (final.parent / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("waiting for another xsc that prepares the Python environment")
            fcntl.flock(lock, fcntl.LOCK_EX)
        if final.exists():
            return 0
        if importlib.util.find_spec("ensurepip") is None:
            say("installing the Debian package python3-venv (for the tool's own dependencies)")
            if not install_packages(["python3-venv"]):
                return fail("cannot install python3-venv", "install it with apt-get by hand")
        for leftover in final.parent.glob("*.tmp"):
            shutil.rmtree(leftover)
        count = lockfile.read_text().count("==")
        say(f"installing {count} locked Python packages into {final} (once)")
        scratch = final.with_suffix(".tmp")
        code = fill_venv(scratch, lockfile, lock.fileno())
        if code == 0:
            scratch.rename(final)
        return code


def fill_venv(scratch: Path, lockfile: Path, lock: int) -> int:
    """Create a virtualenv at `scratch` with exactly the locked packages.

    The children inherit the lock: if this process is killed, the next one waits until they ended.
    """
    pip = [str(scratch / "bin" / "python"), "-m", "pip", "--disable-pip-version-check", "install"]
    pip += ["--quiet", "--require-hashes", "--only-binary", ":all:", "-r", str(lockfile)]
    for argv in ([sys.executable, "-m", "venv", str(scratch)], pip):
        done = subprocess.run(
            argv,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            pass_fds=(lock,),
        )
        if done.returncode != 0:
            sys.stderr.write(done.stdout.decode(errors="replace"))
            return fail(
                f"cannot prepare the Python environment: {' '.join(argv[1:4])} failed (see above)",
                "check that pip reaches its index as configured (pip config list), then try again",
            )
    return 0


def open_standard_streams() -> None:
    """Make sure that descriptors 0 to 2 exist, or the next file opened would become one of them."""
    for descriptor in (0, 1, 2):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR)
            os.set_inheritable(descriptor, True)


def main(arguments: Sequence[str]) -> int:
    """Prepare what the arguments need, then replace this process by the command line.

    Returns an exit code only if the preparation failed.
    """
    open_standard_streams()
    venv = cache_home() / "venv" / venv_key()
    if not venv.exists():
        if "_XSC_COMPLETE" in os.environ:
            return 0
        code = create_venv(venv)
        if code != 0:
            return code
    code = ensure_packages(verb_of(arguments)) if needs_packages(arguments) else 0
    if code != 0:
        return code
    python = str(venv / "bin" / "python")
    os.execv(python, [python, "-I", "-c", START, str(ROOT / "src"), *arguments])


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        say("interrupted; run the same command again to go on")
        sys.exit(130)
    except OSError as problem:
        remedy = f"make {cache_home()} yours, free disk space, or choose another XDG_CACHE_HOME"
        sys.exit(fail(f"cannot prepare the Python environment: {problem}", remedy))
