// SPDX-License-Identifier: MIT
/*
 * Description: control groups list, count and limit the threads that programs have made and no
 * others; who is moved to another group takes its worker along, so that the old one is charged
 * nothing more.
 */
#include "beside.h"

#define GROUP "xsc-counted"
#define LIMITED "xsc-limited"
#define DOMAIN "xsc-threaded"
#define SOON_MS 200
#define WATCH_MS 100
#define CHARGED_US 5000	/* in that time: what is charged late */

static int rounds;

static int lines(const char *text)
{
	int n = *text != 0;

	for (; *text; text++)
		n += *text == '\n';
	return n;
}

/* Every line of cgroup.threads is in task/ of the process, and nothing is missing. */
static void expect_listed(pid_t pid, int threads)
{
	char path[64], copy[1024], *line, *rest = copy;
	int own = 0;

	W_CHECK(lines(b_get(b_group(GROUP, "cgroup.procs"))) == 1);
	W_CHECK(strtol(b_get(b_group(GROUP, "cgroup.procs")), NULL, 10) == pid);
	snprintf(copy, sizeof(copy), "%s", b_get(b_group(GROUP, "cgroup.threads")));
	while ((line = strsep(&rest, "\n"))) {
		snprintf(path, sizeof(path), "/proc/%d/task/%s", pid, line);
		W_CHECK(!access(path, F_OK));
		own += !access(path, F_OK);
	}
	W_CHECK(own == threads);
}

static void test_lists(int threads)
{
	pid_t pid = b_start(0, "xsc-counted", b_group(GROUP, "cgroup.procs"),
			    threads > 1 ? b_several_threads : b_hot);
	char name[96];

	W_CHECK(b_moves(0));
	/* With more threads than processors nobody earns a worker. */
	W_CHECK(!strcmp(w_setting(), "auto") && threads > 1 ? true : b_has_worker(pid));
	for (int i = 0; i < rounds * 10; i++) {
		expect_listed(pid, threads);
		t_sleep_ms(1);
	}
	snprintf(name, sizeof(name), "cgroup.procs and cgroup.threads, own threads: %d", threads);
	w_report(name);
	for (int i = 0; i < rounds * 10; i++) {
		W_CHECK(strtol(b_get(b_group(GROUP, "pids.current")), NULL, 10) == threads);
		t_sleep_ms(1);
	}
	snprintf(name, sizeof(name), "pids.current, own threads: %d", threads);
	w_report(name);
	b_end(pid);
}

/* One process and one child at a time: the limit of two is never reached by these. */
static void fork_at_the_limit(volatile long *done)
{
	for (;; (*done)++) {
		pid_t pid;

		for (int i = 0; i < 200; i++)
			getppid();
		pid = fork();
		W_CHECK(pid >= 0);
		if (!pid)
			_exit(3);
		W_CHECK(pid < 0 || t_wait_code(pid) == 3);
	}
}

static void test_limit(void)
{
	pid_t pid = b_start(0, "xsc-limited", b_group(LIMITED, "cgroup.procs"), fork_at_the_limit);

	W_CHECK(b_put(b_group(LIMITED, "pids.max"), "2"));
	for (int i = 0; i < rounds; i++)
		W_CHECK(b_moves(0));
	b_end(pid);
	W_CHECK(b_value(b_group(LIMITED, "pids.events"), "max") == 0);
	w_report("under pids.max 2 a process can have a child, however hot it is");
	W_CHECK(b_put(b_group(LIMITED, "pids.max"), "1"));
	pid = b_start(0, "xsc-limited", b_group(LIMITED, "cgroup.procs"), b_hot);
	for (int i = 0; i < rounds; i++)
		W_CHECK(b_moves(0));
	b_end(pid);
	w_report("under pids.max 1 a process makes its calls");
}

/* What a group is charged for in a while, in microseconds. */
static long charged(const char *group)
{
	long before = b_value(b_group(group, "cpu.stat"), "usage_usec");

	t_sleep_ms(WATCH_MS);
	return b_value(b_group(group, "cpu.stat"), "usage_usec") - before;
}

static void move(pid_t pid, const char *from, const char *to, const char *file)
{
	char text[16];

	snprintf(text, sizeof(text), "%d", pid);
	W_CHECK(b_put(b_group(to, file), text));
	t_sleep_ms(SOON_MS);
	W_CHECK(charged(from) < CHARGED_US);
	W_CHECK(charged(to) > CHARGED_US);
	W_CHECK(b_moves(0));
}

static void test_moves(const char *name, const char *one, const char *two, const char *file)
{
	pid_t pid = b_start(0, "xsc-moved", b_group(one, file), b_hot);

	/* Its own way into the first group must not come after ours into the second. */
	W_CHECK(b_moves(0));
	for (int i = 0; i < rounds; i++) {
		W_CHECK(b_has_worker(pid));
		move(pid, i & 1 ? two : one, i & 1 ? one : two, file);
	}
	b_end(pid);
	w_report(name);
}

static void make_threaded(void)
{
	b_make_group(DOMAIN);
	b_make_group(DOMAIN "/a");
	b_make_group(DOMAIN "/b");
	W_MUST(b_put(b_group(DOMAIN "/a", "cgroup.type"), "threaded"));
	W_MUST(b_put(b_group(DOMAIN "/b", "cgroup.type"), "threaded"));
}

/* Its process is in the domain, and its thread in a group below. */
static void hot_in_thread_group(volatile long *done)
{
	W_MUST(b_put(b_group(DOMAIN "/a", "cgroup.threads"), "0"));
	b_hot(done);
}

static void test_threaded(void)
{
	pid_t pid;

	make_threaded();
	pid = b_start(0, "xsc-moved", b_group(DOMAIN, "cgroup.procs"), hot_in_thread_group);
	W_CHECK(b_moves(0));
	for (int i = 0; i < rounds; i++) {
		W_CHECK(b_has_worker(pid));
		move(pid, i & 1 ? DOMAIN "/b" : DOMAIN "/a", i & 1 ? DOMAIN "/a" : DOMAIN "/b",
		     "cgroup.threads");
	}
	b_end(pid);
	w_report("a thread moved by cgroup.threads");
	t_ok(b_remove_group(DOMAIN "/a") && b_remove_group(DOMAIN "/b") && b_remove_group(DOMAIN),
	     "the threaded groups are empty");
}

int main(int argc, char **argv)
{
	b_init(argc, argv);
	rounds = (int)t_option("--rounds", 6);
	if (!b_mount_groups() || !b_put(b_group("", "cgroup.subtree_control"), "+pids")) {
		t_skip("control groups", "there are none of version 2, or not for us");
		return t_done();
	}
	b_make_group(GROUP);
	b_make_group(LIMITED);
	w_need_worker();
	test_lists(1);
	test_lists(B_THREADS);
	test_limit();
	test_moves("a process moved by cgroup.procs", GROUP, LIMITED, "cgroup.procs");
	test_threaded();
	t_ok(b_remove_group(GROUP) && b_remove_group(LIMITED), "the groups are empty");
	b_unmount_groups();
	return t_done();
}
