# SPDX-License-Identifier: MIT
"""What Debian has: source packages, its own builds of them, and what building one takes."""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from debian.debian_support import Version

from xsc.build import apt, apt_source, inventory
from xsc.errors import UsageError, XscError
from xsc.graph.step import Json
from xsc.packages import lost
from xsc.run import run

_BUILD_FIELDS = ("Build-Depends", "Build-Depends-Arch", "Build-Conflicts", "Build-Conflicts-Arch")
_C_LOCALE = {"LC_ALL": "C.UTF-8"}
_FORMAT = 1


class DepWait(XscError):
    """Something that a package needs to be built cannot be had."""


@dataclass(frozen=True)
class Source:
    """A source package at one version, mostly the one that Debian builds from now."""

    name: str
    version: str
    built: str
    """The version of Debian's own build, which may end in +bN."""
    files: Mapping[str, str]
    """SHA-256 of every file, by name."""
    needs: str
    """Its fields about what building takes, as a control file has them."""


def find(names: Sequence[str]) -> dict[str, Source]:
    """Return the newest source package of each name that the archive is not known to have lost.

    If it has lost every version, the newest: to ask for that one says what is the matter.

    Raises UsageError for a name that Debian does not have, InfraError without an index.
    """
    apt_source.refresh()
    gone = lost.noted(names)
    state: list[Json] = [_FORMAT, apt.index_digest(), lost.index_digest(), *sorted(names)]
    if gone:
        state.append({name: list(versions) for name, versions in gone.items()})
    answer = _answer("found", state)
    if answer.exists():
        rows = json.loads(answer.read_text())
        return {row["name"]: Source(**row) for row in rows}
    found = parse_sources(_ask(apt_source.options(), "showsrc", "--only-source", *names), gone)
    missing = [name for name in names if name not in found]
    if missing:
        raise UsageError(
            f"Debian has no source package {', '.join(missing)}",
            hint="sets of packages are in profiles/packages/",
        )
    builds = _builds(binaries for _, binaries in found.values())
    if gone:
        # Debian's builds of an older source are not the newest ones.
        others = (found[name][1] for name in gone)
        builds = {**_builds(others, "--all-versions"), **builds}
    sources = {
        name: _with_build(source, builds.get((name, source.version), source.version))
        for name, (source, _) in found.items()
    }
    _keep(answer, [asdict(source) for source in sources.values()])
    return sources


def _builds(
    binaries: Iterable[str], which: str = "--no-all-versions"
) -> dict[tuple[str, str], str]:
    every = [one.strip() for names in binaries for one in names.split(",")]
    return parse_builds(_ask(_binary_options(), "show", which, *every))


def _with_build(source: Source, built: str) -> Source:
    return replace(source, built=built)


def parse_sources(
    text: str, gone: Mapping[str, Sequence[str]] | None = None
) -> dict[str, tuple[Source, str]]:
    """Read `apt-cache showsrc`: the newest version of each source, and its binary packages.

    Versions that are `gone`, by name, are taken only where there is no other.
    """

    def rank(source: Source) -> tuple[bool, Version]:
        return source.version not in (gone or {}).get(source.name, ()), Version(source.version)

    found: dict[str, tuple[Source, str]] = {}
    for fields in inventory.paragraphs(text):
        if "Checksums-Sha256" not in fields:
            continue
        rows = (line.split() for line in fields["Checksums-Sha256"].splitlines())
        files = {row[2]: row[0] for row in rows if len(row) == 3}
        needs = "".join(f"{key}: {_one(fields[key])}\n" for key in _BUILD_FIELDS if key in fields)
        source = Source(fields["Package"], fields["Version"], fields["Version"], files, needs)
        other = found.get(source.name)
        if other is None or rank(other[0]) < rank(source):
            found[source.name] = source, _one(fields.get("Binary", ""))
    return found


