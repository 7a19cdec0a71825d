// SPDX-License-Identifier: MIT
/*
 * Description: raw vfork, clone and clone3 over trap and over gate, with and without CLONE_VM and
 * CLONE_SETTLS; a child that shares the caller's TLS makes calls at the same time as it.
 */
#include "raw_clone.h"

#include <asm/prctl.h>
#include <sys/eventfd.h>

#define STACK 65536

struct job {
	call6_t call;
	int fd;
	int rounds;
	volatile long bad;
	volatile long done;
	volatile unsigned long fs;
};

/* Runs without a TLS of its own: nothing of libc that touches errno may be called. */
static void work(void *arg)
{
	struct job *j = arg;
	uint64_t one = 1;
	unsigned long fs = 0;

	for (int i = 0; i < j->rounds; i++) {
		if (j->call(SYS_write, j->fd, (long)&one, 8, 0, 0, 0) != 8)
			j->bad++;
		if (j->call(SYS_close, -1, 0, 0, 0, 0, 0) != -EBADF)
			j->bad++;
	}
	j->call(SYS_arch_prctl, ARCH_GET_FS, (long)&fs, 0, 0, 0, 0);
	j->fs = fs;
	j->done = 1;
}

static uint64_t take(int fd)
{
	uint64_t n = 0;

	return read(fd, &n, sizeof(n)) == sizeof(n) ? n : 0;
}

static void test_vfork(bool gate)
{
	volatile int mark = 0;
	long pid = gate ? raw_vfork_gate(&mark, 33) : raw_vfork_trap(&mark, 33);

	t_ok(pid > 0, "raw vfork returns a pid");
	t_eq(mark, 1, "its child wrote to our memory first");
	t_eq(t_wait_code((pid_t)pid), 33, "its code arrives");
}

static void test_clone(bool gate, const char *name, unsigned long flags, unsigned long tls)
{
	char *stack = mmap(NULL, STACK, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct job *j = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	struct raw_child child = { work, j };
	call6_t call = gate ? via_gate : via_trap;
	uint64_t one = 1;
	long pid, bad = 0;

	*j = (struct job){ .call = call, .rounds = (int)t_option("--rounds", 3000) };
	j->fd = eventfd(0, EFD_NONBLOCK);
	pid = (gate ? raw_clone_gate : raw_clone_trap)(flags | SIGCHLD, stack + STACK, NULL, NULL, tls,
						       child);
	t_ok(pid > 0, name);
	for (int i = 0; i < j->rounds; i++)
		if (call(SYS_write, j->fd, (long)&one, 8, 0, 0, 0) != 8)
			bad++;
	t_eq(t_wait_code((pid_t)pid), 0, "  the child ends well");
	t_eq(j->bad + bad, 0, "  each call had its own result");
	t_eq(take(j->fd), 2 * j->rounds, "  each write happened once");
	t_eq(j->done, 1, "  the child went to its end");
	if (flags & CLONE_SETTLS)
		t_eq(j->fs, tls, "  the child has the TLS it was given");
	close(j->fd);
	munmap(stack, STACK);
	munmap(j, 4096);
}

static void test_clone3(bool gate)
{
	char *stack = mmap(NULL, STACK, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct job j = { .call = gate ? via_gate : via_trap, .rounds = 100 };
	struct clone_args ca = { .flags = CLONE_VM | CLONE_FILES | CLONE_PIDFD, .exit_signal = SIGCHLD };
	int pidfd = -1;
	long pid;

	j.fd = eventfd(0, EFD_NONBLOCK);
	ca.pidfd = (uintptr_t)&pidfd;
	pid = (gate ? raw_clone3_gate : raw_clone3_trap)(&ca, stack, STACK,
							 (struct raw_child){ work, &j });
	t_ok(pid > 0, "clone3 with CLONE_VM and a stack");
	t_ok(pidfd >= 0, "  gives a pidfd");
	t_eq(t_wait_code((pid_t)pid), 0, "  the child ends well");
	t_eq(j.bad, 0, "  each call had its own result");
	t_eq(take(j.fd), 100, "  each write happened once");
	close(pidfd);
	close(j.fd);
	munmap(stack, STACK);
}

static void test_many_shared(bool gate)
{
	/* Windows come and go in one address space; each child must find its own. */
	char *stack = mmap(NULL, STACK, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct job j = { .call = gate ? via_gate : via_trap, .rounds = 2 };
	int good = 0;

	j.fd = eventfd(0, EFD_NONBLOCK);
	for (int i = 0; i < 300; i++) {
		long pid = (gate ? raw_clone_gate : raw_clone_trap)(
			CLONE_VM | CLONE_FILES | SIGCHLD, stack + STACK, NULL, NULL, 0,
			(struct raw_child){ work, &j });

		good += pid > 0 && t_wait_code((pid_t)pid) == 0;
	}
	t_eq(good, 300, "300 children in one address space, one after the other");
	t_eq(take(j.fd), 600, "  each write happened once");
	close(j.fd);
	munmap(stack, STACK);
}

static void run(bool gate)
{
	static uint64_t tls_block[8];

	t_note("over %s", gate ? "gate" : "trap");
	test_vfork(gate);
	test_clone(gate, "clone without CLONE_VM", CLONE_FILES, 0);
	test_clone(gate, "clone with CLONE_VM, TLS shared with the caller", CLONE_VM | CLONE_FILES, 0);
	test_clone(gate, "clone with CLONE_VM and CLONE_SETTLS", CLONE_VM | CLONE_FILES | CLONE_SETTLS,
		   (unsigned long)tls_block);
	test_clone(gate, "clone with CLONE_SETTLS alone", CLONE_FILES | CLONE_SETTLS,
		   (unsigned long)tls_block);
	test_clone3(gate);
	test_many_shared(gate);
}

int main(int argc, char **argv)
{
	t_init(argc, argv);
	t_expect_traps();
	if (!t_flag("--gate-only"))
		run(false);
	if (t_need_gate("clone over the gate"))
		run(true);
	return t_done_gate();
}
