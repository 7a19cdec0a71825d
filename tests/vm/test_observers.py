# SPDX-License-Identifier: MIT
"""strace, gdb and auditd in the guest see gate calls as they see traps."""

from __future__ import annotations

import re

import pytest
from vmkit import PROGRAMS, Lab

pytest_plugins = ("labs",)
pytestmark = [pytest.mark.vm, pytest.mark.timeout(300)]

CALLS = f"{PROGRAMS}/obs_calls"


def normalised(trace: str) -> list[str]:
    """Return one process's strace log from its first mark on, with pids and times replaced.

    SIGCHLD comes before or after the end of wait4 as it pleases: its line goes to the end.
    """
    lines = trace.splitlines()
    start = next(i for i, line in enumerate(lines) if re.search(r"471[24]", line))
    kept = []
    for line in lines[start:]:
        text = re.sub(r"wait4\(\d+, ", "wait4(N, ", line)
        text = re.sub(r"(si_pid|si_utime|si_stime)=\d+(?: /\* .*? \*/)?", r"\1=N", text)
        kept.append(re.sub(r"^(fork|wait4)(.*)= \d+$", r"\1\2= N", text))
    return sorted(kept, key=lambda text: text.startswith("--- SIGCHLD"))


def test_strace_sees_each_call_once(permissive: Lab) -> None:
    logs = {}
    for how in ("trap", "gate"):
        # A log per process: in a common one the lines of two running processes mix at will.
        permissive.shell(f"rm -f /tmp/{how}.*; strace -ff -o /tmp/{how} {CALLS} {how}")
        names = permissive.shell(f"ls -v /tmp/{how}.*").split()
        assert len(names) == 2
        logs[how] = [normalised(permissive.shell(f"cat {name}")) for name in names]
    assert logs["trap"] == logs["gate"]
    text = "\n".join(logs["gate"][0])
    assert text.count('"written once\\n", 13)') == 1
    assert "-1 ENOENT (No such file or directory)" in text
    assert permissive.kernel_trouble() == []


def test_strace_counts_the_same_calls(permissive: Lab) -> None:
    def counts(how: str) -> dict[str, int]:
        script = f"strace -f -c -U name,calls -o /tmp/c {CALLS} {how}; cat /tmp/c"
        rows = re.findall(r"^(\w+) +(\d+)$", permissive.shell(script), re.MULTILINE)
        return {name: int(count) for name, count in rows}

    trap, gate = counts("trap"), counts("gate")
    assert trap == gate
    assert gate["fork"] == 1


@pytest.mark.parametrize("inject", ["close:error=EIO", "getpriority:retval=5"])
def test_strace_injects(permissive: Lab, inject: str) -> None:
    script = f"strace -f -e inject={inject} -e trace={inject.split(':')[0]} -o /tmp/i {CALLS} "
    for how in ("trap", "gate"):
        permissive.shell(script + f"{how} || true")
        assert "(INJECTED)" in permissive.shell("cat /tmp/i"), how


GDB = "gdb -q -batch -nx -iex 'set auto-load off' -iex 'set debuginfod enabled off'"

STEP_SCRIPT = """
break xsc_before
break xsc_after
run
python
import gdb
for n in range(1, 400):
    gdb.execute("stepi", to_string=True)
    if gdb.selected_frame().name() == "xsc_after":
        break
print("steps", n, "result", int(gdb.parse_and_eval("(int)$rdi")))
end
bt
delete
continue
"""

HANDLER_SCRIPT = """
handle SIGUSR1 SIGUSR2 SIGALRM nostop noprint pass
break alt_handler
run
bt
delete
finish
python
import gdb
names = []
for n in range(200):
    gdb.execute("stepi", to_string=True)
    names.append(gdb.selected_frame().name())
print("passed through:", *dict.fromkeys(names))
end
bt
continue
"""


