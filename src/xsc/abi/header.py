# SPDX-License-Identifier: MIT
"""The table as the kernel includes it."""

from __future__ import annotations

import textwrap

from xsc.abi.table import NO_CHECK, Call, Table

_TOP = """\
/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Which system calls a worker may execute.  Made by ./xsc gen from
 * abi/syscalls.tbl: change that file.  Included by class.c alone.
 */
#ifndef _DRIVERS_XSC_SYSCALLS_H
#define _DRIVERS_XSC_SYSCALLS_H

#include <linux/bits.h>
#include <linux/types.h>
#include <asm/unistd.h>

/* A worker may run the call if its check holds. */
#define XSC_CLASS_WORKER	BIT(0)
/* The call changes what a worker was given: retire the worker first. */
#define XSC_CLASS_IDENTITY	BIT(1)
"""
_STRUCT = """\
/**
 * struct xsc_class - what is known of a system call
 * @flags:	XSC_CLASS_*
 * @check:	enum xsc_check
 */
struct xsc_class {
	u8 flags;
	u8 check;
};

/* A number without a row is one for the caller and leaves workers alone. */
static const struct xsc_class xsc_classes[NR_syscalls] = {
"""
_BOTTOM = """\
};

#endif /* _DRIVERS_XSC_SYSCALLS_H */
"""


def _constant(check: str) -> str:
    return f"XSC_CHECK_{check.upper()}"


def _enum(table: Table) -> str:
    """Return the checks as an enumeration, described in kernel-doc."""
    lines = ["/**", " * enum xsc_check - what must hold for a worker to go on"]
    lines.append(" * @XSC_CHECK_NONE: Nothing.")
    for check in table.checks:
        text = f"@{_constant(check.name)}: {check.text}"
        lines += textwrap.wrap(text, 78, initial_indent=" * ", subsequent_indent=" *   ")
    lines += [" */", "enum xsc_check {", "\tXSC_CHECK_NONE,"]
    lines += [f"\t{_constant(check.name)}," for check in table.checks]
    return "\n".join([*lines, "};", ""])


def _row(call: Call) -> str:
    values = []
    if call.worker:
        values.append(".flags = XSC_CLASS_WORKER")
    if call.identity:
        values.append(".flags = XSC_CLASS_IDENTITY")
    if call.check != NO_CHECK:
        values.append(f".check = {_constant(call.check)}")
    return f"\t[__NR_{call.name}] = {{ {', '.join(values)} }},\n"


def render_header(table: Table) -> str:
    """Return the text of drivers/xsc/syscalls.h."""
    rows = "".join(_row(call) for call in table.calls if call.worker or call.identity)
    return f"{_TOP}\n{_enum(table)}\n{_STRUCT}{rows}{_BOTTOM}"
