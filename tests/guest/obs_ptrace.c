// SPDX-License-Identifier: MIT
/*
 * Description: a tracer sees each call over the gate exactly once, with the numbers, arguments
 * and results of its trap twin, and can change number, arguments and result, or skip the call.
 */
#include "harness.h"

#include <sys/ptrace.h>
#include <sys/user.h>

#define SYSCALL_STOP (SIGTRAP | 0x80)
#define MAX_STOPS 64

struct stop {
	uint8_t op;
	uint32_t arch;
	uint64_t nr;
	uint64_t args[6];
	int64_t rval;
	uint8_t is_error;
};

struct trace {
	int count;
	int other;
	struct stop stop[MAX_STOPS];
};

static call6_t transport;
static pid_t self;	/* getpid() would be one more call */

/* The child's calls between two markers; the arguments are constants, so that twins agree. */
static void calls(void)
{
	transport(SYS_getppid, 1, 2, 3, 4, 5, 6);
	transport(SYS_close, -1, 0, 0, 0, 0, 0);
	transport(SYS_lseek, 0, 0x1122334455667788, 9, 0, 0, 0);
	transport(4711, 11, 12, 13, 14, 15, 16);
	transport(SYS_umask, 022, 0, 0, 0, 0, 0);
	transport(SYS_getuid, 0, 0, 0, 0, 0, 0);
}

static pid_t start(void (*fn)(void))
{
	pid_t pid = fork();
	int status;

	if (!pid) {
		self = getpid();
		ptrace(PTRACE_TRACEME, 0, 0, 0);
		transport(SYS_kill, self, SIGSTOP, 0, 0, 0, 0);
		fn();
		transport(SYS_kill, self, SIGSTOP, 0, 0, 0, 0);
		transport(SYS_exit_group, 5, 0, 0, 0, 0, 0);
	}
	waitpid(pid, &status, 0);
	ptrace(PTRACE_SETOPTIONS, pid, 0, PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL);
	return pid;
}

static void record(pid_t pid, struct trace *t)
{
	struct __ptrace_syscall_info info;
	struct stop *s = &t->stop[t->count];

	memset(&info, 0, sizeof(info));
	memset(s, 0, sizeof(*s));
	ptrace(PTRACE_GET_SYSCALL_INFO, pid, sizeof(info), &info);
	s->op = info.op;
	s->arch = info.arch;
	if (info.op == PTRACE_SYSCALL_INFO_ENTRY) {
		s->nr = info.entry.nr;
		memcpy(s->args, info.entry.args, sizeof(s->args));
	} else if (info.op == PTRACE_SYSCALL_INFO_EXIT) {
		s->rval = info.exit.rval;
		s->is_error = info.exit.is_error;
	}
	t->count++;
}

/* Runs the child from stop to stop; ends at its second SIGSTOP. */
static void collect(void (*fn)(void), int request, struct trace *t)
{
	pid_t pid = start(fn);
	int status;

	memset(t, 0, sizeof(*t));
	for (;;) {
		ptrace(request, pid, 0, 0);
		if (waitpid(pid, &status, 0) != pid || !WIFSTOPPED(status))
			break;
		if (WSTOPSIG(status) == SYSCALL_STOP && t->count < MAX_STOPS) {
			record(pid, t);
		} else if (WSTOPSIG(status) == SIGSTOP) {
			break;
		} else {
			t->other++;
		}
	}
	ptrace(PTRACE_CONT, pid, 0, 0);
	t_eq(t_wait_code(pid), 5, "the traced child ended with its code");
}

static void mask_pids(struct trace *t)
{
	/* The results of getppid and the pids in the arguments of kill differ between runs. */
	for (int i = 0; i < t->count; i++) {
		if (t->stop[i].op == PTRACE_SYSCALL_INFO_ENTRY && t->stop[i].nr == SYS_kill)
			t->stop[i].args[0] = 0;
	}
}

static void test_twin(void)
{
	struct trace trap, gate;

	transport = via_trap;
	collect(calls, PTRACE_SYSCALL, &trap);
	t_eq(trap.other, 0, "trap: no other stop");
	/* Six calls and the second kill; the first kill began before there was a tracer. */
	t_eq(trap.count, 14, "trap: each call stops twice");
	if (!t_need_gate("ptrace sees gate calls"))
		return;
	transport = via_gate;
	collect(calls, PTRACE_SYSCALL, &gate);
	t_eq(gate.other, 0, "gate: no other stop");
	t_eq(gate.count, trap.count, "gate: as many stops as the trap twin");
	mask_pids(&trap);
	mask_pids(&gate);
	for (int i = 0; i < trap.count && i < gate.count; i++)
		t_result(!memcmp(&trap.stop[i], &gate.stop[i], sizeof(struct stop)),
			 "stop is the twin's", "stop %d: op %d/%d nr %lu/%lu rval %ld/%ld arch %x/%x", i,
			 trap.stop[i].op, gate.stop[i].op, trap.stop[i].nr, gate.stop[i].nr,
			 trap.stop[i].rval, gate.stop[i].rval, trap.stop[i].arch, gate.stop[i].arch);
}