def gdb(lab: Lab, script: str, arguments: str) -> str:
    """Run gdb with a script; return its output and the program's."""
    command = f"cat > /tmp/gdb.script <<'EOT'\n{script}\nEOT\n{GDB} -x /tmp/gdb.script {arguments}"
    return lab.shell(f"{command} 2>&1", 180)


@pytest.mark.parametrize("how", ["trap", "gate"])
def test_gdb_steps_across_a_call(permissive: Lab, how: str) -> None:
    """Breakpoints on both sides of a call, single steps between, the result in its place."""
    output = gdb(permissive, STEP_SCRIPT, f"--args {CALLS} {how}")
    found = re.search(r"steps (\d+) result (-?\d+)", output)
    assert found is not None, output
    assert int(found.group(2)) == -22, output
    assert int(found.group(1)) < 399
    assert re.search(r"#1 .* main \(", output), output
    assert "exited normally" in output, output
    assert permissive.kernel_trouble() == []


def test_gdb_steps_out_of_a_handler(permissive: Lab) -> None:
    """Breakpoint in a handler, its signal frame, and single steps through sigreturn."""
    output = gdb(permissive, HANDLER_SCRIPT, f"--args {PROGRAMS}/sig_handlers")
    assert "<signal handler called>" in output, output
    passed = re.search(r"passed through: (.*)", output)
    assert passed is not None, output
    assert "test_altstack" in passed.group(1) or "nanosleep" in passed.group(1), output
    assert "corrupt stack" not in output
    assert "exited normally" in output, output
    assert permissive.kernel_trouble() == []


def test_gdb_attaches_to_a_blocked_call(permissive: Lab) -> None:
    output = permissive.shell(
        f"{PROGRAMS}/sig_core wait & pid=$!; sleep 1; {GDB} -p $pid -ex bt -ex detach 2>&1;"
        " kill -0 $pid && kill -9 $pid",
        120,
    )
    for name in ("xsc_innermost", "xsc_middle", "main"):
        assert re.search(rf"#\d+ .* {name} \(", output), output


def test_gdb_reads_the_core_of_a_blocked_call(permissive: Lab) -> None:
    """The core of a process that was blocked in two threads shows how both got there."""
    output = permissive.shell(
        f"""cd "$(mktemp -d)"; ulimit -c unlimited
        {PROGRAMS}/sig_core wait threads & pid=$!
        sleep 1; kill -ABRT $pid; wait $pid || true
        {GDB} -ex bt -ex 'thread apply all bt' {PROGRAMS}/sig_core core* 2>&1""",
        120,
    )
    assert "SIGABRT" in output
    for name in ("xsc_innermost", "xsc_middle", "main"):
        assert re.search(rf"#\d+ .* {name} \(", output), output
    assert "corrupt stack" not in output
    threads = re.split(r"\nThread \d+ \(", output)[1:]
    assert [thread.count("xsc_middle (") for thread in threads] == [1, 1], output


def test_auditd_records_a_gate_call(permissive: Lab) -> None:
    """Debian's auditd, with a rule on one call: one record per call over either way."""
    # In the foreground auditd prints its records instead of writing them to a log.
    output = permissive.shell(
        f"""mkdir -p /var/log/audit
        timeout 60 auditd -f > /tmp/auditd.out 2>&1 < /dev/null & daemon=$!
        for _ in $(seq 50); do
            grep -q 'listening for events' /tmp/auditd.out && break
            sleep 0.2
        done
        auditctl -a always,exit -F arch=b64 -S getpriority -F a0=77 -k xsc > /dev/null
        {CALLS} trap; {CALLS} gate
        sleep 1
        auditctl -D > /dev/null; auditctl -e 0 > /dev/null
        kill $daemon; wait $daemon || true
        cat /tmp/auditd.out""",
        120,
    )
    records = re.findall(r"type=SYSCALL .*key=\"xsc\"", output)
    assert len(records) == 2, output
    shapes = {re.sub(r"msg=audit\([^)]*\)|\bp?pid=\d+|\bses=\d+", "", record) for record in records}
    assert len(shapes) == 1, shapes
    assert permissive.kernel_trouble() == []
