// SPDX-License-Identifier: MIT
/*
 * Description: the only task of a process may unmap its window, nobody else may; it has no gate from
 * then on, and makes its calls by traps, as do its children. The next program that it executes has a
 * gate again. With "enforcing", traps are refused, and who has left can do nothing but die.
 */
#include "work.h"

#include <asm/prctl.h>

#define TASK_SPACE 0x7ffffffff000L

/* What a child without a gate has seen; it cannot print. */
static struct seen {
	long refused;
	long unmapped;
	long pid;
	long child;
	long status;
	bool mapped;
} *seen;

static long unmap(call6_t call, uintptr_t from, long size)
{
	return call(SYS_munmap, (long)from, size, 0, 0, 0, 0);
}

static long unmap_window(call6_t call)
{
	return unmap(call, t_window(), WIN_SIZE);
}

/* Does /proc/self/maps name this address? Reads it without the C library. */
static bool is_mapped(uintptr_t address)
{
	static char text[65536];
	char line[32];
	long n, size = 0;
	long fd = via_trap(SYS_open, (long)"/proc/self/maps", O_RDONLY, 0, 0, 0, 0);

	snprintf(line, sizeof(line), "%lx-", address);
	while ((n = via_trap(SYS_read, fd, (long)text + size, (long)sizeof(text) - size - 1, 0, 0,
			     0)) > 0)
		size += n;
	text[size] = 0;
	return size == 0 || strstr(text, line);
}

static void *nothing(void *unused)
{
	for (int i = 0; i < 100; i++)
		getppid();
	return unused;
}

static void *wait_for_end(void *fd)
{
	char byte;

	(void)!read((int)(long)fd, &byte, 1);
	return NULL;
}

/* A worker, where there are any, and a window that no task has any more. */
static void live(void)
{
	pthread_t t;

	for (int i = 0; i < 2000; i++)
		getppid();
	W_MUST(!pthread_create(&t, NULL, nothing, NULL));
	pthread_join(t, NULL);
	for (int i = 0; i < 2000; i++)
		getppid();
}

static void leave(call6_t how, char *self)
{
	char *argv[] = { self, (char *)"--executed", NULL };
	uintptr_t window = t_window();
	int status = -1;
	long child;

	live();
	seen->refused = unmap(how, window + WIN_SR, WIN_PAGE);
	seen->unmapped = unmap_window(how);
	seen->mapped = is_mapped(window);
	seen->pid = via_trap(SYS_getpid, 0, 0, 0, 0, 0, 0);
	child = via_trap(SYS_fork, 0, 0, 0, 0, 0, 0);
	if (!child)
		via_trap(SYS_exit_group, via_trap(SYS_getppid, 0, 0, 0, 0, 0, 0) == seen->pid ? 7 : 8,
			 0, 0, 0, 0, 0);
	seen->child = child;
	via_trap(SYS_wait4, child, (long)&status, 0, 0, 0, 0);
	seen->status = status;
	via_trap(SYS_execve, (long)self, (long)argv, (long)environ, 0, 0, 0);
	via_trap(SYS_exit_group, 9, 0, 0, 0, 0, 0);
}

static void test_leaving(call6_t how, char *self)
{
	pid_t pid;

	memset(seen, 0, sizeof(*seen));
	pid = fork();
	if (!pid)
		leave(how, self);
	t_eq(t_wait_code(pid), 0, "a program that it executes has a gate");
	t_eq(seen->refused, -EPERM, "no part of a window is unmapped");
	t_eq(seen->unmapped, 0, "but the whole, for the only task");
	t_ok(!seen->mapped, "it is gone");
	t_eq(seen->pid, pid, "calls are made by traps then");
	t_ok(seen->child > 0, "one of them is fork");
	t_eq(seen->status, 7 << 8, "and its child makes calls by traps as well");
}

/* The child of a task that has left makes four traps and sleeps; it says who it is. */
static void leave_with_a_child(void)
{
	unmap_window(via_gate);
	if (via_trap(SYS_fork, 0, 0, 0, 0, 0, 0)) {
		via_trap(SYS_wait4, -1, 0, 0, 0, 0, 0);
		via_trap(SYS_exit_group, 0, 0, 0, 0, 0, 0);
	}
	for (int i = 0; i < 3; i++)
		via_trap(SYS_getppid, 0, 0, 0, 0, 0, 0);
	seen->child = via_trap(SYS_getpid, 0, 0, 0, 0, 0, 0);
	for (;;)
		via_trap(SYS_pause, 0, 0, 0, 0, 0, 0);
}

