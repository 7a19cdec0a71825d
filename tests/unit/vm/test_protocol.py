# SPDX-License-Identifier: MIT
"""The conversation with the agent: what is well formed, and everything that is not."""

from __future__ import annotations

import json
import struct

import pytest

from xsc.vm import protocol
from xsc.vm.protocol import Exit, Failed, Hello, LineSplitter, Mounted, ProtocolError, Started

HELLO = b'{"type":"hello","protocol":1,"pid":1,"kernel":"6.1.0-56-amd64"}'
EXIT = b'{"type":"exit","run":3,"status":"exited","code":7,"stdout":10,"stderr":0}'


def test_lines_torn_at_every_byte_come_out_whole() -> None:
    stream = HELLO + b"\n" + EXIT + b"\n"
    for cut in range(len(stream) + 1):
        splitter = LineSplitter()
        lines = splitter.feed(stream[:cut]) + splitter.feed(stream[cut:])
        assert lines == [HELLO, EXIT]


def test_a_line_without_end_is_not_handed_out() -> None:
    splitter = LineSplitter()
    assert splitter.feed(EXIT) == []
    assert splitter.feed(b"\n") == [EXIT]


def test_a_line_beyond_the_limit_is_refused_even_in_pieces() -> None:
    splitter = LineSplitter()
    assert splitter.feed(b"x" * protocol.MAX_LINE) == []
    with pytest.raises(ProtocolError, match="more than"):
        splitter.feed(b"x")


def test_messages() -> None:
    assert protocol.parse(HELLO) == Hello(1, 1, "6.1.0-56-amd64")
    assert protocol.parse(EXIT) == Exit(3, False, 7, 10, 0)
    assert protocol.parse(b'{"type":"started","run":1,"pid":42}') == Started(1, 42)
    assert protocol.parse(b'{"type":"failed","run":1,"error":2}') == Failed(1, 2)
    assert protocol.parse(b'{"type":"mounted","tag":"t","error":0}') == Mounted("t", 0)
    assert isinstance(protocol.parse(b'{"type":"bye"}'), protocol.Bye)


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"\xff\xfe\x00garbage",
        b"[    0.000000] Linux version 6.1",
        b"[]",
        b"17",
        b"{}",
        b'{"type":"surprise"}',
        b'{"type":"exit","run":1}',
        b'{"type":"exit","run":1,"status":"melted","code":0,"stdout":0,"stderr":0}',
        b'{"type":"exit","run":true,"status":"exited","code":0,"stdout":0,"stderr":0}',
        b'{"type":"exit","run":1,"status":"exited","code":"0","stdout":0,"stderr":0}',
        b'{"type":"hello","protocol":"1","pid":1,"kernel":"x"}',
        b"[" * 100_000,
    ],
)
def test_nonsense_is_an_error_and_nothing_else(line: bytes) -> None:
    with pytest.raises(ProtocolError):
        protocol.parse(line)


@pytest.mark.parametrize(
    ("status", "code", "expected"),
    [
        ("exited", 0, 0),
        ("exited", 1, 1),
        ("exited", 255, 255),
        ("signaled", 9, 137),
        ("signaled", 11, 139),
        ("signaled", 64, 192),
    ],
)
def test_exit_codes_are_those_of_a_shell(status: str, code: int, expected: int) -> None:
    line = {"type": "exit", "run": 1, "status": status, "code": code, "stdout": 0, "stderr": 0}
    message = protocol.parse(json.dumps(line).encode())
    assert isinstance(message, Exit)
    assert message.exit_code == expected


@pytest.mark.parametrize(("error", "code"), [(2, 127), (20, 127), (13, 126), (8, 126), (7, 126)])
def test_a_command_that_cannot_start_has_the_code_of_a_shell(error: int, code: int) -> None:
    assert protocol.start_failure(error)[0] == code


def test_start_is_one_line_whatever_the_arguments() -> None:
    argv = ["printf", "a\nb", 'quo"te', "back\\slash", "ünï", "byte\udcff", ""]
    line = protocol.start(4, argv, env={"A": "1\n2"}, cwd="/tmp", stdin=True)
    assert line.count(b"\n") == 1
    assert line.isascii()
    record = json.loads(line)
    assert record["argv"] == argv
    assert record["env"] == {"A": "1\n2"}
    assert (record["run"], record["cwd"], record["stdin"]) == (4, "/tmp", True)


def test_frames_carry_all_bytes_and_stay_small() -> None:
    data = bytes(range(256)) * 1000
    stream = protocol.frames(9, data)
    found, sizes = b"", []
    while stream:
        run, length = struct.unpack_from("<II", stream)
        assert run == 9
        sizes.append(length)
        found, stream = found + stream[8 : 8 + length], stream[8 + length :]
    assert found == data
    assert 0 < min(sizes) <= max(sizes) <= protocol.MAX_FRAME


def test_the_end_of_input_is_an_empty_frame() -> None:
    assert protocol.frames(1, b"") == struct.pack("<II", 1, 0)
