# SPDX-License-Identifier: MIT
"""Steps initramfs and initramfs-stock: busybox on XSC's libc, and /init, which finds the root."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Mapping
from functools import partial
from pathlib import Path

from xsc.build import apt, cpio, inventory, tools
from xsc.errors import StepFailed
from xsc.graph.step import Json, Step, StepContext

_BUSYBOX = "busybox"
_LIB = "lib/x86_64-linux-gnu"
_LIBRARIES = ("libc.so.6", "libresolv.so.2")
_LOADER = "ld-linux-x86-64.so.2"
_INIT = "image/initramfs/init"
_MODULE_LIST = "image/initramfs/stock-modules"
_EMPTY = ("dev", "proc", "sys", "run", "newroot", "tmp")


def busybox() -> apt.Package:
    """Return Debian's busybox (the dynamic one) at the version of the host's index."""
    return next(item for item in apt.resolve([_BUSYBOX]) if item.name == _BUSYBOX)


def _params() -> Mapping[str, Json]:
    return {"busybox": busybox().spec, "tools": dict(tools.versions(("dpkg-deb", "zstd")))}


def module_order(wanted: Iterable[str], dependencies: str) -> list[str]:
    """Return the files of `wanted` modules, each after those it needs.

    `dependencies` is a modules.dep. Names that it does not hold are built in or unknown and are
    left out. Dashes and underscores in names are the same, as for modprobe.
    """
    needs: dict[str, list[str]] = {}
    files: dict[str, str] = {}
    for line in dependencies.splitlines():
        path, _, rest = line.partition(":")
        needs[path] = rest.split()
        files[_module_name(path)] = path
    order: list[str] = []
    for name in wanted:
        path = files.get(_module_name(name), "")
        if path:
            # modules.dep lists the closure, nearest first: load from the far end.
            order += [item for item in reversed(needs[path]) if item not in order]
            order += [path] if path not in order else []
    return order


def _module_name(path: str) -> str:
    return path.rsplit("/", 1)[-1].partition(".")[0].replace("-", "_")


def _wanted_modules(text: str) -> list[str]:
    lines = (line.partition("#")[0].split() for line in text.splitlines())
    return [name for line in lines for name in line]


def _extract(context: StepContext, deb: Path) -> Path:
    tree = context.work / inventory.package_of(deb.name)
    shutil.rmtree(tree, ignore_errors=True)
    context.run(["dpkg-deb", "--extract", deb, tree])
    return tree


def _libc_deb(context: StepContext) -> Path:
    debs = sorted((context.input("glibc") / "debs").glob("libc6_*.deb"))
    if len(debs) != 1:
        raise StepFailed(
            f"the glibc step delivered {len(debs)} libc6 packages instead of one",
            hint="./xsc build glibc",
        )
    return debs[0]


def _user_space(context: StepContext) -> list[cpio.Entry]:
    """Return busybox, the libc it runs on, /init and the mount points."""
    (deb,) = apt.download([busybox()], context.run)
    box = _extract(context, deb) / "bin" / "busybox"
    libc = _extract(context, _libc_deb(context)) / _LIB
    entries = [cpio.regular("bin/busybox", box.read_bytes(), 0o755)]
    entries += [cpio.regular(f"{_LIB}/{n}", (libc / n).read_bytes(), 0o755) for n in _LIBRARIES]
    entries += [
        cpio.regular(f"{_LIB}/{_LOADER}", (libc / _LOADER).read_bytes(), 0o755),
        cpio.symlink(f"lib64/{_LOADER}", f"../{_LIB}/{_LOADER}"),
        cpio.regular("init", (context.root / _INIT).read_bytes(), 0o755),
        cpio.character_device("dev/console", 5, 1),
        cpio.character_device("dev/null", 1, 3, 0o666),
        # /init makes the links of all other applets; this one its own first line needs.
        cpio.symlink("bin/sh", "busybox"),
    ]
    return entries + [cpio.directory(name) for name in _EMPTY]


def _modules(context: StepContext) -> list[cpio.Entry]:
    kernel = context.input("stock-kernel")
    release = (kernel / "release").read_text().strip()
    wanted = _wanted_modules((context.root / _MODULE_LIST).read_text())
    order = module_order(wanted, (kernel / "modules" / "modules.dep").read_text())
    base = f"lib/modules/{release}"
    entries = [
        cpio.regular(f"{base}/{path}", (kernel / "modules" / path).read_bytes()) for path in order
    ]
    listing = "".join(f"/{base}/{path}\n" for path in order)
    return [*entries, cpio.regular("etc/modules", listing.encode())]


def _build(with_modules: bool, context: StepContext) -> None:
    context.progress(0.1, "collecting busybox and libc")
    entries = _user_space(context)
    if with_modules:
        entries += _modules(context)
    plain = context.work / "initramfs.cpio"
    plain.write_bytes(cpio.archive(cpio.with_parents(entries), context.epoch))
    packed = context.out / "initramfs.cpio.zst"
    # One thread: how the frame is cut must not depend on the number of processors.
    context.run(["zstd", "-q", "-f", "-15", "--single-thread", plain, "-o", packed])
    plain.unlink()


def _step(name: str, with_modules: bool) -> Step:
    sources = tuple(f"src/xsc/build/{module}.py" for module in ("apt", "cpio"))
    return Step(
        name=name,
        run=partial(_build, with_modules),
        inputs=(_INIT, *sources, *((_MODULE_LIST,) if with_modules else ())),
        needs=("glibc", *(("stock-kernel",) if with_modules else ())),
        params=_params,
        estimate=4.0,
    )


STEPS = (_step("initramfs", False), _step("initramfs-stock", True))
