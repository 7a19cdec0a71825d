// SPDX-License-Identifier: MIT
/*
 * Description: what a worker takes nothing of: a number in its namespace, a place under limits on
 * processes, a line of cgroup.threads, the answer to who is asleep in which call. And one without
 * work does not stay.
 */
#include "work.h"

#include <sched.h>
#include <sys/resource.h>

#define ROUNDS 20

/* In a namespace where nobody else is, each number can be foreseen. */
static void foresee_numbers(void)
{
	pid_t pid;

	W_MUST(getpid() == 1);
	for (pid_t want = 2; want < 2 + ROUNDS; want++) {
		w_hot();
		pid = fork();
		if (!pid) {
			w_hot();
			_exit(0);
		}
		W_CHECK(pid == want);
		W_CHECK(t_wait_code(pid) == 0);
	}
}

static void test_numbers(void)
{
	pid_t pid = fork();

	if (!pid) {
		W_MUST(!unshare(CLONE_NEWPID));
		w_in_child(foresee_numbers);
		_exit(0);
	}
	W_CHECK(t_wait_code(pid) == 0);
	w_report("a worker takes no number in a namespace of its process");
}

#define USER 4711

/* As many processes as the limit allows, each of which has had a worker, and one too many. */
static void fill_limit(void)
{
	struct rlimit limit = { 3, 3 };
	int go[2];
	pid_t children[2];
	char c;

	W_MUST(!pipe(go) && !setrlimit(RLIMIT_NPROC, &limit) && !setresuid(USER, USER, USER));
	for (int i = 0; i < 2; i++) {
		w_hot();
		children[i] = fork();
		if (!children[i]) {
			close(go[1]);
			w_hot();
			w_add_served();
			_exit(read(go[0], &c, 1));
		}
		W_CHECK(children[i] > 0);
	}
	for (int i = 0; i < 20; i++) {
		pid_t extra;

		w_hot();
		extra = fork();
		if (!extra)
			_exit(0);
		W_CHECK(extra == -1 && errno == EAGAIN);
		if (extra > 0)
			t_wait_code(extra);
	}
	close(go[1]);
	for (int i = 0; i < 2; i++)
		W_CHECK(children[i] > 0 && t_wait_code(children[i]) == 0);
}

static void test_process_limit(void)
{
	for (int i = 0; i < 5; i++)
		w_in_child(fill_limit);
	w_report("RLIMIT_NPROC counts no worker, and is no looser for one");
}

/* setuid() into a full user marks the task, and execve() then fails until there is room. */
static void exec_when_full(void)
{
	struct rlimit limit = { 1, 1 };
	char *argv[] = { "/bin/true", NULL }, *envp[] = { NULL };
	int ready[2];
	pid_t other;
	char c;

	W_MUST(!pipe(ready));
	other = fork();
	if (!other) {
		W_MUST(!setresuid(USER, USER, USER) && write(ready[1], "x", 1) == 1);
		pause();
	}
	W_MUST(read(ready[0], &c, 1) == 1);
	W_MUST(!setrlimit(RLIMIT_NPROC, &limit) && !setresuid(USER, USER, USER));
	for (int i = 0; i < 5; i++) {
		w_hot();
		W_CHECK(execve(argv[0], argv, envp) == -1 && errno == EAGAIN);
	}
	kill(other, SIGKILL);
}

static void test_exec_limit(void)
{
	for (int i = 0; i < 5; i++)
		w_in_child(exec_when_full);
	w_report("execve() of a user with too many processes fails in spite of a worker");
}

/* The call that /proc says @pid is in; -1 if it is in none, -2 if there is no telling. */
static long call_of(pid_t pid)
{
	char path[64], text[128] = "";
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/syscall", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || read(fd, text, sizeof(text) - 1) <= 0)
		return -2;
	close(fd);
	return strtol(text, NULL, 10);
}

/*
 * The call that @pid sleeps in for good. On its way there it makes others, and on a busy host one
 * of them may wait for its worker for as long as a glance takes: what counts is what it stays in.
 */
static long sleeps_in(pid_t pid, long expected)
{
	long call = -2;

	for (int i = 0; i < 20 && call != expected; i++)
		call = t_wait_settled(pid) ? call_of(pid) : -2;
	return call;
}

static void sleep_in_read(int from)
{
	char c;

	w_hot();
	W_CHECK(read(from, &c, 1) == 1 && c == 'x');
	w_add_served();
	_exit(0);
}

static void test_asleep(void)
{
	for (int i = 0; i < ROUNDS; i++) {
		pid_t pid;
		int p[2];

		W_MUST(!pipe(p));
		pid = fork();
		if (!pid)
			sleep_in_read(p[0]);
		W_CHECK(sleeps_in(pid, SYS_read) == SYS_read);
		W_CHECK(write(p[1], "x", 1) == 1);
		W_CHECK(t_wait_code(pid) == 0);
		close(p[0]);
		close(p[1]);
	}
	w_report("/proc/<pid>/syscall shows the call that a worker sleeps in");
}

#define PATIENCE "/sys/kernel/xsc/worker_idle_ms"

static long read_number(const char *path)
{
	char text[32] = "";
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0 || read(fd, text, sizeof(text) - 1) <= 0)
		return -1;
	close(fd);
	return strtol(text, NULL, 10);
}

static void write_number(const char *path, long value)
{
	char text[32];
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	int n = snprintf(text, sizeof(text), "%ld", value);

	W_MUST(fd >= 0 && write(fd, text, (size_t)n) == n);
	close(fd);
}

/* Ends and new beginnings of a worker, between calls that must neither fail nor happen twice. */
static void come_and_go(void)
{
	char buffer[64];
	long before;
	int p[2];

	W_MUST(!pipe(p));
	before = t_proc_xsc("thread-self", "retirements");
	for (int i = 0; i < ROUNDS; i++) {
		for (int k = 0; k < (int)sizeof(buffer); k++)
			W_CHECK(write(p[1], "x", 1) == 1);
		w_hot();
		W_CHECK(read(p[0], buffer, sizeof(buffer)) == sizeof(buffer));
		/* Longer than a worker may look (50 ms in the lanes), and shorter. */
		t_sleep_ms(i % 4 * 30);
	}
	/* Its end is noticed when the next one is wanted. */
	if (w_on())
		W_CHECK(t_proc_xsc("thread-self", "retirements") > before);
}

static void test_idle_ends(void)
{
	long patience = read_number(PATIENCE);

	W_MUST(patience > 0);
	write_number(PATIENCE, 5);
	w_in_child(come_and_go);
	write_number(PATIENCE, patience);
	w_report("a worker without work ends, and the next one goes on");
}

int main(int argc, char **argv)
{
	w_init(argc, argv);
	w_need_worker();
	if (getuid() != 0) {
		t_skip("limits and namespaces", "needs root");
	} else {
		test_numbers();
		test_process_limit();
		test_exec_limit();
	}
	test_asleep();
	if (w_on())
		test_idle_ends();
	w_report_served();
	return t_done();
}
