# SPDX-License-Identifier: MIT
"""Build servers: how they are named on the command line, and the file that remembers names."""

from __future__ import annotations

import json
import os
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from xsc.errors import InfraError, UsageError

# ssh reads a first word that begins with `-` as an option, and the shell behind ProxyCommand sees
# user and host as %r and %h. So both are made of characters that mean nothing to either.
_USER = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*\Z")
_HOST = re.compile(r"[A-Za-z0-9_]([A-Za-z0-9_.-]*[A-Za-z0-9])?\Z")
_IPV6 = re.compile(r"[0-9A-Fa-f:]*:[0-9A-Fa-f:.]*(%[A-Za-z0-9_.-]+)?\Z")
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_-]*\Z")
_LENGTH = 255
HINT = "write [USER@]HOST[:PORT], with an IPv6 address as [ADDRESS]"


@dataclass(frozen=True)
class Address:
    """A build server as ssh finds it. Everything else is in ssh's own configuration."""

    host: str
    user: str | None = None
    port: int | None = None
    config: Path | None = None
    """A configuration file for ssh instead of the user's."""
    alias: str | None = None
    """The name under which `xsc remote add` has saved it."""

    @property
    def destination(self) -> str:
        """What ssh is given: `user@host` or `host`."""
        return self.host if self.user is None else f"{self.user}@{self.host}"

    @property
    def rsync_host(self) -> str:
        """What rsync is given; it would take the colons of an IPv6 address for its own."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.user is None else f"{self.user}@{host}"

    @property
    def label(self) -> str:
        """What the user is told."""
        return self.alias or self.spelling

    @property
    def spelling(self) -> str:
        """The address as it is written on the command line."""
        return self.rsync_host if self.port is None else f"{self.rsync_host}:{self.port}"


def parse(text: str, config: Path | None = None, alias: str | None = None) -> Address:
    """Read `[USER@]HOST[:PORT]`.

    Raises UsageError for anything that ssh, rsync or a shell could read as something else.
    """
    user, separator, rest = text.rpartition("@")
    bracketed = re.fullmatch(r"\[([^\]]*)\](?::(\d+))?", rest)
    plain = re.fullmatch(r"([^:\[\]]*)(?::(\d+))?", rest)
    match = bracketed or plain
    if match is None or len(text) > _LENGTH or (separator and not _USER.match(user)):
        raise UsageError(f"{text!r} is no address of a build server", hint=HINT)
    host, digits = match.group(1), match.group(2)
    port = int(digits) if digits else None
    right = _IPV6.match(host) if bracketed else _HOST.match(host)
    if not right or (port is not None and not 0 < port < 65536):
        raise UsageError(f"{text!r} is no address of a build server", hint=HINT)
    return Address(host, user if separator else None, port, config, alias)


class AddressBook:
    """`remotes.toml`: one table per name, with `address` and, if there is one, `ssh_config`."""

    def __init__(self, file: Path) -> None:
        self.file = file

    def load(self) -> dict[str, Address]:
        """Return all saved servers by name.

        Raises InfraError if the file is damaged, UsageError if an address in it is none.
        """
        try:
            tables = tomllib.loads(self.file.read_text(encoding="utf-8"))
            return {
                name: parse(
                    table["address"],
                    Path(table["ssh_config"]) if "ssh_config" in table else None,
                    name,
                )
                for name, table in tables.items()
            }
        except FileNotFoundError:
            return {}
        except (tomllib.TOMLDecodeError, KeyError, TypeError) as error:
            raise InfraError(
                f"{self.file} is damaged: {error}", hint="correct it, or delete it and add again"
            ) from error

    def save(self, addresses: Mapping[str, Address]) -> None:
        """Write all servers, by one rename."""
        lines = []
        for name, address in sorted(addresses.items()):
            lines += [f"[{name}]", f"address = {json.dumps(address.spelling)}"]
            if address.config is not None:
                lines.append(f"ssh_config = {json.dumps(str(address.config))}")
            lines.append("")
        self.file.parent.mkdir(parents=True, exist_ok=True)
        fresh = self.file.with_name(f".{self.file.name}.{os.getpid()}")
        fresh.write_text("\n".join(lines), encoding="utf-8")
        fresh.rename(self.file)

    def add(self, name: str, address: Address) -> None:
        """Remember a server under `name`, in place of an older one of that name."""
        check_name(name)
        self.save({**self.load(), name: address})

    def find(self, text: str) -> Address:
        """Return the server saved as `text`, or the one whose address `text` is."""
        known = self.load()
        return known[text] if text in known else parse(text)


def check_name(name: str) -> None:
    """Raise UsageError if `name` cannot be the name of a server."""
    if not _NAME.match(name):
        raise UsageError(
            f"{name!r} cannot be the name of a build server",
            hint="use letters, digits, _ and -, and begin with no -",
        )
