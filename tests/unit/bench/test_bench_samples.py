# SPDX-License-Identifier: MIT
"""What the guest prints becomes records, or is refused with the line that is wrong."""

from __future__ import annotations

import pytest

from xsc.bench.samples import join, parse
from xsc.errors import StepFailed

GOOD = """\
xsc-bench 1 calls
lanes trap bell
sample getpid trap 0 100 25000
sample getpid bell 0 100 50000
burst getpid bell 0 10 4000
counter getpid bell 0 calls 105
share idle bell 2 3 1000
absent compile a compiler is not here
end 1500000000
"""


def test_every_kind_of_line() -> None:
    output = parse(GOOD)
    assert output.lanes == ("trap", "bell")
    assert [(s.lane, s.cost) for s in output.samples] == [("trap", 250.0), ("bell", 500.0)]
    assert [(b.lane, b.cost) for b in output.bursts] == [("bell", 400.0)]
    assert [(c.name, c.delta) for c in output.counters] == [("calls", 105)]
    assert [(s.rep, s.value) for s in output.shares] == [(2, 0.003)]
    assert output.absent == {"compile": "a compiler is not here"}
    assert output.seconds == 1.5


@pytest.mark.parametrize(
    ("line", "by"),
    [
        ("sample getpid trap 0 100 25000", "sample getpid trap 0 100"),
        ("sample getpid trap 0 100 25000", "sample getpid trap 0 100 25000 1"),
        ("sample getpid trap 0 100 25000", "sample getpid trap 0 many 25000"),
        ("sample getpid trap 0 100 25000", "sample getpid trap 0 0 25000"),
        ("sample getpid trap 0 100 25000", "sample getpid trap 0 100 0"),
        ("share idle bell 2 3 1000", "share idle bell 2 3 0"),
        ("lanes trap bell", "lanes trap gate"),
        ("share idle bell 2 3 1000", "shares idle bell 2 3 1000"),
    ],
)
def test_a_wrong_line_is_named(line: str, by: str) -> None:
    with pytest.raises(StepFailed) as caught:
        parse(GOOD.replace(line, by))
    assert by in caught.value.message


def test_output_without_its_end_is_no_result() -> None:
    with pytest.raises(StepFailed, match="calls did not get through"):
        parse(GOOD.rpartition("end")[0])


@pytest.mark.parametrize("text", ["", "hello\n", GOOD.replace("xsc-bench 1", "xsc-bench 2")])
def test_another_program_or_version_is_refused(text: str) -> None:
    with pytest.raises(StepFailed) as caught:
        parse(text)
    assert caught.value.hint


def test_a_burst_stands_for_its_sample() -> None:
    """And a measure without bursts for itself."""
    output = parse(GOOD.replace("end", "sample mix trap 0 5 10\nend"))
    assert [(s.measure, s.cost) for s in output.typical] == [("getpid", 400.0), ("mix", 2.0)]


def test_joined_outputs_keep_everything() -> None:
    first = parse(GOOD)
    second = parse("xsc-bench 1 mix\nlanes trap\nsample mix trap 0 5 10\nend 500000000\n")
    both = join([first, second])
    assert both.lanes == ("trap", "bell")
    assert [s.measure for s in both.samples] == ["getpid", "getpid", "mix"]
    assert both.bursts == first.bursts
    assert both.absent == first.absent
    assert both.seconds == 2.0
