# SPDX-License-Identifier: MIT
"""Image profiles: what goes into a root file system, read from profiles/*.toml and checked."""

from __future__ import annotations

import tomllib
from enum import StrEnum
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from xsc.errors import UsageError

PackageName = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9+.-]+$")]
UnitName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9@:_.-]+\.[a-z]+$")]
Glob = Annotated[str, StringConstraints(pattern=r"^/[^\s]+$")]
FileName = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9.-]+$")]


class Init(StrEnum):
    """Which program the image runs as PID 1."""

    SYSTEMD = "systemd"
    BUSYBOX = "busybox"


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=False)


class Iso(_Section):
    """The medium: file name and the size in MB (10^6 bytes) that it must not exceed."""

    file: Annotated[str, StringConstraints(pattern=r"^[a-z0-9.-]+\.iso$")]
    max_mb: int = Field(gt=0, le=4000)


class Packages(_Section):
    """Debian packages named one by one; their dependencies follow, Recommends do not."""

    include: tuple[PackageName, ...] = Field(min_length=1)
    min_count: int = Field(default=1, ge=1)


class Files(_Section):
    """Path globs that dpkg leaves out of the image, and exceptions from them."""

    exclude: tuple[Glob, ...] = ()
    keep: tuple[Glob, ...] = ()
    overlays: tuple[FileName, ...] = Field(min_length=1)


class Squashfs(_Section):
    """zstd level and block size in KiB: higher is smaller, and slower to read under TCG."""

    level: int = Field(default=9, ge=1, le=22)
    block_kib: int = Field(default=256, ge=4, le=1024)


class Units(_Section):
    """systemd units to enable, to leave disabled, and to mask."""

    enable: tuple[UnitName, ...] = ()
    disable: tuple[UnitName, ...] = ()
    mask: tuple[UnitName, ...] = ()


class Profile(_Section):
    """One image: packages, files and the medium it ends up on."""

    name: FileName
    title: str = Field(min_length=1)
    init: Init
    iso: Iso | None = None
    """Absent where a root file system only serves virtual machines."""
    packages: Packages
    files: Files
    squashfs: Squashfs = Squashfs()
    units: Units = Units()


def parse(text: str, source: str) -> Profile:
    """Return the profile in `text`. UsageError names every wrong key and what to do."""
    try:
        return Profile.model_validate(tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise UsageError(
            f"{source} is not valid TOML: {error}", hint="correct the line it names"
        ) from error
    except ValidationError as error:
        raise UsageError(
            f"{source} does not describe a profile: {_explain(error)}",
            hint="the keys and their meaning are in src/xsc/build/profiles.py; "
            "profiles/minimal.toml is an example",
        ) from error


def load(root: Path, name: str) -> Profile:
    """Return profiles/`name`.toml of the checkout `root`."""
    path = root / "profiles" / f"{name}.toml"
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        have = ", ".join(sorted(file.stem for file in path.parent.glob("*.toml")))
        raise UsageError(f"no profile {name}: {error}", hint=f"profiles are: {have}") from error
    profile = parse(text, path.name)
    if profile.name != name:
        raise UsageError(
            f"{path.name} has name = {profile.name!r}", hint="name must equal the file's name"
        )
    return profile


def medium(profile: Profile) -> Iso:
    """Return the medium of a profile. Raises UsageError for one that ends up on none."""
    if profile.iso is None:
        raise UsageError(
            f"profile {profile.name} has no ISO", hint="give it an [iso] table, or build its rootfs"
        )
    return profile.iso


def _explain(error: ValidationError) -> str:
    problems = []
    for item in error.errors(include_url=False):
        key = ".".join(str(part) for part in item["loc"])
        if item["type"] == "extra_forbidden":
            problems.append(f"{key}: unknown key, remove it or correct its spelling")
        elif item["type"] == "missing":
            problems.append(f"{key}: missing, add it")
        else:
            problems.append(f"{key}: {item['msg']} (found {item['input']!r})")
    return "; ".join(problems)