def parse_builds(text: str) -> dict[tuple[str, str], str]:
    """Read `apt-cache show`: the highest version of a binary package by source and its version."""
    builds: dict[tuple[str, str], str] = {}
    for fields in inventory.paragraphs(text):
        if fields.get("Architecture") == "all":
            continue
        name, _, rest = fields.get("Source", fields["Package"]).partition(" ")
        # A version of its own stands in parentheses; packages that only share the source's name
        # have other versions altogether.
        key = name, rest.strip("()") or fields["Version"]
        known = builds.get(key)
        same = fields["Version"].startswith(key[1])
        if same and (known is None or Version(known) < Version(fields["Version"])):
            builds[key] = fields["Version"]
    return builds


def sources_of(packages: Sequence[str]) -> dict[str, str]:
    """Return the source package of each binary package."""
    answer = _answer("sources", [_FORMAT, apt.index_digest(), *sorted(packages)])
    if not answer.exists():
        text = _ask(_binary_options(), "show", "--no-all-versions", *packages)
        rows = inventory.paragraphs(text)
        found = {row["Package"]: row.get("Source", row["Package"]).split()[0] for row in rows}
        _keep(answer, dict(found))
    return dict(json.loads(answer.read_text()))


def without(source: Source, names: Sequence[str]) -> Source:
    """Return a source package that does not ask for the packages `names` any more."""
    if not names:
        return source

    def wanted(clause: str) -> bool:
        return not {one.split()[0].partition(":")[0] for one in clause.split("|")} & set(names)

    lines = []
    for line in source.needs.splitlines():
        field, _, clauses = line.partition(":")
        kept = [clause.strip() for clause in clauses.split(",") if clause.strip()]
        lines.append(f"{field}: {', '.join(clause for clause in kept if wanted(clause))}\n")
    return replace(source, needs="".join(lines))


def _one(text: str) -> str:
    return " ".join(text.split())


def closure(source: Source, profiles: Sequence[str]) -> tuple[apt.Package, ...]:
    """Return all packages that have to be installed to build `source`, without Recommends.

    The first call after an `apt-get update` asks apt's solver (3 s). Raises DepWait if it finds
    no way, with its own words.
    """
    answer = _closure_answer(source, profiles)
    if answer.exists():
        known = json.loads(answer.read_text())
    else:
        known = _solve(source, profiles)
        _keep(answer, known)
    if isinstance(known, str):
        raise DepWait(known)
    return tuple(apt.Package(*row) for row in known)


def _closure_answer(source: Source, profiles: Sequence[str]) -> Path:
    return _answer("closure", [_FORMAT, apt.index_digest(), source.needs, *profiles])


def is_solved(source: Source, profiles: Sequence[str]) -> bool:
    """Say whether closure() knows the answer without asking apt."""
    return _closure_answer(source, profiles).exists()


def _solve(source: Source, profiles: Sequence[str]) -> Json:
    control = f"Source: {source.name}\n{source.needs}\nPackage: {source.name}\nArchitecture: any\n"
    with tempfile.TemporaryDirectory(prefix="xsc-solve-") as folder:
        place = Path(folder) / "debian"
        place.mkdir()
        (place / "control").write_text(control)
        argv = ["apt-get", *_binary_options(), "--simulate", "--arch-only"]
        argv += [*(f"--build-profiles={','.join(profiles)}",), "build-dep", folder]
        done = run(argv, env=_C_LOCALE, check=False)
    packages = apt.parse_simulation(done.stdout)
    if done.returncode or not packages:
        lines = [*done.stdout.splitlines(), *done.stderr.splitlines()]
        why = [_one(line) for line in lines if "Depends:" in line or line.startswith("E:")]
        return "; ".join(why) or "apt gave no answer"
    return [[package.name, package.version, package.arch] for package in packages]


def _binary_options() -> list[str]:
    return apt.options(apt.write_sources())


def _ask(options: Sequence[str], *words: str) -> str:
    # Names that apt does not know are no error here: a package may be for other machines only.
    return run(["apt-cache", *options, *words], env=_C_LOCALE, check=False).stdout


def _answer(kind: str, state: Json) -> Path:
    name = hashlib.sha256(json.dumps([kind, state]).encode()).hexdigest()[:32]
    return apt.cache_dir() / f"{kind}-{name}.json"


def _keep(answer: Path, value: Json) -> None:
    scratch = answer.with_suffix(f".{os.getpid()}")
    scratch.write_text(json.dumps(value))
    scratch.replace(answer)
