// SPDX-License-Identifier: MIT
/*
 * Description: the raw_syscalls tracepoints fire once at entry and once at exit of each gate
 * call, with the number, arguments and result of its trap twin; xsc_trap fires for traps only.
 */
#include "observed.h"

#include <sys/mount.h>

#define CALLS 25

static char dir[128];

static bool put(const char *file, const char *text)
{
	char path[256];
	int fd;
	bool good;

	snprintf(path, sizeof(path), "%s/%s", dir, file);
	fd = open(path, O_WRONLY | O_TRUNC | O_CLOEXEC);
	good = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);
	if (fd >= 0)
		close(fd);
	return good;
}

struct seen {
	int enter;
	int exit;
	int traps;
	int wrong;
};

/* Counts the events of one process that belong to our call. */
static struct seen read_trace(pid_t pid)
{
	char path[256], line[1024], who[32];
	struct seen s = { 0, 0, 0, 0 };
	FILE *f;

	snprintf(path, sizeof(path), "%s/trace", dir);
	snprintf(who, sizeof(who), "-%d ", pid);
	f = fopen(path, "re");
	while (f && fgets(line, sizeof(line), f)) {
		char *p;

		if (!strstr(line, who))
			continue;
		p = strstr(line, "sys_enter: NR 140 ");
		if (p) {
			s.enter++;
			s.wrong += !strstr(p, "(11223344, 21, 31, 41, 51, 61)");
		}
		p = strstr(line, "sys_exit: NR 140 = ");
		if (p) {
			s.exit++;
			s.wrong += strtol(p + 19, NULL, 10) != -EINVAL;
		}
		s.traps += strstr(line, "xsc_trap:") && strstr(line, "140");
	}
	if (f)
		fclose(f);
	return s;
}

static struct seen run(call6_t transport)
{
	struct observed o = observed_fork(transport, CALLS);
	char text[32];

	put("trace", "\n");
	/*
	 * Not by set_event_pid: that has the kernel patch its scheduler while others
	 * run in it, over which QEMU before 8.1 can lose a processor (docs/testing.md).
	 */
	snprintf(text, sizeof(text), "common_pid == %d", o.pid);
	t_ok(put("events/raw_syscalls/filter", text), "the events of one process");
	put("tracing_on", "1");
	observed_go(o);
	t_eq(t_wait_code(o.pid), 0, "traced child");
	put("tracing_on", "0");
	return read_trace(o.pid);
}

static bool set_up(void)
{
	static const char *const roots[] = { "/sys/kernel/tracing", "/sys/kernel/debug/tracing" };

	mount("nodev", roots[0], "tracefs", 0, NULL);
	for (size_t i = 0; i < ARRAY_SIZE(roots); i++) {
		snprintf(dir, sizeof(dir), "%s/instances/xsc-test", roots[i]);
		if (!mkdir(dir, 0700) || errno == EEXIST)
			return put("events/raw_syscalls/enable", "1");
	}
	return false;
}

int main(int argc, char **argv)
{
	struct seen trap, gate;
	bool xsc_trap;

	t_init(argc, argv);
	t_expect_traps();
	if (!set_up()) {
		/* With --require-gate the kernel is ours, and is built with these. */
		if (t_state.require_gate)
			t_result(false, "raw_syscalls tracepoints", "tracefs or its events are absent");
		else
			t_skip("raw_syscalls tracepoints", "no tracefs with syscall events here");
		return t_done_gate();
	}
	xsc_trap = put("events/xsc/xsc_trap/enable", "1");
	trap = run(via_trap);
	t_eq(trap.enter, CALLS, "trap: one sys_enter per call");
	t_eq(trap.exit, CALLS, "trap: one sys_exit per call");
	t_eq(trap.wrong, 0, "trap: arguments and results are right");
	if (t_need_gate("tracepoints of gate calls")) {
		t_ok(xsc_trap, "the xsc_trap event exists");
		t_eq(trap.traps, CALLS, "trap: one xsc_trap per call");
		gate = run(via_gate);
		t_eq(gate.enter, CALLS, "gate: one sys_enter per call");
		t_eq(gate.exit, CALLS, "gate: one sys_exit per call");
		t_eq(gate.wrong, 0, "gate: arguments and results are right");
		t_eq(gate.traps, 0, "gate: no xsc_trap");
	}
	put("events/enable", "0");
	rmdir(dir);
	return t_done_gate();
}
