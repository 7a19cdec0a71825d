# SPDX-License-Identifier: MIT
"""Write a Debian package without dpkg-deb: the same content gives the same bytes everywhere."""

from __future__ import annotations

import io
import lzma
import tarfile
from collections.abc import Mapping
from pathlib import Path

AR_MAGIC = b"!<arch>\n"
AR_HEADER = 60
_STAMP = slice(16, 28)


def write_deb(
    path: Path, control: Mapping[str, str], files: Mapping[str, bytes], epoch: int
) -> None:
    """Write a package of `files` (path in the system: content), all owned by root, mode 0644.

    `control` holds the fields in their order; all time stamps are `epoch`, in seconds.
    """
    fields = "".join(f"{name}: {value}\n" for name, value in control.items())
    members = (
        ("debian-binary", b"2.0\n"),
        ("control.tar.xz", _tar({"control": fields.encode()}, epoch)),
        ("data.tar.xz", _tar(files, epoch)),
    )
    with path.open("wb") as stream:
        stream.write(AR_MAGIC)
        for name, data in members:
            header = f"{name:<16}{epoch:<12}{0:<6}{0:<6}{'100644':<8}{len(data):<10}`\n"
            stream.write(header.encode("ascii") + data + b"\n" * (len(data) % 2))


def package_date(path: Path) -> int:
    """Return when a package was made, as it says itself: seconds since 1970.

    Raises ValueError if the file is no package.
    """
    with path.open("rb") as stream:
        head = stream.read(len(AR_MAGIC) + AR_HEADER)
    if not head.startswith(AR_MAGIC) or len(head) < len(AR_MAGIC) + AR_HEADER:
        raise ValueError(f"{path} is no Debian package")
    return int(head[len(AR_MAGIC) :][_STAMP])


def _tar(files: Mapping[str, bytes], epoch: int) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.GNU_FORMAT) as tar:
        folders = {str(folder) for name in files for folder in Path(name).parents}
        for name in sorted(folders | files.keys()):
            info = tarfile.TarInfo(f"./{name}" if name != "." else ".")
            info.mtime = epoch
            info.uname = info.gname = "root"
            if name in files:
                info.mode, info.size = 0o644, len(files[name])
                tar.addfile(info, io.BytesIO(files[name]))
            else:
                info.mode, info.type = 0o755, tarfile.DIRTYPE
                tar.addfile(info)
    return lzma.compress(buffer.getvalue(), preset=6)
