// SPDX-License-Identifier: MIT
/*
 * Description: fork, exec and exit while other threads call without pause, and SIGKILL at any
 * time: every child ends as asked, none hangs, and no call of a survivor is lost or doubled.
 */
#include "harness.h"

#include <pthread.h>
#include <sys/eventfd.h>

static call6_t transport;

static void *hammer(void *arg)
{
	(void)arg;
	for (;;) {
		transport(SYS_getppid, 0, 0, 0, 0, 0, 0);
		transport(SYS_close, -1, 0, 0, 0, 0, 0);
	}
	return NULL;
}

static void start_threads(int n)
{
	pthread_t t;

	for (int i = 0; i < n; i++)
		pthread_create(&t, NULL, hammer, NULL);
}

static void *exit_from_thread(void *arg)
{
	_exit((int)(long)arg);
	return NULL;
}

static _Noreturn void end_somehow(int how)
{
	char *argv[] = { "true", NULL };
	pthread_t t;

	switch (how) {
	case 0:
		_exit(7);
	case 1:
		execv("/bin/true", argv);
		_exit(99);
	case 2:
		if (t_wait_code(fork()) != 0)	/* the child: fork() is 0, waits for nobody */
			_exit(7);
		_exit(7);
	case 3:
		pthread_create(&t, NULL, exit_from_thread, (void *)7L);
		for (;;)
			transport(SYS_getppid, 0, 0, 0, 0, 0, 0);
	default:
		for (;;)
			transport(SYS_getppid, 0, 0, 0, 0, 0, 0);
	}
}

static void test_ends(int rounds)
{
	static const int want[] = { 7, 0, 7, 7, 128 + SIGKILL };
	static const char *const names[] = { "exit", "exec", "fork and exit", "exit from a thread",
					     "SIGKILL" };

	for (int how = 0; how < 5; how++) {
		char name[64];
		int good = 0;

		for (int i = 0; i < rounds; i++) {
			pid_t pid = fork();

			if (!pid) {
				start_threads(3);
				end_somehow(how);
			}
			if (how == 4) {
				usleep((useconds_t)(i * 397 % 5000));
				kill(pid, SIGKILL);
			}
			good += t_wait_code(pid) == want[how];
		}
		snprintf(name, sizeof(name), "%s while three threads call", names[how]);
		t_eq(good, rounds, name);
	}
}

static void test_orphans(int rounds)
{
	/* Killed in the middle of a counted call: it happened or it did not, and nothing is left. */
	int fd = eventfd(0, EFD_NONBLOCK);
	uint64_t n = 0;

	for (int i = 0; i < rounds; i++) {
		pid_t pid = fork();

		if (!pid) {
			uint64_t one = 1;

			for (;;)
				transport(SYS_write, fd, (long)&one, 8, 0, 0, 0);
		}
		usleep(2000);
		kill(pid, SIGKILL);
		t_wait_code(pid);
		/* After wait() nothing of the child may run any more. */
		if (read(fd, &n, 8) != 8)
			n = 0;
		usleep(500);
		if (read(fd, &n, 8) == 8) {
			t_result(false, "no call after the end of its process", "%lu more", n);
			return;
		}
	}
	t_result(true, "no call after the end of its process", NULL);
	close(fd);
}

int main(int argc, char **argv)
{
	int rounds;

	t_init(argc, argv);
	t_expect_traps();
	rounds = (int)t_option("--rounds", 40);
	transport = t_have_gate() ? via_gate : via_trap;
	t_need_gate("hammering over the gate");
	test_ends(rounds);
	test_orphans(rounds);
	return t_done_gate();
}
