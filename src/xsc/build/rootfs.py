# SPDX-License-Identifier: MIT
"""Steps rootfs-<profile>: Debian packages plus XSC's libc, as one reproducible squashfs."""

from __future__ import annotations

import io
import os
import shutil
import stat
import tarfile
from collections.abc import Mapping, Sequence, Set
from functools import partial
from pathlib import Path

from xsc.build import apt, inventory, namespace, tools
from xsc.build.profiles import Profile, load
from xsc.errors import StepFailed
from xsc.graph.step import Json, Step, StepContext
from xsc.paths import ROOT

# Those that end up on a medium.
PROFILES = ("minimal", "standard")
# For test suites: once with XSC's C library, once exactly as Debian has it.
SUITES = "suites"
# For benchmarks, with git and a compiler.
PROJECTS = "projects"
_OVERLAYS = "image/rootfs"
# Pages about the running system; that of the build tool stays on the host.
_PAGES = ("docs/man/xsc.7", "docs/man/xsc-demo.1")
_GUEST_REPO = "usr/share/xsc/repository"
_TOOLS = ("mmdebstrap", "mksquashfs", "apt-ftparchive")


def _wanted(profile: Profile) -> list[str]:
    return ["?essential", *profile.packages.include]


def _params(name: str) -> Mapping[str, Json]:
    packages = apt.resolve(_wanted(load(ROOT, name)))
    return {
        "packages": [package.spec for package in packages],
        "sources": [mirror.guest_line() for mirror in apt.mirrors()],
        "tools": dict(tools.versions(_TOOLS)),
    }


def _link(source: Path, target: Path) -> None:
    try:
        os.link(source, target)
    except OSError:  # another file system, or a store that does not allow it
        shutil.copyfile(source, target)
        target.chmod(0o644)


def make_repository(
    context: StepContext, repo: Path, files: Sequence[Path], local: Sequence[Path]
) -> Path:
    """Make a flat repository of `files`, where a package in `local` replaces Debian's version."""
    repo.mkdir(parents=True)
    ours = {inventory.package_of(file.name): file for file in local}
    for file in files:
        if inventory.package_of(file.name) not in ours:
            _link(file, repo / file.name)
    for file in ours.values():
        _link(file, repo / file.name)
    index = context.run(["apt-ftparchive", "packages", "."], cwd=repo, capture=True).stdout
    (repo / "Packages").write_text(index)
    return repo


def overlay_tar(sources: Sequence[Path], extra: Mapping[str, str | Path], epoch: int) -> bytes:
    """Return a tar of the overlay trees, later ones on top, that depends on their content only.

    Directories are not in it: those which exist in the image keep their own mode and owner.
    """
    entries: dict[str, Path | str] = {}
    for source in sources:
        for path in sorted(source.rglob("*")):
            # What Python leaves behind when a test runs a program of the image from here.
            if "__pycache__" in path.parts:
                continue
            if path.is_symlink() or not path.is_dir():
                entries[str(path.relative_to(source))] = path
    entries.update(extra)
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for name, entry in sorted(entries.items()):
            info = tarfile.TarInfo(name)
            info.mtime, info.mode, data = epoch, 0o644, b""
            if isinstance(entry, str):
                data = entry.encode()
            elif entry.is_symlink():
                info.type, info.linkname, info.mode = tarfile.SYMTYPE, os.readlink(entry), 0o777
            else:
                data = entry.read_bytes()
                info.mode = 0o755 if entry.stat().st_mode & stat.S_IXUSR else 0o644
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    return buffer.getvalue()


def _generated(profile: Profile) -> dict[str, str]:
    """Return the image's files whose content comes from the host's configuration or the profile."""
    sources = "".join(mirror.guest_line() + "\n" for mirror in apt.mirrors())
    rules = [f"path-exclude={glob}" for glob in profile.files.exclude]
    rules += [f"path-include={glob}" for glob in profile.files.keep]
    return {
        "etc/apt/sources.list": sources,
        "etc/dpkg/dpkg.cfg.d/xsc": "# As when the image was made.\n" + "\n".join(rules) + "\n",
        "etc/xsc/profile": f"{profile.name}\n",
    }


def manual(root: Path) -> dict[str, Path]:
    """Return the pages of the checkout `root` that the image has, by their names in the image."""
    pages = [root / page for page in _PAGES]
    return {f"usr/share/man/man{page.suffix[1:]}/{page.name}": page for page in pages}


def _guest_repository(context: StepContext, stage: Path) -> dict[str, str | Path]:
    """Return XSC's own packages as a repository inside the image.

    Debian's libc6-dev wants Debian's libc6 of exactly its version, so without this nothing that
    needs a compiler could be installed in the running system.
    """
    debs = sorted((context.input("glibc") / "debs").glob("*.deb"))
    repo = make_repository(context, stage / "guest", (), debs)
    files: dict[str, str | Path] = {f"{_GUEST_REPO}/{file.name}": file for file in repo.iterdir()}
    files["etc/apt/sources.list.d/xsc.list"] = f"deb [trusted=yes] file:/{_GUEST_REPO} ./\n"
    return files


