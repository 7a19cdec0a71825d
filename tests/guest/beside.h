/* SPDX-License-Identifier: MIT */
/*
 * Processes that make calls while somebody else changes their circumstances: how they are started
 * and watched, and the control groups that they are put into.
 */
#ifndef XSC_TEST_BESIDE_H
#define XSC_TEST_BESIDE_H

#include "work.h"

#include <poll.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#define B_CHILDREN 8
#define B_THREADS 3

/* What a child has done so far: rounds of its loop, and what went wrong goes to W_CHECK(). */
static volatile long *b_rounds;

T_UNUSED static void b_init(int argc, char **argv)
{
	w_init(argc, argv);
	b_rounds = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	W_MUST(b_rounds != MAP_FAILED);
}

/* The counters as a file, for programs that children execute. */
T_UNUSED static int b_share(void)
{
	int fd = memfd_create("rounds", 0);

	W_MUST(fd >= 0 && !ftruncate(fd, 4096));
	b_rounds = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	W_MUST(b_rounds != MAP_FAILED);
	return fd;
}

/* Writes a text into a file of the kernel; false with errno if it was refused. */
T_UNUSED static bool b_put(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_TRUNC | O_CLOEXEC);
	bool good = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);
	int error = errno;

	if (fd >= 0)
		close(fd);
	errno = error;
	return good;
}

/* The text of a file of the kernel, without the last line's end; "" if there is none. */
T_UNUSED static const char *b_get(const char *path)
{
	static char text[8192];
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? 0 : read(fd, text, sizeof(text) - 1);

	if (fd >= 0)
		close(fd);
	text[n > 0 ? n : 0] = 0;
	if (n > 0 && text[n - 1] == '\n')
		text[n - 1] = 0;
	return text;
}

/* The number behind a word of a file of "word number" lines, or -1. */
T_UNUSED static long b_value(const char *path, const char *word)
{
	const char *text = b_get(path);
	size_t n = strlen(word);

	for (const char *line = text; line; line = strchr(line, '\n')) {
		line += *line == '\n';
		if (!strncmp(line, word, n) && line[n] == ' ')
			return strtol(line + n, NULL, 10);
	}
	return -1;
}

/* Starts body(rounds) in a child of this name, in a control group or where the parent is. */
T_UNUSED static pid_t b_start(int slot, const char *name, const char *procs,
			      void (*body)(volatile long *rounds))
{
	pid_t pid;

	b_rounds[slot] = 0;
	fflush(stdout);
	pid = fork();
	W_MUST(pid >= 0);
	if (pid)
		return pid;
	/* Nobody is left behind when the test itself is killed. */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	prctl(PR_SET_NAME, name);
	W_MUST(!procs || b_put(procs, "0"));
	body(&b_rounds[slot]);
	_exit(0);
}

/*
 * What they do, without an end. The length of the log is the number of writes that have happened.
 */
static int b_log;

T_UNUSED static void b_open_log(void)
{
	b_log = open("log", O_CREAT | O_WRONLY | O_APPEND | O_CLOEXEC, 0600);
	W_MUST(b_log >= 0);
}

T_UNUSED static long b_logged(void)
{
	struct stat st;

	W_CHECK(!fstat(b_log, &st));
	return (long)st.st_size;
}

T_UNUSED static void b_write_hot(volatile long *done)
{
	for (;; (*done)++)
		W_CHECK(write(b_log, "x", 1) == 1);
}

T_UNUSED static void b_hot(volatile long *done)
{
	for (;; (*done)++)
		getppid();
}

T_UNUSED static void b_several_threads(volatile long *done)
{
	pthread_t t;

	for (int i = 1; i < B_THREADS; i++)
		W_MUST(!pthread_create(&t, NULL, w_busy, NULL));
	b_hot(done);
}

/* Each change of priority retires a worker. */
T_UNUSED static void b_change(volatile long *done)
{
	for (;; (*done)++) {
		for (int i = 0; i < 50; i++)
			getppid();
		W_CHECK(setpriority(PRIO_PROCESS, 0, (int)(*done & 1)) == 0);
	}
}

/* So does each exit, in the child. */
T_UNUSED static void b_fork_hot(volatile long *done)
{
	for (;; (*done)++) {
		pid_t pid = fork();

		if (!pid) {
			for (int i = 0; i < 50; i++)
				getppid();
			_exit(3);
		}
		W_CHECK(t_wait_code(pid) == 3);
	}
}

/* Waits until a child has gone on by a few rounds; at most twenty seconds. */
T_UNUSED static bool b_moves(int slot)
{
	long before = b_rounds[slot];

	for (int i = 0; i < 20000 && b_rounds[slot] < before + 3; i++)
		t_sleep_ms(1);
	return b_rounds[slot] >= before + 3;
}

/* Waits until a child has made so many rounds; at most two seconds. */
T_UNUSED static bool b_reached(int slot, long rounds)
{
	for (int i = 0; i < 2000 && b_rounds[slot] < rounds; i++)
		t_sleep_ms(1);
	return b_rounds[slot] == rounds;
}

/* Is there something to read within twenty seconds? */
T_UNUSED static bool b_comes(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	return poll(&p, 1, 20000) == 1 && p.revents & POLLIN;
}

T_UNUSED static void b_end(pid_t pid)
{
	kill(pid, SIGKILL);
	W_CHECK(t_wait_code(pid) == 128 + SIGKILL);
}

/* Calls of a process that a worker has executed, and times that one looked for some. */
T_UNUSED static long b_served(pid_t pid)
{
	char who[32];

	snprintf(who, sizeof(who), "%d", pid);
	return t_proc_xsc(who, "worker") + t_proc_xsc(who, "handed") + t_proc_xsc(who, "starts");
}

/* Waits until a worker takes part in what a child does, if there are workers; ten seconds. */
T_UNUSED static bool b_has_worker(pid_t pid)
{
	long before = b_served(pid);

	for (int i = 0; w_on() && i < 10000 && b_served(pid) == before; i++)
		t_sleep_ms(1);
	return !w_on() || b_served(pid) > before;
}

/* Control groups of version 2. */
static char b_root[64];

/* A path in the tree of groups, in turns in a few buffers: good for a call or two. */
T_UNUSED static const char *b_group(const char *group, const char *file)
{
	static char path[4][256];
	static int turn;

	turn = (turn + 1) % 4;
	snprintf(path[turn], sizeof(path[turn]), "%s/%s%s%s", b_root, group, *file ? "/" : "", file);
	return path[turn];
}

/* Makes the tree visible; false where there is none. */
T_UNUSED static bool b_mount_groups(void)
{
	strcpy(b_root, "/tmp/xsc-groups-XXXXXX");
	W_MUST(mkdtemp(b_root));
	if (!mount("none", b_root, "cgroup2", 0, NULL))
		return true;
	rmdir(b_root);
	return false;
}

T_UNUSED static void b_unmount_groups(void)
{
	umount(b_root);
	rmdir(b_root);
}

T_UNUSED static void b_make_group(const char *group)
{
	W_MUST(!mkdir(b_group(group, ""), 0755) || errno == EEXIST);
}

/* A group can go as soon as its last process has been reaped, or a little later. */
T_UNUSED static bool b_remove_group(const char *group)
{
	for (int i = 0; i < 2000; i++) {
		if (!rmdir(b_group(group, "")))
			return true;
		t_sleep_ms(1);
	}
	return false;
}

#endif
