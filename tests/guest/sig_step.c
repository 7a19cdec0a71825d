// SPDX-License-Identifier: MIT
/*
 * Description: a tracer single-steps one call and injects a signal before each instruction of
 * the way into the kernel and back; the handler makes calls itself. Wherever it arrives, the
 * interrupted write happens exactly once and has its own result.
 */
#include "harness.h"

#include <sys/eventfd.h>
#include <sys/ptrace.h>
#include <sys/user.h>

struct shared {
	volatile int handled;
	volatile long result;
	volatile long handler_result;
	volatile int ready;
};

static struct shared *sh;
static int efd, handler_fd;
static call6_t transport;
static int op;

static void on_signal(int sig)
{
	uint64_t one = 1;

	(void)sig;
	/* Over the same transport: what the interrupted call had prepared gets overwritten. */
	sh->handler_result = transport(SYS_write, handler_fd, (long)&one, 8, 0, 0, 0);
	sh->handled++;
}

/* Marks the beginning and the end of the stepped code for the tracer, with no call of its own. */
#define STOP_HERE() __asm__ volatile("int3" ::: "memory")

static void child(int flags)
{
	struct sigaction sa = { .sa_handler = on_signal, .sa_flags = flags };
	struct timespec ts = { 0, 200000 };
	uint64_t one = 1;

	ptrace(PTRACE_TRACEME, 0, 0, 0);
	sigaction(SIGUSR1, &sa, NULL);
	STOP_HERE();
	switch (op) {
	case 0:
		sh->result = transport(SYS_write, efd, (long)&one, 8, 0, 0, 0);
		break;
	case 1:
		sh->result = transport(SYS_close, -1, 0, 0, 0, 0, 0);
		break;
	default:
		sh->result = transport(SYS_nanosleep, (long)&ts, 0, 0, 0, 0, 0);
	}
	sh->ready = 1;
	STOP_HERE();
	_exit(0);
}

static uint64_t take(int fd)
{
	uint64_t n = 0;

	return read(fd, &n, sizeof(n)) == sizeof(n) ? n : 0;
}

/* One run, signal after `steps` instructions. Returns 1 when that is beyond the end, -1 on error. */
static int run_once(int steps, int flags, uint64_t *rip)
{
	struct user_regs_struct regs = { 0 };
	int status, rc = 0;
	pid_t pid;

	memset((void *)sh, 0, sizeof(*sh));
	pid = fork();
	if (!pid)
		child(flags);
	waitpid(pid, &status, 0);
	if (!WIFSTOPPED(status))
		return -1;
	ptrace(PTRACE_SETOPTIONS, pid, 0, PTRACE_O_EXITKILL);
	for (int i = 0; i < steps; i++) {
		if (ptrace(PTRACE_SINGLESTEP, pid, 0, 0) || waitpid(pid, &status, 0) != pid)
			return -1;
		if (!WIFSTOPPED(status) || WSTOPSIG(status) != SIGTRAP) {
			rc = -1;
			break;
		}
		if (sh->ready) {
			rc = 1;
			break;
		}
	}
	ptrace(PTRACE_GETREGS, pid, 0, &regs);
	*rip = regs.rip;
	ptrace(PTRACE_CONT, pid, 0, rc == 0 ? SIGUSR1 : 0);
	/* The second stop, then the end. */
	waitpid(pid, &status, 0);
	if (!WIFSTOPPED(status) || WSTOPSIG(status) != SIGTRAP) {
		kill(pid, SIGKILL);
		waitpid(pid, &status, 0);
		return -1;
	}
	ptrace(PTRACE_CONT, pid, 0, 0);
	waitpid(pid, &status, 0);
	return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? rc : -1;
}

static void run(const char *name, int which, long want, int flags)
{
	int bad = 0, places = 0, steps, first_bad = -1, in_gate = 0;
	uintptr_t gate = t_have_gate() ? *(uintptr_t *)t_window() : 0;
	uint64_t rip, bad_rip = 0;

	op = which;
	for (steps = 0; steps < 2000; steps++) {
		int rc = run_once(steps, flags, &rip);
		uint64_t writes = take(efd), handler_writes = take(handler_fd);

		if (rc == 1)
			break;
		places++;
		in_gate += gate && rip >= gate && rip < gate + 256;
		if (rc < 0 || sh->handled != 1 || sh->handler_result != 8 || handler_writes != 1 ||
		    sh->result != want || writes != (which == 0)) {
			if (first_bad < 0) {
				first_bad = steps;
				bad_rip = rip;
				t_note("step %d rip %lx rc %d handled %d handler_result %ld writes %lu "
				       "result %ld", steps, rip, rc, sh->handled, sh->handler_result,
				       writes, sh->result);
			}
			bad++;
		}
	}
	t_result(bad == 0, name, "%d of %d places wrong, first after %d instructions at %lx", bad,
		 places, first_bad, bad_rip);
	t_note("%s: %d places, %d of them inside the gate", name, places, in_gate);
	if (gate && transport == via_gate)
		t_ok(in_gate > 3, "the gate itself was among the places");
}

static void run_gate(void)
{
	transport = via_gate;
	run("write over gate, signal anywhere", 0, 8, 0);
	run("write over gate, SA_RESTART", 0, 8, SA_RESTART);
	run("failing close over gate, signal anywhere", 1, -EBADF, 0);
	run("nanosleep over gate, signal anywhere", 2, 0, 0);
}

int main(int argc, char **argv)
{
	t_init(argc, argv);
	t_expect_traps();
	sh = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	efd = eventfd(0, EFD_NONBLOCK);
	handler_fd = eventfd(0, EFD_NONBLOCK);
	if (!t_flag("--gate-only")) {
		/* One kind is enough to show that the test itself is right. */
		transport = via_trap;
		run("write over trap, signal anywhere", 0, 8, 0);
	}
	if (t_need_gate("stepping through the gate"))
		run_gate();
	return t_done_gate();
}
