# SPDX-License-Identifier: MIT
"""Names of servers, what ssh is given for them, and what its messages mean."""

from __future__ import annotations

from pathlib import Path

import pytest

from xsc.errors import InfraError, UsageError
from xsc.remote import failure
from xsc.remote.address import Address, AddressBook, parse
from xsc.remote.failure import HostKeyRefused, LinkLost


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("lab", Address("lab")),
        ("me@lab.example", Address("lab.example", "me")),
        ("build_bot@10.0.0.7:2222", Address("10.0.0.7", "build_bot", 2222)),
        ("me@[fe80::1%eth0]:22", Address("fe80::1%eth0", "me", 22)),
        ("[::1]", Address("::1")),
    ],
)
def test_addresses_are_read_and_written(text: str, address: Address) -> None:
    assert parse(text) == address
    assert address.spelling == text


@pytest.mark.parametrize(
    "text",
    [
        *("", "@lab", "me@", "-oProxyCommand=x", "me@-oProxyCommand=x", "-l@lab", "lab-"),
        *("a b", "lab;id", "lab$(id)", "`id`@lab", "lab\n", "me@you@lab", "lab/x", "a'b@lab"),
        *("lab:0", "lab:70000", "lab:x", "::1", "[::1", "[lab]", "[::1]x", "lab:22:22"),
        "x" * 300,
    ],
)
def test_what_ssh_or_a_shell_could_misread_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="no address of a build server"):
        parse(text)


def test_the_book_keeps_names(tmp_path: Path) -> None:
    book = AddressBook(tmp_path / "config" / "remotes.toml")
    assert book.load() == {}
    book.add("lab", parse("me@lab:2222", Path('/a "b"/config')))
    book.add("other", parse("[::1]"))
    assert book.find("lab") == Address("lab", "me", 2222, Path('/a "b"/config'), "lab")
    assert book.find("other").label == "other"
    assert book.find("you@elsewhere") == Address("elsewhere", "you")
    with pytest.raises(UsageError, match="cannot be the name"):
        book.add("-x", parse("lab"))


def test_a_damaged_book_is_named(tmp_path: Path) -> None:
    (tmp_path / "remotes.toml").write_text("[lab]\nport = 3\n")
    with pytest.raises(InfraError, match=r"remotes\.toml is damaged"):
        AddressBook(tmp_path / "remotes.toml").load()


@pytest.mark.parametrize(
    ("stderr", "kind", "words"),
    [
        ("ssh: connect to host lab port 22: Connection refused\n", LinkLost, "refused"),
        ("Connection timed out during banner exchange\n", LinkLost, "timed out"),
        ("ssh: Could not resolve hostname lab: Temporary failure in name resolution", LinkLost, ""),
        ("ssh: Could not resolve hostname lab: Name or service not known", InfraError, "no host"),
        ("me@lab: Permission denied (publickey).\n", InfraError, "does not let this user in"),
        ("Host key verification failed.\n", HostKeyRefused, "is not known"),
        (
            "@ REMOTE HOST IDENTIFICATION HAS CHANGED! @\nHost key ver",
            HostKeyRefused,
            "stands between",
        ),
        ("", LinkLost, "no answer"),
    ],
)
def test_messages_of_ssh_are_told_apart(stderr: str, kind: type, words: str) -> None:
    error = failure.from_ssh(parse("me@lab"), stderr)
    assert type(error) is kind
    assert words in error.message
    assert error.exit_code == 2 and error.hint


def test_messages_of_rsync_are_told_apart() -> None:
    lab = parse("me@lab")
    full = failure.from_rsync(lab, 11, "rsync: write failed: No space left on device (28)", "lab")
    assert full.message == "the disk of lab is full"
    assert isinstance(failure.from_rsync(lab, 12, "rsync error: error in stream", "x"), LinkLost)
    assert type(failure.from_rsync(lab, 23, "some files vanished", "x")) is InfraError
