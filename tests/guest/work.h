/* SPDX-License-Identifier: MIT */
/*
 * Helpers of the tests of workers: loops that earn a worker, proof that there was one, checks in
 * children and threads that are counted and reported once.
 */
#ifndef XSC_TEST_WORK_H
#define XSC_TEST_WORK_H

#include "harness.h"

#include <dirent.h>
#include <pthread.h>

/* Shared with the children. */
struct w_shared {
	volatile long bad;
	volatile long served;
	volatile int error;
	volatile int line;
	char what[120];
};

static struct w_shared *w_shared;

T_UNUSED static void w_check(bool good, const char *what, int line)
{
	int error = errno;

	if (good || __atomic_fetch_add(&w_shared->bad, 1, __ATOMIC_SEQ_CST))
		return;
	w_shared->error = error;
	w_shared->line = line;
	snprintf(w_shared->what, sizeof(w_shared->what), "%s", what);
}

/* A condition that holds in each round, in whatever child or thread. */
#define W_CHECK(cond) w_check((cond), #cond, __LINE__)

/* What is set up for a test and not under test itself. */
#define W_MUST(cond)                                                          \
	do {                                                                  \
		if (!(cond)) {                                                \
			printf("not ok - %s:%d: cannot set up: %s (errno %d)\n", \
			       __FILE__, __LINE__, #cond, errno);             \
			fflush(stdout);                                       \
			_exit(1);                                             \
		}                                                             \
	} while (0)

/* The result of all W_CHECK() since the last report. */
T_UNUSED static bool w_report(const char *name)
{
	bool good = t_result(!w_shared->bad, name, "%ld times, first: line %d: %s (errno %d)",
			     w_shared->bad, w_shared->line, w_shared->what, w_shared->error);

	w_shared->bad = 0;
	return good;
}

T_UNUSED static void w_init(int argc, char **argv)
{
	t_init(argc, argv);
	w_shared = mmap(NULL, sizeof(*w_shared), PROT_READ | PROT_WRITE,
			MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	W_MUST(w_shared != MAP_FAILED);
}

/* The setting of /sys/kernel/xsc/workers; "off" where nobody could have a worker. */
T_UNUSED static const char *w_setting(void)
{
	static char text[16];
	int fd = open("/sys/kernel/xsc/workers", O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);

	if (fd >= 0)
		close(fd);
	if (!t_have_gate() || n <= 0)
		return "off";
	text[strcspn(text, "\n")] = 0;
	return text;
}

T_UNUSED static bool w_on(void)
{
	return strcmp(w_setting(), "off") != 0;
}

/*
 * Calls of this thread that a worker has executed; 0 where /proc is out of sight. Where a worker
 * must be earned, that one looked for calls is enough: on a busy host the two rarely run at the
 * same time, and then none is found.
 */
T_UNUSED static long w_served(void)
{
	long worker = t_proc_xsc("thread-self", "worker");
	long handed = t_proc_xsc("thread-self", "handed");
	long looked = strcmp(w_setting(), "auto") ? 0 : t_proc_xsc("thread-self", "starts");

	return worker < 0 || handed < 0 ? 0 : worker + handed + looked;
}

/* Calls in quick succession: enough of them to earn a worker, but no more than take 20 ms. */
T_UNUSED static void w_hot(void)
{
	uint64_t end = t_now_ns() + 20000000;
	pid_t parent = getppid();

	for (int i = 0; i < 300 && t_now_ns() < end; i++)
		W_CHECK(getppid() == parent);
}

/* Calls until a worker has taken part; at most ten seconds. */
T_UNUSED static bool w_warm(void)
{
	uint64_t end = t_now_ns() + 10000000000u;
	long before = w_served();

	do {
		for (int i = 0; i < 2000; i++)
			getppid();
		if (w_served() > before)
			return true;
	} while (t_now_ns() < end);
	return false;
}

/* A worker is there now if the machine has workers, and none has been if not. */
T_UNUSED static void w_need_worker(void)
{
	if (w_on())
		t_ok(w_warm(), "a hot loop gets a worker");
	else if (t_have_gate())
		t_eq(w_served(), 0, "nobody has a worker");
}

/* For bodies in children: what their workers did is added up. */
T_UNUSED static void w_add_served(void)
{
	__atomic_add_fetch(&w_shared->served, w_served(), __ATOMIC_SEQ_CST);
}

T_UNUSED static void w_report_served(void)
{
	if (w_on())
		t_ok(w_shared->served > 0, "  while there were workers");
	w_shared->served = 0;
}

/* Runs a body in a child, so that what it changes is gone afterwards. */
T_UNUSED static void w_in_child(void (*body)(void))
{
	pid_t pid = fork();

	if (!pid) {
		body();
		w_add_served();
		_exit(0);
	}
	W_CHECK(t_wait_code(pid) == 0);
}

/* Entries of a directory of /proc, without "." and "..". */
T_UNUSED static int w_entries(const char *path)
{
	DIR *dir = opendir(path);
	int n = 0;

	while (dir && readdir(dir))
		n++;
	if (dir)
		closedir(dir);
	return n - 2;
}

/* "key:" of /proc/self/status, or -1. */
T_UNUSED static long w_status(const char *key)
{
	char line[256];
	long value = -1;
	size_t n = strlen(key);
	FILE *f = fopen("/proc/thread-self/status", "re");

	while (f && fgets(line, sizeof(line), f))
		if (!strncmp(line, key, n) && line[n] == ':')
			value = strtol(line + n + 1, NULL, 0);
	if (f)
		fclose(f);
	return value;
}

/* Field number n, counted as in proc(5), of a stat file; for fields behind the name. */
T_UNUSED static long w_stat(const char *path, int n)
{
	char text[1024], *p;
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t got = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);

	if (fd >= 0)
		close(fd);
	if (got <= 0)
		return -1;
	text[got] = 0;
	p = strrchr(text, ')');
	for (int field = 2; p && field < n; field++)
		p = strchr(p + 1, ' ');
	return p ? strtol(p + 1, NULL, 10) : -1;
}

/* Threads that make calls until the process ends or *stop is set. */
T_UNUSED static void *w_busy(void *stop)
{
	while (!stop || !*(volatile bool *)stop)
		getppid();
	return NULL;
}

/* A fresh directory; the working directory from here on. */
T_UNUSED static const char *w_scratch(void)
{
	static char dir[64];

	strcpy(dir, "/tmp/xsc-work-XXXXXX");
	W_MUST(mkdtemp(dir) && !chmod(dir, 0755) && !chdir(dir));
	return dir;
}

T_UNUSED static void w_remove(const char *dir)
{
	char command[128];

	W_MUST(!chdir("/"));
	snprintf(command, sizeof(command), "rm -rf '%s'", dir);
	if (system(command))
		t_note("cannot remove %s", dir);
}

/* A file with a text, a mode and an owner. */
T_UNUSED static void w_file(const char *path, mode_t mode, uid_t uid, gid_t gid)
{
	int fd = open(path, O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0600);

	W_MUST(fd >= 0 && write(fd, "text", 4) == 4 && !fchown(fd, uid, gid) && !fchmod(fd, mode));
	close(fd);
}

/* 0 if the file can be opened for reading, else the error. */
T_UNUSED static int w_open_error(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return errno;
	close(fd);
	return 0;
}

#endif
