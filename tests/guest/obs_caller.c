// SPDX-License-Identifier: MIT
/*
 * Description: whoever asks the kernel where a call comes from hears of the code that makes it:
 * user dispatch by ranges, seccomp filters on the instruction pointer, SIGSYS, and ptrace with all
 * registers as SYSCALL leaves them.
 */
#include "harness.h"

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/user.h>
#include <ucontext.h>

#ifndef PR_SET_SYSCALL_USER_DISPATCH
#define PR_SET_SYSCALL_USER_DISPATCH 59
#define PR_SYS_DISPATCH_ON 1
#define SYSCALL_DISPATCH_FILTER_ALLOW 0
#define SYSCALL_DISPATCH_FILTER_BLOCK 1
#endif
#define ANSWER 4711

/* The same code as via_trap and via_gate, at another address. */
DEFINE_CALL6(elsewhere_trap, ASM_TRAP)
DEFINE_CALL6(elsewhere_gate, ASM_GATE)

/* More than the code of one such function. */
#define CODE_SIZE 96

struct seen {
	int handled;
	uintptr_t call_addr;
	uintptr_t rip;
	long inside;
	long outside;
};

static struct seen *seen;
static volatile char selector;

static bool within(uintptr_t address, call6_t code)
{
	return address > (uintptr_t)code && address <= (uintptr_t)code + CODE_SIZE;
}

static void on_sys(int sig, siginfo_t *si, void *ctx)
{
	ucontext_t *uc = ctx;

	(void)sig;
	/* The return from here is a call as well. */
	selector = SYSCALL_DISPATCH_FILTER_ALLOW;
	seen->handled++;
	seen->call_addr = (uintptr_t)si->si_call_addr;
	seen->rip = (uintptr_t)uc->uc_mcontext.gregs[REG_RIP];
	uc->uc_mcontext.gregs[REG_RAX] = ANSWER;
}

static void dispatch_child(call6_t allowed, call6_t other)
{
	struct sigaction sa = { .sa_sigaction = on_sys, .sa_flags = SA_SIGINFO };

	sigaction(SIGSYS, &sa, NULL);
	if (prctl(PR_SET_SYSCALL_USER_DISPATCH, PR_SYS_DISPATCH_ON, (long)allowed, CODE_SIZE, &selector))
		_exit(3);
	selector = SYSCALL_DISPATCH_FILTER_BLOCK;
	seen->inside = allowed(SYS_getppid, 0, 0, 0, 0, 0, 0);
	seen->outside = other(SYS_getppid, 0, 0, 0, 0, 0, 0);
	selector = SYSCALL_DISPATCH_FILTER_ALLOW;
	_exit(0);
}

static void test_dispatch(const char *name, call6_t allowed, call6_t other)
{
	char text[96];
	pid_t pid;

	memset(seen, 0, sizeof(*seen));
	pid = fork();
	if (!pid)
		dispatch_child(allowed, other);
	snprintf(text, sizeof(text), "%s: user dispatch: the program ended well", name);
	t_eq(t_wait_code(pid), 0, text);
	snprintf(text, sizeof(text), "%s: user dispatch: a call from the range passes", name);
	t_eq(seen->inside, getpid(), text);
	snprintf(text, sizeof(text), "%s: user dispatch: one from elsewhere does not", name);
	t_ok(seen->handled == 1 && seen->outside == ANSWER, text);
	snprintf(text, sizeof(text), "%s: user dispatch: si_call_addr is behind the call", name);
	t_ok(within(seen->call_addr, other) && seen->rip == seen->call_addr, text);
}

/* Allows getpriority() from one function only, by the low half of the instruction pointer. */
static int filter_by_address(call6_t allowed)
{
	uint32_t from = (uint32_t)(uintptr_t)allowed;
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_getpriority, 0, 3),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, instruction_pointer)),
		BPF_JUMP(BPF_JMP | BPF_JGT | BPF_K, from + CODE_SIZE, 2, 0),
		BPF_JUMP(BPF_JMP | BPF_JGT | BPF_K, from, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | 77),
	};
	struct sock_fprog prog = { ARRAY_SIZE(code), code };

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		return -1;
	return (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &prog);
}

static void test_filter(const char *name, call6_t allowed, call6_t other)
{
	char text[96];
	pid_t pid;

	memset(seen, 0, sizeof(*seen));
	pid = fork();
	if (!pid) {
		if (filter_by_address(allowed))
			_exit(3);
		seen->inside = allowed(SYS_getpriority, 0, 0, 0, 0, 0, 0);
		seen->outside = other(SYS_getpriority, 0, 0, 0, 0, 0, 0);
		_exit(0);
	}
	snprintf(text, sizeof(text), "%s: filter by address: the program ended well", name);
	t_eq(t_wait_code(pid), 0, text);
	snprintf(text, sizeof(text), "%s: filter by address: a call from the function passes", name);
	t_ok(seen->inside > 0, text);
	snprintf(text, sizeof(text), "%s: filter by address: one from elsewhere does not", name);
	t_eq(seen->outside, -77, text);
}

static int next_stop(pid_t pid)
{
	int status;

	ptrace(PTRACE_SYSCALL, pid, 0, 0);
	return waitpid(pid, &status, 0) == pid && WIFSTOPPED(status) ? WSTOPSIG(status) : -1;
}

/* The stops of one getppid(), the only call between two SIGSTOPs. */
static void test_stops(const char *name, call6_t how)
{
	struct user_regs_struct entry = { 0 }, leave = { 0 };
	int status, found = 0;
	char text[96];
	pid_t pid;

	pid = fork();
	if (!pid) {
		ptrace(PTRACE_TRACEME, 0, 0, 0);
		raise(SIGSTOP);
		how(SYS_getppid, 0, 0, 0, 0, 0, 0);
		_exit(0);
	}
	waitpid(pid, &status, 0);
	ptrace(PTRACE_SETOPTIONS, pid, 0, PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL);
	while (next_stop(pid) == (SIGTRAP | 0x80)) {
		ptrace(PTRACE_GETREGS, pid, 0, &entry);
		if (entry.orig_rax != SYS_getppid)
			continue;
		found = next_stop(pid) == (SIGTRAP | 0x80);
		ptrace(PTRACE_GETREGS, pid, 0, &leave);
		break;
	}
	kill(pid, SIGKILL);
	waitpid(pid, &status, 0);
	snprintf(text, sizeof(text), "%s: both stops of the call were seen", name);
	t_ok(found, text);
	snprintf(text, sizeof(text), "%s: rip at both is behind the call", name);
	t_ok(within(entry.rip, how) && leave.rip == entry.rip, text);
	snprintf(text, sizeof(text), "%s: rcx is rip and r11 the flags, as SYSCALL leaves them", name);
	t_ok(entry.rcx == entry.rip && entry.r11 == entry.eflags && leave.rcx == leave.rip &&
		     leave.r11 == leave.eflags,
	     text);
}

int main(int argc, char **argv)
{
	t_init(argc, argv);
	t_expect_traps();
	seen = mmap(NULL, sizeof(*seen), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	test_dispatch("trap", via_trap, elsewhere_trap);
	test_filter("trap", via_trap, elsewhere_trap);
	test_stops("trap", via_trap);
	if (!t_need_gate("the same through the gate"))
		return t_done_gate();
	test_dispatch("gate", via_gate, elsewhere_gate);
	test_filter("gate", via_gate, elsewhere_gate);
	test_stops("gate", via_gate);
	return t_done_gate();
}
