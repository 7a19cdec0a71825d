// SPDX-License-Identifier: MIT
/*
 * Description: a process blocked in a call dies at once by SIGKILL, and by SIGABRT with a core
 * file; "wait" as argument makes this program the victim for a debugger outside.
 */
#include "harness.h"

#include <pthread.h>
#include <sys/resource.h>

/* Named so that a backtrace can be checked. */
__attribute__((noinline)) int xsc_innermost(int fd)
{
	char c;
	int n = (int)read(fd, &c, 1);

	__asm__ volatile("" ::: "memory");
	return n + 1;
}

__attribute__((noinline)) int xsc_middle(int fd)
{
	int n = xsc_innermost(fd);

	__asm__ volatile("" ::: "memory");
	return n + 1;
}

static int pipefd[2];

static void *blocked(void *arg)
{
	return (void *)(long)xsc_middle(*(int *)arg);
}

static void test_kill(int threads)
{
	pid_t pid = fork();
	uint64_t t0;
	char name[64];

	if (!pid) {
		pthread_t t;

		for (int i = 0; i < threads; i++)
			pthread_create(&t, NULL, blocked, &pipefd[0]);
		xsc_middle(pipefd[0]);
		_exit(0);
	}
	t_wait_blocked(pid);
	t_sleep_ms(20);
	t0 = t_now_ns();
	kill(pid, SIGKILL);
	snprintf(name, sizeof(name), "SIGKILL in a blocked call, %d threads", threads + 1);
	t_eq(t_wait_code(pid), 128 + SIGKILL, name);
	t_ok(t_now_ns() - t0 < 2000000000, "  at once");
}

static void test_core(void)
{
	struct rlimit big = { RLIM_INFINITY, RLIM_INFINITY };
	char dir[] = "/tmp/xsc-core-XXXXXX", pattern[256] = "";
	int status = 0, fd = open("/proc/sys/kernel/core_pattern", O_RDONLY);
	struct stat st;
	pid_t pid;

	if (fd < 0 || read(fd, pattern, sizeof(pattern) - 1) <= 0 || pattern[0] == '|' ||
	    pattern[0] == '/') {
		t_skip("core file", "core_pattern does not name a file in the directory");
		return;
	}
	close(fd);
	if (!mkdtemp(dir))
		exit(1);
	pid = fork();
	if (!pid) {
		if (chdir(dir) || setrlimit(RLIMIT_CORE, &big))
			_exit(1);
		xsc_middle(pipefd[0]);
		_exit(0);
	}
	t_wait_blocked(pid);
	t_sleep_ms(20);
	kill(pid, SIGABRT);
	waitpid(pid, &status, 0);
	t_ok(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT, "SIGABRT in a blocked call");
	t_ok(WCOREDUMP(status), "  with a core");
	if (!chdir(dir) && !stat("core", &st))
		t_note("core of %ld bytes", (long)st.st_size);
	if (system("rm -r /tmp/xsc-core-*"))
		t_note("cannot remove %s", dir);
}

int main(int argc, char **argv)
{
	t_init(argc, argv);
	if (pipe(pipefd))
		return 1;
	if (t_flag("wait")) {
		pthread_t t;

		if (t_flag("threads"))
			pthread_create(&t, NULL, blocked, &pipefd[0]);
		return xsc_middle(pipefd[0]);
	}
	test_kill(0);
	test_kill(8);
	test_core();
	return t_done();
}