static void test_children_are_of_a_tagged_program(void)
{
	char who[32];
	pid_t pid;

	seen->child = 0;
	pid = fork();
	if (!pid)
		leave_with_a_child();
	for (int i = 0; i < 20000 && !*(volatile long *)&seen->child; i++)
		t_sleep_ms(1);
	if (!t_ok(seen->child > 0, "who has left has a child"))
		kill(pid, SIGKILL);
	snprintf(who, sizeof(who), "%ld", seen->child);
	t_wait_settled((pid_t)seen->child);
	t_eq(t_proc_xsc(who, "traps"), 5, "whose traps count as those of a tagged program");
	if (seen->child > 0)
		kill((pid_t)seen->child, SIGKILL);
	t_wait_code(pid);
}

/* What a task does that has left, and how it ends. */
static int after_leaving(call6_t how, call6_t then)
{
	pid_t pid = fork();

	if (!pid) {
		live();
		unmap_window(how);
		then(SYS_getppid, 0, 0, 0, 0, 0, 0);
		via_trap(SYS_exit_group, 9, 0, 0, 0, 0, 0);
	}
	return t_wait_code(pid);
}

static void test_everything(call6_t how)
{
	pid_t pid = fork();

	if (!pid) {
		live();
		unmap(how, 0, TASK_SPACE);
		via_trap(SYS_exit_group, 9, 0, 0, 0, 0, 0);
	}
	t_eq(t_wait_code(pid), 128 + SIGSEGV, "a task may unmap all that it has");
}

static void test_making_room(void)
{
	for (int worked = 0; worked < 2; worked++) {
		t_eq((long)mmap((void *)t_window(), WIN_SIZE, PROT_READ,
				MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0), -1,
		     "nothing is mapped over a window");
		t_eq(errno, ENOMEM, "for want of room");
		live();
	}
}

static void test_beside_a_thread(void)
{
	pthread_t t;
	int fd[2];

	W_MUST(!pipe(fd) && !pthread_create(&t, NULL, wait_for_end, (void *)(long)fd[0]));
	t_eq(unmap_window(via_gate), -EPERM, "a window is not unmapped beside another thread");
	t_eq(unmap(via_gate, 0, TASK_SPACE), -EPERM, "nor is anything else that goes with it");
	W_MUST(write(fd[1], "x", 1) == 1);
	pthread_join(t, NULL);
}

static void test_in_a_shared_space(void)
{
	pid_t pid = vfork();

	if (!pid) {
		uintptr_t window = 0;

		via_gate(SYS_arch_prctl, ARCH_GET_GS, (long)&window, 0, 0, 0, 0);
		seen->refused = unmap(via_gate, window, WIN_SIZE);
		seen->unmapped = unmap_window(via_gate);
		_exit(window && window != t_window() ? 5 : 6);
	}
	t_eq(t_wait_code(pid), 5, "a child of vfork has a window of its own");
	t_eq(seen->refused, -EPERM, "it cannot unmap that beside its parent");
	t_eq(seen->unmapped, -EPERM, "nor its parent's");
}

int main(int argc, char **argv)
{
	t_init(argc, argv);
	if (t_flag("--executed"))
		_exit(t_have_gate() && via_gate(SYS_getpid, 0, 0, 0, 0, 0, 0) == getpid() ? 0 : 1);
	t_expect_traps();
	if (!t_need_gate("windows that are left"))
		return t_done_gate();
	seen = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	W_MUST(seen != MAP_FAILED);
	test_making_room();
	test_in_a_shared_space();
	test_beside_a_thread();
	for (int i = 0; i < 3; i++) {
		test_everything(via_gate);
		t_eq(after_leaving(via_gate, via_gate), 128 + SIGSEGV, "there is no gate left");
		t_eq(after_leaving(via_gate, via_trap), t_flag("enforcing") ? 128 + SIGSYS : 9,
		     "traps are what they are for a tagged program");
		if (t_flag("enforcing"))
			continue;
		test_everything(via_trap);
		test_leaving(via_gate, argv[0]);
		test_leaving(via_trap, argv[0]);
		test_children_are_of_a_tagged_program();
	}
	t_eq(via_gate(SYS_getpid, 0, 0, 0, 0, 0, 0), getpid(), "our own gate works");
	return t_done_gate();
}
