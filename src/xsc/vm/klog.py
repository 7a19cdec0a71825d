# SPDX-License-Identifier: MIT
"""What a kernel log says about the kernel's own health: a pure function of its text."""

from __future__ import annotations

import re

# Lines the kernel prints when something is wrong with itself. What it says about programs
# ("x[7]: segfault at", "traps: x[7] general protection") is not among them.
_SPLATS = (
    # Not the advice about an emulated processor: "SRSO: WARNING: See https://... for mitigations",
    # and not what anybody with a user namespace gets by mount() with MS_MANDLOCK.
    r"\bWARNING: (?!See http|The mand mount option )",
    r"\bBUG: ",
    r"\bkernel BUG at ",
    r"\bOops: ",
    r"\bKASAN: |\bKCSAN: |\bUBSAN: ",
    # Not its word that it has begun.
    r"\bkmemleak: (?!Kernel memory leak detector initialized|Automatic memory scanning)",
    r"\bINFO: (?:possible|inconsistent|task |trying to register)",
    r"\bpossible (?:circular|recursive|irq) lock",
    r"\binconsistent lock state\b",
    r"\binvalid wait context\b",
    r"\bsuspicious RCU usage\b",
    r"\bsleeping function called from invalid context\b",
    r"\bscheduling while atomic\b",
    r"\brcu: INFO: |\brcu_\w+ detected stalls",
    r"\brefcount_t: ",
    r"\blist_(?:add|del) corruption\b",
    r"\bBad (?:page (?:state|map)|rss-counter)",
    r"\bunchecked MSR access\b",
    r"\b[Uu]nable to handle (?:page fault|kernel)",
    r"\bkernel tried to execute\b",
    r"\bgeneral protection fault(?:, |: )",
    r"\bdouble fault\b",
    r"\bstack guard page was hit\b",
    r"\bKernel panic\b",
    r"\bCall Trace:",
)
_PATTERN = re.compile("|".join(_SPLATS))
# The kernel's word for a fault of a program: begins with its name and pid.
_OF_A_PROGRAM = re.compile(r"traps: .*\[\d+\] (?:general protection|trap )")


# A processor that does nothing but take and leave the breakpoint of a patched instruction: caught
# in the one, or just before the other, where the branch that is patched is a long no-operation. The
# jump that may stand there as well looks like any other and tells nothing.
_IN_BREAKPOINT = re.compile(
    r"RIP: 0010:(?:asm_exc_int3|exc_int3|do_int3|poke_int3_handler|kprobe_int3_handler)\+"
    r"|self-detected stall on CPU(?:\n.*){1,8}?\bCode: .*<0f> 1f 44 00 00"
)
_STALLED = re.compile(r"\brcu: INFO: .*stall|soft lockup")


def stale_breakpoint(text: str) -> bool:
    """Return whether a log has the marks of a guest that QEMU lost: see docs/testing.md.

    Linux patches its own code by a breakpoint that it takes away again. QEMU before 8.1 can keep
    the translation of that breakpoint, and the processor then meets it for ever.
    """
    return bool(_IN_BREAKPOINT.search(text) and _STALLED.search(text))


# Where a stack leaves what XSC does itself: a call's own body, an interrupt, the scheduler, work
# that a call has left.
_ELSEWHERE = re.compile(
    r"(?:x64_sys_call|__(?:x64|ia32)_sys_|__se_sys_|asm_|sysvec_|common_interrupt|__?schedule"
    r"|task_work_run)"
)
_OURS = re.compile(r"_*xsc_\w")
_STAMP = re.compile(r"^(?:<\d+>)?\[ *\d+\.\d+\](?:\[[^\]]*\])? ?", re.MULTILINE)
_FRAME = re.compile(r"^ (\w[\w.]*)\+0x")


def _in_xsc(report: str) -> bool:
    deep = True
    for line in report.splitlines():
        frame = _FRAME.match(line)
        if frame is None:
            # A heading, or the line between two stacks.
            deep = True
        elif deep and _OURS.match(frame[1]):
            return True
        elif _ELSEWHERE.match(frame[1]):
            deep = False
    return False


def data_races(text: str) -> list[str]:
    """Return KCSAN's reports of accesses that XSC makes, directly or by functions it calls.

    Below every system call there are functions of XSC, as it is they who call it: what the call
    itself does is the kernel's own, and so are interrupts that come while XSC runs.
    """
    parts = _STAMP.sub("", text).split("=" * 66)
    return [part for part in parts if "BUG: KCSAN" in part and _in_xsc(part)]


def splats(text: str) -> list[str]:
    """Return the lines of a kernel log that report trouble of the kernel itself, in order."""
    return [
        line
        for line in text.splitlines()
        if _PATTERN.search(line) and not _OF_A_PROGRAM.search(line)
    ]


def shutdown_counts(text: str) -> tuple[int, int] | None:
    """Return (calls, traps) of the kernel's last word `xsc: shutdown: ...`, or None without it."""
    found = re.findall(r"xsc: shutdown: calls (\d+) traps (\d+)", text)
    return (int(found[-1][0]), int(found[-1][1])) if found else None
