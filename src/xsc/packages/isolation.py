# SPDX-License-Identifier: MIT
"""Whether this machine lets packages be built apart from it, tried before hours are spent."""

from __future__ import annotations

import os

from xsc.build.namespace import isolated
from xsc.errors import InfraError
from xsc.run import run

_NO_MOUNT_POINT = (
    "/ is no mount point, as in a chroot, so mounts could not be kept from the machine around it; "
    "there: mount --bind DIRECTORY DIRECTORY, and enter it again"
)
_NO_IDS = (
    "give the user subordinate ids: "
    "sudo usermod --add-subuids 100000-165535 --add-subgids 100000-165535 NAME"
)
_REMEDIES = {"root filesystem propagation": _NO_MOUNT_POINT, "/etc/sub": _NO_IDS}
_OTHERWISE = "build as root, or look what `./xsc doctor` says of user namespaces"
_AS_ROOT = "a container must allow new namespaces, for example with --privileged"


def check_isolation() -> None:
    """Enter such namespaces as packages are built in. InfraError, with a remedy, if that fails."""
    done = run([*isolated(), "true"], env={"LC_ALL": "C.UTF-8"}, check=False)
    if done.returncode == 0:
        return
    said = done.stderr.strip() or f"exit code {done.returncode}"
    otherwise = _AS_ROOT if os.geteuid() == 0 else _OTHERWISE
    raise InfraError(
        f"packages cannot be built apart from this machine: {said}",
        hint=next((remedy for sign, remedy in _REMEDIES.items() if sign in said), otherwise),
    )
