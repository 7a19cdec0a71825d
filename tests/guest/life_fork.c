// SPDX-License-Identifier: MIT
/*
 * Description: fork, vfork and posix_spawn through libc, also in a process with threads: every
 * child runs once, has its own counters, and its exit code reaches the parent.
 */
#include "harness.h"

#include <pthread.h>
#include <spawn.h>
#include <sys/eventfd.h>

static void add(int fd, uint64_t n)
{
	if (write(fd, &n, sizeof(n)) != sizeof(n))
		abort();
}

static uint64_t take(int fd)
{
	uint64_t n = 0;

	return read(fd, &n, sizeof(n)) == sizeof(n) ? n : 0;
}

static void test_fork_chain(int fd)
{
	/* Children of children: 1 + 2 + ... each adds one, exactly once. */
	pid_t pid = fork();

	if (!pid) {
		for (int i = 0; i < 4; i++) {
			pid_t inner = fork();

			if (!inner) {
				add(fd, 1);
				_exit(i);
			}
			if (t_wait_code(inner) != i)
				_exit(99);
		}
		add(fd, 1);
		_exit(7);
	}
	t_eq(t_wait_code(pid), 7, "a child that forks four children ends with its code");
	t_eq(take(fd), 5, "each of the five processes wrote once");
}

static void test_fork_many(int fd, int n)
{
	int good = 0;

	for (int i = 0; i < n; i++) {
		pid_t pid = fork();

		if (!pid) {
			add(fd, 1);
			_exit(i & 127);
		}
		good += t_wait_code(pid) == (i & 127);
	}
	t_eq(good, n, "all children of a fork loop ended with their code");
	t_eq(take(fd), n, "each child wrote once");
}

static void test_fork_pending_children(int fd)
{
	pid_t pids[20];
	int good = 0;

	for (int i = 0; i < 20; i++) {
		pids[i] = fork();
		if (!pids[i]) {
			add(fd, 1);
			_exit(i);
		}
	}
	for (int i = 0; i < 20; i++)
		good += t_wait_code(pids[i]) == i;
	t_eq(good, 20, "twenty children at once ended with their codes");
	t_eq(take(fd), 20, "each wrote once");
}

static void test_vfork(int fd)
{
	volatile int seen = 0;
	pid_t pid = vfork();

	if (!pid) {
		seen++;
		add(fd, 1);
		_exit(11);
	}
	t_eq(seen, 1, "a vfork child shares memory and the parent waits for it");
	t_eq(t_wait_code(pid), 11, "its code arrives");
	t_eq(take(fd), 1, "it wrote once");
	pid = vfork();
	if (!pid) {
		execl("/bin/sh", "sh", "-c", "exit 12", (char *)NULL);
		_exit(99);
	}
	t_eq(t_wait_code(pid), 12, "exec after vfork");
	pid = vfork();
	if (!pid) {
		execl("/absent", "absent", (char *)NULL);
		_exit(errno == ENOENT ? 13 : 99);
	}
	t_eq(t_wait_code(pid), 13, "exec fails after vfork, the child goes on");
}

static void test_spawn(int fd)
{
	char *argv[] = { "sh", "-c", "read line; test \"$line\" = through && exit 14", NULL };
	char *envp[] = { NULL };
	posix_spawn_file_actions_t fa;
	pid_t pid = -1;
	int p[2], rc;

	(void)fd;
	t_ok(!pipe2(p, O_CLOEXEC), "pipe");
	posix_spawn_file_actions_init(&fa);
	posix_spawn_file_actions_adddup2(&fa, p[0], 0);
	rc = posix_spawn(&pid, "/bin/sh", &fa, NULL, argv, envp);
	t_eq(rc, 0, "posix_spawn starts a shell");
	t_ok(write(p[1], "through\n", 8) == 8, "and feeds it");
	t_eq(t_wait_code(pid), 14, "the shell read what was written");
	rc = posix_spawn(&pid, "/absent", &fa, NULL, argv, envp);
	t_eq(rc, ENOENT, "posix_spawn of an absent file reports it");
	t_ok(waitpid(-1, NULL, WNOHANG) == -1 && errno == ECHILD, "and leaves no child");
	posix_spawn_file_actions_destroy(&fa);
	close(p[0]);
	close(p[1]);
}

static volatile bool stop;

static void *busy(void *arg)
{
	long *calls = arg;

	while (!stop) {
		if (getppid() < 0)
			abort();
		++*calls;
	}
	return NULL;
}

static void test_fork_with_threads(int fd)
{
	pthread_t t[3];
	long calls[3] = { 0, 0, 0 };
	int good = 0;

	stop = false;
	for (int i = 0; i < 3; i++)
		pthread_create(&t[i], NULL, busy, &calls[i]);
	for (int i = 0; i < 40; i++) {
		pid_t pid = fork();

		if (!pid) {
			/* One thread only here; allocation and calls must work. */
			char *p = malloc(100000);

			memset(p, 1, 100000);
			add(fd, 1);
			_exit(p[9] == 1 ? 5 : 6);
		}
		good += t_wait_code(pid) == 5;
	}
	stop = true;
	for (int i = 0; i < 3; i++)
		pthread_join(t[i], NULL);
	t_eq(good, 40, "fork while three threads make calls");
	t_eq(take(fd), 40, "each child wrote once");
	t_ok(calls[0] > 0 && calls[1] > 0 && calls[2] > 0, "the threads went on");
}

static void *fork_in_thread(void *arg)
{
	pid_t pid = fork();

	if (!pid) {
		add(*(int *)arg, 1);
		_exit(gettid() == getpid() ? 21 : 22);
	}
	return (void *)(long)t_wait_code(pid);
}

static void test_fork_from_thread(int fd)
{
	pthread_t t;
	void *code = NULL;

	pthread_create(&t, NULL, fork_in_thread, &fd);
	pthread_join(t, &code);
	t_eq((long)code, 21, "a thread that is not the leader forks; the child is a leader");
	t_eq(take(fd), 1, "it wrote once");
}

int main(int argc, char **argv)
{
	int fd = eventfd(0, EFD_NONBLOCK);

	t_init(argc, argv);
	test_fork_chain(fd);
	test_fork_many(fd, (int)t_option("--forks", 200));
	test_fork_pending_children(fd);
	test_vfork(fd);
	test_spawn(fd);
	test_fork_with_threads(fd);
	test_fork_from_thread(fd);
	return t_done();
}
