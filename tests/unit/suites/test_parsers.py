# SPDX-License-Identifier: MIT
"""What each suite makes of its programs' output, on samples of it."""

from __future__ import annotations

from xsc.build.kselftests import PROGRAMS
from xsc.suites import cpython, kselftests, strace, stress, trinity
from xsc.suites.model import Case, Ended
from xsc.suites.registry import SUITES
from xsc.suites.rows import Outcome

TEST = Case("t", ("true",), 1.0)
P, F, S = Outcome.PASS, Outcome.FAIL, Outcome.SKIP

STRESSORS = """\
class 'pipe' stressors: fifo pipe pipeherd sigpipe
class 'vm' stressors: bad-altstack pipe vm
"""
STRESS_PASSED = """\
stress-ng: info:  [5] setting to a 1 second run per stressor
stress-ng: info:  [5] dispatching hogs: 2 pipe
stress-ng: info:  [5] successful run completed in 1.02s
"""
STRESS_SKIPPED = """\
stress-ng: info:  [5] apparmor stressor will be skipped, AppArmor is not enabled
stress-ng: error: [5] No stress workers invoked (one or more were unsupported)
"""
STRESS_FAILED = """\
stress-ng: fail:  [7] access: access 0400 on chmod mode 0400 failed: 13 (Permission denied)
stress-ng: error: [5] process [7] terminated with an error, exit status=2
"""
JUNIT = """\
<testsuites tests="4" errors="1" failures="1"><testsuite>
<testcase name="test.test_os.A.test_one" status="run" result="completed" time="0.1" />
<testcase name="test.test_os.A.test_two" status="run" result="completed" time="0.1">
<failure>Traceback\n  File x\nAssertionError: 1 != 2\n</failure></testcase>
<testcase name="test.test_os.A.test_two" status="run" result="completed" time="0.1" />
<testcase name="test.test_os.B.test_three" status="run" result="completed" time="0.1">
<skipped>needs a tty</skipped></testcase>
<testcase name="test.test_os.B.test_four" status="run" result="completed" time="0.1">
<error message="OSError: gone" /></testcase>
</testsuite></testsuites>"""


def test_suites_have_different_names() -> None:
    assert set(SUITES) == {"kselftests", "cpython", "glibc", "stress-ng", "strace", "trinity"}


def test_every_selftest_is_run_in_its_directory() -> None:
    tests = kselftests.tests(lambda script: "")
    assert len(tests) == sum(len(commands) for commands in PROGRAMS.values())
    assert len({test.name for test in tests}) == len(tests)
    assert all(test.cwd == f"/opt/kselftests/{test.name.split(':')[0]}" for test in tests)
    assert set(kselftests.LONGER) <= {test.name for test in tests}


def test_selftest_exit_codes_and_parts() -> None:
    found = kselftests.judge(TEST, Ended(1, "ok 1 a\nnot ok 2 b\nok 3 c # SKIP no d\n", "oh\n"))
    assert [(v.outcome, v.part) for v in found] == [(F, ""), (P, "1 a"), (F, "2 b"), (S, "3 c")]
    assert found[0].detail == "exit 1: oh"
    assert [kselftests.judge(TEST, Ended(code, "", ""))[0].outcome for code in (0, 4, 139)] == [
        P,
        S,
        F,
    ]


def test_python_modules_are_listed() -> None:
    tests = cpython.tests(lambda script: "test_os\n  test_io\nnoise\n")
    assert [test.name for test in tests] == ["test_os", "test_io"]
    assert tests[0].argv[-1] == "test_os"


def test_python_cases() -> None:
    found = {v.part: (v.outcome, v.detail) for v in cpython.cases(JUNIT)}
    assert found == {
        "test.test_os.A.test_one": (P, ""),
        "test.test_os.A.test_two": (F, "AssertionError: 1 != 2"),
        "test.test_os.B.test_three": (S, "needs a tty"),
        "test.test_os.B.test_four": (F, "OSError: gone"),
    }


def test_a_python_report_that_was_cut_short_has_no_cases() -> None:
    assert list(cpython.cases(JUNIT[:200])) == []
    assert list(cpython.cases("")) == []


def test_python_modules() -> None:
    report = f"\n{cpython.MARK}\n{JUNIT}"
    failed = cpython.judge(TEST, Ended(2, f"test_os failed\n{report}", ""))
    assert failed[0].outcome is F
    assert "test_two" in failed[0].detail
    assert len(failed) == 5
    assert cpython.judge(TEST, Ended(0, "1 test OK.", ""))[0].outcome is P
    skipped = cpython.judge(TEST, Ended(0, "test_os skipped -- no winreg\n\n1 test skipped", ""))
    assert (skipped[0].outcome, skipped[0].detail) == (S, "no winreg")
    killed = cpython.judge(TEST, Ended(139, "", "Fatal Python error: Segmentation fault\n"))
    assert killed[0].detail == "exit 139: Fatal Python error: Segmentation fault"


def test_stressors_are_listed_once() -> None:
    assert stress.parse_list(STRESSORS) == [
        "bad-altstack",
        "fifo",
        "pipe",
        "pipeherd",
        "sigpipe",
        "vm",
    ]
    argv = stress.tests(lambda script: STRESSORS)[1].argv
    assert argv[1:3] == ("--fifo", "2")
    assert "--pathological" in argv  # else those that it calls so run in no lane


def test_stressor_results() -> None:
    def outcome(code: int, text: str) -> tuple[Outcome, str]:
        (verdict,) = stress.judge(TEST, Ended(code, "", text))
        return verdict.outcome, verdict.detail

    assert outcome(0, STRESS_PASSED) == (P, "")
    assert outcome(0, STRESS_SKIPPED) == (
        S,
        "exit 0: apparmor stressor will be skipped, AppArmor is not enabled",
    )
    assert outcome(3, "") == (S, "exit 3: ")
    assert outcome(4, "x") == (S, "exit 4: x")
    assert outcome(2, STRESS_FAILED)[0] is F
    assert "Permission denied" in outcome(2, STRESS_FAILED)[1]
    assert outcome(137, "")[0] is F


def test_tests_of_strace() -> None:
    tests = strace.tests(lambda script: "accept.gen.test\nattach-f-p.test\n")
    assert [test.name for test in tests] == ["accept", "attach-f-p"]
    assert tests[0].argv == ("sh", "./accept.gen.test")

    def outcome(code: int, words: str) -> tuple[Outcome, str]:
        (verdict,) = strace.judge(TEST, Ended(code, "", words))
        return verdict.outcome, verdict.detail

    assert outcome(0, "") == (P, "")
    assert outcome(77, "accept.gen.test: skipped test: no\n")[0] is S
    assert outcome(1, "x\naccept.gen.test: failed test: output mismatch\n") == (
        F,
        "exit 1: accept.gen.test: failed test: output mismatch",
    )
    assert outcome(99, "")[0] is F


def test_trinity_runs_are_bounded_and_repeatable() -> None:
    for test in trinity.tests(lambda script: ""):
        assert f"-N {trinity.CALLS}" in test.argv[2]
        assert "-s" in test.argv
    ran = f"[main] Ran {trinity.CALLS} syscalls. Successes: 9  Failures: 1\n"
    assert trinity.judge(TEST, Ended(0, ran, ""))[0].outcome is P
    assert (
        trinity.judge(TEST, Ended(0, "[main] Ran 7 syscalls. Successes: 7\n", ""))[0].outcome is F
    )
    assert trinity.judge(TEST, Ended(0, "", ""))[0].outcome is F
    assert trinity.judge(TEST, Ended(1, "", "no such group"))[0].detail == "exit 1: no such group"
