// SPDX-License-Identifier: MIT
/*
 * Description: SIGPIPE and SIGXFSZ that a call raises are handled once for each call, by the
 * thread that made it, before the instruction behind the call; ignored or blocked they are not.
 */
#include "work.h"

#include <sys/resource.h>
#include <sys/socket.h>

#define LIMIT 4096

static int closed_pipe, closed_socket, full_file;
static __thread volatile sig_atomic_t flag;
static __thread volatile int handled;

static void on_signal(int sig)
{
	flag = sig;
	handled++;
}

static long write_pipe(void) { return write(closed_pipe, "x", 1); }
static long send_socket(void) { return send(closed_socket, "x", 1, 0); }
static long send_quietly(void) { return send(closed_socket, "x", 1, MSG_NOSIGNAL); }
static long write_socket(void) { return write(closed_socket, "x", 1); }
static long write_full(void) { return write(full_file, "x", 1); }
static long write_behind(void) { return pwrite(full_file, "x", 1, LIMIT); }
static long lengthen(void) { return ftruncate(full_file, LIMIT + 1); }

static const struct {
	const char *name;
	long (*call)(void);
	int error;
	int sig;
} rows[] = {
	{ "write to a pipe without reader", write_pipe, EPIPE, SIGPIPE },
	{ "send to a socket without peer", send_socket, EPIPE, SIGPIPE },
	{ "write to a socket without peer", write_socket, EPIPE, SIGPIPE },
	{ "send with MSG_NOSIGNAL", send_quietly, EPIPE, 0 },
	{ "write at the limit of file size", write_full, EFBIG, SIGXFSZ },
	{ "pwrite behind it", write_behind, EFBIG, SIGXFSZ },
	{ "ftruncate beyond it", lengthen, EFBIG, SIGXFSZ },
};

static int rounds;

static void expect(size_t i, int sig)
{
	handled = 0;
	for (int k = 0; k < rounds; k++) {
		flag = 0;
		errno = 0;
		W_CHECK(rows[i].call() == -1);
		W_CHECK(flag == sig);
		W_CHECK(errno == rows[i].error);
		if (k % 16 == 0)
			w_hot();
	}
	W_CHECK(handled == (sig ? rounds : 0));
}

static void *expect_handled(void *arg)
{
	size_t i = (size_t)(uintptr_t)arg;

	w_hot();
	expect(i, rows[i].sig);
	return NULL;
}

static void set_handler(size_t i, void (*handler)(int))
{
	struct sigaction sa = { .sa_handler = handler, .sa_flags = SA_RESTART };

	if (rows[i].sig)
		W_MUST(!sigaction(rows[i].sig, &sa, NULL));
}

static void expect_blocked(size_t i)
{
	sigset_t set, pending;

	sigemptyset(&set);
	sigaddset(&set, rows[i].sig);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	w_hot();
	expect(i, 0);
	W_CHECK(!sigpending(&pending) && sigismember(&pending, rows[i].sig));
	handled = 0;
	pthread_sigmask(SIG_UNBLOCK, &set, NULL);
	W_CHECK(handled == 1);
}

static void test_row(size_t i)
{
	char name[96];
	pthread_t t[2];

	set_handler(i, on_signal);
	w_hot();
	expect(i, rows[i].sig);
	snprintf(name, sizeof(name), "%s: %s", rows[i].name,
		 rows[i].sig ? "one handler each, before the call returns" : "no signal");
	w_report(name);
	if (!rows[i].sig)
		return;
	for (size_t k = 0; k < ARRAY_SIZE(t); k++)
		W_MUST(!pthread_create(&t[k], NULL, expect_handled, (void *)(uintptr_t)i));
	for (size_t k = 0; k < ARRAY_SIZE(t); k++)
		pthread_join(t[k], NULL);
	w_report("  in the thread that made the call");
	expect_blocked(i);
	w_report("  blocked: pending, and handled once when it is not");
	set_handler(i, SIG_IGN);
	expect(i, 0);
	w_report("  ignored: none");
}

static void die_of_it(void)
{
	signal(SIGPIPE, SIG_DFL);
	w_hot();
	write_pipe();
	_exit(1);
}

static void test_default(void)
{
	for (int k = 0; k < 20; k++) {
		pid_t pid = fork();

		if (!pid)
			die_of_it();
		W_CHECK(t_wait_code(pid) == 128 + SIGPIPE);
	}
	w_report("by default SIGPIPE ends the process");
}

int main(int argc, char **argv)
{
	struct rlimit limit = { LIMIT, LIMIT };
	int p[2], s[2];
	const char *dir;

	w_init(argc, argv);
	rounds = (int)t_option("--rounds", 200);
	dir = w_scratch();
	W_MUST(!pipe(p) && !close(p[0]) && !socketpair(AF_UNIX, SOCK_STREAM, 0, s) && !close(s[0]));
	closed_pipe = p[1];
	closed_socket = s[1];
	full_file = open("full", O_CREAT | O_RDWR | O_APPEND | O_CLOEXEC, 0600);
	W_MUST(full_file >= 0 && !ftruncate(full_file, LIMIT) && !setrlimit(RLIMIT_FSIZE, &limit));
	w_need_worker();
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		test_row(i);
	test_default();
	w_remove(dir);
	return t_done();
}