def _bootstrap(
    context: StepContext,
    profile: Profile,
    stage: Path,
    names: Sequence[str],
    extra: Mapping[str, str | Path],
) -> Path:
    """Install the packages with mmdebstrap, add the `extra` files, return the tar of the tree."""
    root = context.root / _OVERLAYS
    finish = stage / "finish.sh"
    shutil.copy(root / "finish.sh", finish)
    overlay = stage / "overlay.tar"
    trees = [root / name for name in profile.files.overlays]
    files = {**_generated(profile), **extra}
    overlay.write_bytes(overlay_tar(trees, files, context.epoch))
    rootfs = context.work / "rootfs.tar"
    rootfs.unlink(missing_ok=True)
    units = profile.units
    excludes = [f"--dpkgopt=path-exclude={glob}" for glob in profile.files.exclude]
    includes = [f"--dpkgopt=path-include={glob}" for glob in profile.files.keep]
    argv: list[str | Path] = [
        "mmdebstrap",
        "--mode=root" if os.geteuid() == 0 else "--mode=unshare",
        "--variant=apt",
        f"--architectures={apt.ARCH}",
        # finish.sh removes lists and cache; mmdebstrap's own way runs apt-get, which would work on
        # the host if a hook had broken its configuration.
        "--skip=check/empty,cleanup/apt,cleanup/reproducible/machine-id",
        '--aptopt=APT::Install-Recommends "false"',
        '--aptopt=Acquire::Languages "none"',
        # Else apt uses _apt where that user can reach the scratch directory and root where not,
        # and the owner of its download directory shows which.
        '--aptopt=APT::Sandbox::User "root"',
        *excludes,
        *includes,
        f"--include={','.join(names)}",
        f"--customize-hook=tar-in {overlay} /",
        f'--customize-hook={finish} "$1"',
        "bookworm",
        rootfs,
        f"deb [trusted=yes] copy://{stage}/repo ./",
    ]
    environment = {
        "XSC_INIT": profile.init.value,
        "XSC_ENABLE": " ".join(units.enable),
        "XSC_DISABLE": " ".join(units.disable),
        "XSC_MASK": " ".join(units.mask),
        "TMPDIR": str(stage),
    }
    context.run(argv, env=environment)
    return rootfs


def _squash(context: StepContext, profile: Profile, tar: Path) -> Path:
    image = context.out / "rootfs.squashfs"
    with tar.open("rb"):  # fail here, not inside mksquashfs, when mmdebstrap left nothing
        pass
    settings = profile.squashfs
    # The root directory is not in the tar and would belong to whoever runs mksquashfs, which
    # ignores -root-uid 0. In this namespace that is root.
    as_root = () if os.geteuid() == 0 else ("unshare", "--map-root-user")
    context.run(
        [
            *as_root, "sh", "-c", 'exec mksquashfs - "$@" <"$0"', tar, image,
            "-tar", "-root-mode", "755", "-noappend", "-no-progress", "-quiet", "-comp", "zstd",
            "-Xcompression-level", str(settings.level), "-b", f"{settings.block_kib}K",
            "-processors", str(context.jobs),
        ]
    )  # fmt: skip
    return image


def _own_packages(context: StepContext, names: Set[str]) -> list[Path]:
    """Return XSC's packages among `names`."""
    debs = sorted((context.input("glibc") / "debs").glob("*.deb"))
    local = [deb for deb in debs if inventory.package_of(deb.name) in names]
    if "libc6" not in {inventory.package_of(deb.name) for deb in local}:
        raise StepFailed("the glibc step delivered no libc6", hint="./xsc build glibc")
    return local


def _build(name: str, own_libc: bool, context: StepContext) -> None:
    profile = load(context.root, name)
    packages = apt.resolve(_wanted(profile))
    context.progress(0.05, f"fetching {len(packages)} Debian packages")
    files = apt.download(packages, context.run)
    names = {package.name for package in packages}
    local = _own_packages(context, names) if own_libc else []
    with namespace.stage(context) as stage:
        repo = make_repository(context, stage / "repo", files, local)
        index = (repo / "Packages").read_text()
        context.progress(0.15, f"installing {len(packages)} packages")
        extra: dict[str, str | Path] = {}
        if own_libc:
            extra = {**manual(context.root), **_guest_repository(context, stage)}
        tar = _bootstrap(context, profile, stage, sorted(names), extra)
    context.progress(0.75, "compressing the root file system")
    image = _squash(context, profile, tar)
    with tarfile.open(tar) as tree:
        records = inventory.read_tree(tree, index)
    if len(records) < profile.packages.min_count:
        raise StepFailed(
            f"{len(records)} packages; the profile promises {profile.packages.min_count}"
        )
    inventory.write(records, context.out)
    context.progress(1.0, f"{len(records)} packages, {image.stat().st_size / 1e6:.0f} MB")
    tar.unlink()


def _step(name: str, own_libc: bool = True, suffix: str = "") -> Step:
    return Step(
        name=f"rootfs-{name}{suffix}",
        run=partial(_build, name, own_libc),
        inputs=(
            f"profiles/{name}.toml",
            _OVERLAYS,
            *_PAGES,
            *(f"src/xsc/build/{module}.py" for module in ("apt", "inventory", "profiles")),
        ),
        needs=("glibc",) if own_libc else (),
        params=partial(_params, name),
        estimate=40.0 if name == "minimal" else 75.0,
    )


STEPS = (
    *(_step(name) for name in (*PROFILES, SUITES, PROJECTS)),
    _step(SUITES, own_libc=False, suffix="-stock"),
)
