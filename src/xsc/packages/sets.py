# SPDX-License-Identifier: MIT
"""Sets of source packages, and what is known of single ones: profiles/packages/*.toml, checked."""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import Annotated, TypeVar

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from xsc.errors import UsageError
from xsc.packages.classify import Cause

FOLDER = "profiles/packages"
KNOWN = "known"
SourceName = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9+.-]+$")]
Word = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9+.-]*$")]
Reason = Annotated[str, StringConstraints(min_length=20)]


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


_Model = TypeVar("_Model", bound=_Section)


class PackageSet(_Section):
    """Source packages by name, besides those of other sets."""

    name: SourceName
    title: str = Field(min_length=1)
    includes: tuple[SourceName, ...] = ()
    packages: tuple[SourceName, ...] = Field(min_length=1)


class Kind(StrEnum):
    """What is known of a package."""

    TRAPS = "traps"
    """Its programs execute trap instructions by themselves."""
    FAILS = "fails"
    """It does not build here, and that is understood."""


class Fact(_Section):
    """One thing that is known of a package, and why it is so."""

    kind: Kind
    reason: Reason
    cause: Cause | None = None
    """Of `fails`: the one cause that this explains. None: any."""


class Without(_Section):
    """What a package asks for to be built, and is built without."""

    needs: tuple[SourceName, ...] = Field(min_length=1)
    """Names of binary packages; an empty package stands in for each."""
    reason: Reason


class Extra(_Section):
    """Build profiles, or words of DEB_BUILD_OPTIONS, of a package besides the usual ones."""

    use: tuple[Word, ...] = Field(min_length=1)
    reason: Reason


class Known(_Section):
    """What is known, by source package; and packages that steps of the build graph make."""

    revision: int = Field(ge=1)
    """The M of `+xscM`: raised when all packages are to be published anew."""
    steps: dict[SourceName, str]
    facts: dict[SourceName, Fact]
    without: dict[SourceName, Without] = {}
    profiles: dict[SourceName, Extra] = {}
    options: dict[SourceName, Extra] = {}

    def traps(self, name: str) -> bool:
        """Say whether a package is known to hold trap instructions."""
        return bool(self.reason(name, Kind.TRAPS))

    def left_out(self, name: str) -> tuple[str, ...]:
        """Return what a package asks for and is built without."""
        return self.without[name].needs if name in self.without else ()

    def build_profiles(self, name: str) -> tuple[str, ...]:
        """Return the build profiles of this package alone."""
        return self.profiles[name].use if name in self.profiles else ()

    def build_options(self, name: str) -> tuple[str, ...]:
        """Return the words of DEB_BUILD_OPTIONS of this package alone."""
        return self.options[name].use if name in self.options else ()

    def reason(self, name: str, kind: Kind, cause: Cause | None = None) -> str:
        """Return why a package is as it is, or nothing if that is not known."""
        fact = self.facts.get(name)
        if fact is None or fact.kind is not kind or fact.cause not in (None, cause):
            return ""
        return fact.reason


def load_set(root: Path, name: str) -> PackageSet:
    """Return profiles/packages/`name`.toml of the checkout `root`. UsageError if it is wrong."""
    found = _load(root, name, PackageSet)
    if found.name != name:
        raise UsageError(
            f"{name}.toml has name = {found.name!r}", hint="name must equal the file's name"
        )
    if list(found.packages) != sorted(set(found.packages)):
        raise UsageError(f"{name}.toml: packages is not sorted, or names one twice")
    return found


def load_known(root: Path) -> Known:
    """Return profiles/packages/known.toml of the checkout `root`. UsageError if it is wrong."""
    return _load(root, KNOWN, Known)


def set_names(root: Path) -> list[str]:
    """Return the names of all sets."""
    names = {path.stem for path in (root / FOLDER).glob("*.toml")}
    return sorted(names - {KNOWN})


def members(root: Path, name: str) -> tuple[str, ...]:
    """Return the source packages of a set and of those it includes, sorted."""
    found: set[str] = set()
    seen: set[str] = set()
    pending = [name]
    while pending:
        name = pending.pop()
        if name not in seen:
            seen.add(name)
            current = load_set(root, name)
            found |= set(current.packages)
            pending += current.includes
    return tuple(sorted(found))


def select(root: Path, wanted: Sequence[str]) -> tuple[str, ...]:
    """Return the source packages behind names of sets and packages, sorted."""
    sets = set_names(root)
    found: set[str] = set()
    for name in wanted:
        found |= set(members(root, name)) if name in sets else {name}
    return tuple(sorted(found))


def _load(root: Path, name: str, model: type[_Model]) -> _Model:
    path = root / FOLDER / f"{name}.toml"
    try:
        return model.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except OSError as error:
        raise UsageError(
            f"no package set {name}", hint=f"sets are: {', '.join(set_names(root))}"
        ) from error
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"{path.name} is not valid TOML: {error}") from error
    except ValidationError as error:
        wrong = "; ".join(
            f"{'.'.join(str(part) for part in item['loc'])}: {item['msg']}"
            for item in error.errors(include_url=False)
        )
        raise UsageError(
            f"{path.name} is wrong: {wrong}", hint="the keys are in src/xsc/packages/sets.py"
        ) from error
