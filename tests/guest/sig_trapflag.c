// SPDX-License-Identifier: MIT
/*
 * Description: a program steps through its own calls with the trap flag; its handler runs after
 * each instruction and makes calls itself. Each call is made once, with its own result.
 */
#include "harness.h"

#include <sys/eventfd.h>
#include <ucontext.h>

#define TRAP_FLAG 0x100
#define CALLS 50

static call6_t transport;
static volatile long steps;
static volatile long wrong;
static int handler_fd;

static void on_step(int sig, siginfo_t *si, void *ctx)
{
	uint64_t one = 1;

	(void)sig;
	(void)si;
	(void)ctx;
	steps++;
	wrong += transport(SYS_write, handler_fd, (long)&one, 8, 0, 0, 0) != 8;
}

static void set_trap_flag(bool on)
{
	unsigned long flags = __builtin_ia32_readeflags_u64();

	__builtin_ia32_writeeflags_u64(on ? flags | TRAP_FLAG : flags & ~(unsigned long)TRAP_FLAG);
}

static uint64_t take(int fd)
{
	uint64_t n = 0;

	return read(fd, &n, sizeof(n)) == sizeof(n) ? n : 0;
}

static void test_steps(const char *name, call6_t how)
{
	struct sigaction sa = { .sa_sigaction = on_step, .sa_flags = SA_SIGINFO };
	int fd = eventfd(0, EFD_NONBLOCK);
	uint64_t one = 1;
	long bad = 0;
	char text[96];

	transport = how;
	handler_fd = eventfd(0, EFD_NONBLOCK);
	steps = wrong = 0;
	sigaction(SIGTRAP, &sa, NULL);
	for (int i = 0; i < CALLS; i++) {
		long result;

		set_trap_flag(true);
		result = how(SYS_write, fd, (long)&one, 8, 0, 0, 0);
		set_trap_flag(false);
		bad += result != 8;
	}
	signal(SIGTRAP, SIG_DFL);
	t_note("%s: %ld steps", name, steps);
	snprintf(text, sizeof(text), "%s: every stepped call has its own result", name);
	t_eq(bad, 0, text);
	snprintf(text, sizeof(text), "%s: every stepped call was made once", name);
	t_eq((long)take(fd), CALLS, text);
	snprintf(text, sizeof(text), "%s: every call of the handler has its own result", name);
	t_eq(wrong, 0, text);
	snprintf(text, sizeof(text), "%s: and was made once", name);
	t_eq((long)take(handler_fd), steps, text);
	snprintf(text, sizeof(text), "%s: the handler came between the instructions", name);
	t_ok(steps > 5L * CALLS, text);
	close(fd);
	close(handler_fd);
}

int main(int argc, char **argv)
{
	t_init(argc, argv);
	t_expect_traps();
	test_steps("trap", via_trap);
	if (!t_need_gate("stepping through the gate"))
		return t_done_gate();
	test_steps("gate", via_gate);
	return t_done_gate();
}