/* What the tracer changes shows in the results, which the child reports by its exit code. */
static void one_close(void)
{
	long r = transport(SYS_close, -1, 0, 0, 0, 0, 0);

	transport(SYS_exit_group, r == -EBADF ? 1 : r == 77 ? 2 : r == getuid() ? 3 : r == -EPERM ? 4 :
		  r == -ENOSYS ? 6 : 9, 0, 0, 0, 0, 0);
}

enum change { NOTHING, RESULT, NUMBER, SKIP, WILD };

static int change_run(enum change what)
{
	pid_t pid = start(one_close);
	struct user_regs_struct regs;
	int status, stops = 0;

	for (;;) {
		ptrace(PTRACE_SYSCALL, pid, 0, 0);
		if (waitpid(pid, &status, 0) != pid || !WIFSTOPPED(status))
			return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
		ptrace(PTRACE_GETREGS, pid, 0, &regs);
		stops++;
		/* 1: entry of close, 2: its exit. */
		if (stops == 1 && what == NUMBER)
			regs.orig_rax = SYS_getuid;
		else if (stops == 1 && what == SKIP)
			regs.orig_rax = -1UL;
		else if (stops == 1 && what == WILD)
			regs.orig_rax = 70000;
		else if (stops == 2 && what == RESULT)
			regs.rax = 77;
		else if (stops == 2 && what == SKIP)
			regs.rax = -EPERM;
		else
			continue;
		ptrace(PTRACE_SETREGS, pid, 0, &regs);
	}
}

static void test_changes(const char *how)
{
	static const struct {
		const char *name;
		enum change what;
		int code;
	} rows[] = {
		{ "nothing changed", NOTHING, 1 }, { "result changed", RESULT, 2 },
		{ "number changed", NUMBER, 3 },   { "call skipped", SKIP, 4 },
		{ "number made wild", WILD, 6 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		char name[64];

		snprintf(name, sizeof(name), "%s: %s", how, rows[i].name);
		t_eq(change_run(rows[i].what), rows[i].code, name);
	}
}

static void test_sysemu(const char *how)
{
	struct trace t;
	char name[64];

	/* Every call is reported once and none is executed; kill is emulated, too. */
	pid_t pid = start(calls);
	int status, n = 0;
	struct user_regs_struct regs;

	memset(&t, 0, sizeof(t));
	for (n = 0; n < 20; n++) {
		ptrace(PTRACE_SYSEMU, pid, 0, 0);
		if (waitpid(pid, &status, 0) != pid || !WIFSTOPPED(status))
			break;
		ptrace(PTRACE_GETREGS, pid, 0, &regs);
		if (regs.orig_rax == SYS_exit_group)
			break;
		regs.rax = 0;
		ptrace(PTRACE_SETREGS, pid, 0, &regs);
	}
	snprintf(name, sizeof(name), "%s: PTRACE_SYSEMU reports each call once", how);
	/* Six calls and the second kill come before exit_group. */
	t_eq(n, 7, name);
	kill(pid, SIGKILL);
	waitpid(pid, &status, 0);
}

static void test_events(const char *how)
{
	pid_t pid = fork();
	int status, forks = 0, execs = 0, exits = 0;
	char name[64];

	if (!pid) {
		ptrace(PTRACE_TRACEME, 0, 0, 0);
		raise(SIGSTOP);
		long child = transport(SYS_fork, 0, 0, 0, 0, 0, 0);

		if (!child)
			transport(SYS_exit_group, 0, 0, 0, 0, 0, 0);
		t_wait_code((pid_t)child);
		char *argv[] = { "true", NULL };
		transport(SYS_execve, (long)"/bin/true", (long)argv, 0, 0, 0, 0);
		_exit(9);
	}
	waitpid(pid, &status, 0);
	ptrace(PTRACE_SETOPTIONS, pid, 0,
	       PTRACE_O_TRACEFORK | PTRACE_O_TRACEEXEC | PTRACE_O_TRACEEXIT | PTRACE_O_EXITKILL);
	ptrace(PTRACE_CONT, pid, 0, 0);
	for (;;) {
		pid_t who = waitpid(-1, &status, __WALL);

		if (who < 0 || (who == pid && !WIFSTOPPED(status)))
			break;
		if (!WIFSTOPPED(status))
			continue;
		forks += status >> 8 == (SIGTRAP | PTRACE_EVENT_FORK << 8);
		execs += status >> 8 == (SIGTRAP | PTRACE_EVENT_EXEC << 8);
		exits += status >> 8 == (SIGTRAP | PTRACE_EVENT_EXIT << 8);
		int sig = WSTOPSIG(status) == SIGCHLD ? SIGCHLD : 0;
		ptrace(PTRACE_CONT, who, 0, sig);
	}
	snprintf(name, sizeof(name), "%s: fork, exec and exit events", how);
	t_result(forks == 1 && execs == 1 && exits == 2, name, "%d forks, %d execs, %d exits", forks,
		 execs, exits);
}

int main(int argc, char **argv)
{
	t_init(argc, argv);
	t_expect_traps();
	test_twin();
	transport = via_trap;
	test_changes("trap");
	test_sysemu("trap");
	test_events("trap");
	if (t_need_gate("a tracer changes gate calls")) {
		transport = via_gate;
		test_changes("gate");
		test_sysemu("gate");
		test_events("gate");
	}
	return t_done_gate();
}
