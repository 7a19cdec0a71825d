# SPDX-License-Identifier: MIT
"""Reading selftest results, on samples of each style the kernel's tests use."""

from __future__ import annotations

from xsc.vm.ktap import parts

HARNESS = """\
TAP version 13
1..3
# Starting 3 tests from 1 test cases.
#  RUN           global.kcmp ...
# seccomp_bpf.c:300:kcmp:Expected 0 (0) == ret (22)
ok 1 global.kcmp
not ok 2 global.mode_strict
ok 3 # SKIP Kernel does not support it
# Totals: pass:1 fail:1
"""
PLAIN = """\
TAP version 13
ok 1 - clone3() with flag 0x11 got 4711
ok 2 clone3() # SKIP needs root
[OK]\tsomething else
"""


def test_parts_of_the_harness() -> None:
    assert parts(HARNESS) == {"1 global.kcmp": "ok", "2 global.mode_strict": "not ok", "3": "skip"}


def test_varying_numbers_do_not_make_names_differ() -> None:
    assert parts(PLAIN) == {"1 clone3() with flag N got N": "ok", "2 clone3()": "skip"}
    assert parts(PLAIN) == parts(PLAIN.replace("4711", "81234").replace("0x11", "0x7f"))


def test_output_without_parts() -> None:
    assert parts("") == {}
    assert parts("all tests passed\nok\nnot ok\n") == {}


def test_a_failure_is_not_hidden_by_a_later_success() -> None:
    assert parts("not ok 1 a\nok 1 a\n") == {"1 a": "not ok"}
