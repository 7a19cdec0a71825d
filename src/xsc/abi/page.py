# SPDX-License-Identifier: MIT
"""The table for people."""

from __future__ import annotations

from xsc.abi.table import NO_CHECK, Call, Table

_INTRODUCTION = """\
<!-- Made by ./xsc gen from abi/syscalls.tbl: change that file. -->
# System calls and who executes them

Linux 6.1 has {calls} system call numbers on x86-64. A worker may execute {workers} of them, the
others run in the task that calls. {identities} calls retire the worker before they run, because
they change something it was given when it was made. How a call gets its class is described in
[howto/promote-a-call.md](howto/promote-a-call.md).

## Checks

A worker tries the check of a call on its own copy of the request. When it does not hold, the worker
hands the request back and the calling task executes it. The call ends the same either way.

| check | what must hold |
| --- | --- |
"""
_CALLS = """
## Calls

`retires` marks the calls that retire the worker.

| nr | call | class | check | retires | why |
| --- | --- | --- | --- | --- | --- |
"""


def _row(call: Call) -> str:
    cells = (
        str(call.nr),
        f"`{call.name}`",
        "worker" if call.worker else "caller",
        "" if call.check == NO_CHECK else f"`{call.check}`",
        "yes" if call.identity else "",
        call.reason,
    )
    return f"| {' | '.join(cells)} |\n"


def render_page(table: Table) -> str:
    """Return the text of docs/syscalls.md."""
    introduction = _INTRODUCTION.format(
        calls=len(table.calls),
        workers=len(table.workers()),
        identities=sum(call.identity for call in table.calls),
    )
    checks = "".join(f"| `{check.name}` | {check.text} |\n" for check in table.checks)
    return introduction + checks + _CALLS + "".join(_row(call) for call in table.calls)
