// SPDX-License-Identifier: MIT
/*
 * Description: calls with a restart block (nanosleep, clock_nanosleep, poll, futex with timeout)
 * go on after SIGSTOP and SIGCONT and end at their old deadline; a handler ends them with EINTR
 * and the remaining time.
 */
#include "harness.h"

#include <poll.h>
#include <sys/epoll.h>

struct shared {
	volatile long result;
	volatile int error;
	volatile uint64_t elapsed;
	volatile long remaining;
	volatile int hits;
};

static struct shared *sh;
static int word;
static const struct timespec span = { 0, 400000000 };

static void on_signal(int sig)
{
	(void)sig;
	sh->hits++;
}

static long s_nanosleep(void)
{
	struct timespec rem = { 0, 0 };
	long r = nanosleep(&span, &rem);

	sh->remaining = rem.tv_nsec;
	return r;
}

static long s_clock_nanosleep(void)
{
	struct timespec rem = { 0, 0 };
	int e = clock_nanosleep(CLOCK_MONOTONIC, 0, &span, &rem);

	sh->remaining = rem.tv_nsec;
	errno = e;
	return e ? -1 : 0;
}

static long s_absolute(void)
{
	struct timespec at;
	int e;

	clock_gettime(CLOCK_MONOTONIC, &at);
	at.tv_nsec += span.tv_nsec;
	at.tv_sec += at.tv_nsec / 1000000000;
	at.tv_nsec %= 1000000000;
	e = clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &at, NULL);
	errno = e;
	return e ? -1 : 0;
}

static long s_poll(void) { return poll(NULL, 0, 400); }

static long s_futex(void)
{
	long r = syscall(SYS_futex, &word, 0, 0, &span, NULL, 0);

	/* The timeout is the expected end. */
	return r == -1 && errno == ETIMEDOUT ? 0 : r;
}

static const struct {
	const char *name;
	long (*sleep)(void);
	bool remaining;
} rows[] = {
	{ "nanosleep", s_nanosleep, true },
	{ "clock_nanosleep", s_clock_nanosleep, true },
	{ "clock_nanosleep to an absolute time", s_absolute, false },
	{ "poll", s_poll, false },
	{ "futex with timeout", s_futex, false },
};

static pid_t start(size_t i)
{
	pid_t pid;

	memset((void *)sh, 0, sizeof(*sh));
	pid = fork();
	if (!pid) {
		struct sigaction sa = { .sa_handler = on_signal };
		uint64_t t0 = t_now_ns();

		sigaction(SIGUSR1, &sa, NULL);
		errno = 0;
		sh->result = rows[i].sleep();
		sh->error = errno;
		sh->elapsed = t_now_ns() - t0;
		_exit(0);
	}
	t_wait_blocked(pid);
	t_sleep_ms(60);
	return pid;
}

static void test_stop(size_t i)
{
	pid_t pid = start(i);
	char name[96];
	int status;

	for (int k = 0; k < 2; k++) {
		kill(pid, SIGSTOP);
		waitpid(pid, &status, WUNTRACED);
		t_sleep_ms(100);
		kill(pid, SIGCONT);
		t_sleep_ms(20);
	}
	snprintf(name, sizeof(name), "%s goes on after SIGCONT", rows[i].name);
	t_eq(t_wait_code(pid), 0, name);
	t_result(sh->result == 0, "  and ends as if nothing had been", "result %ld errno %d", sh->result,
		 sh->error);
	t_result(sh->elapsed >= 399000000, "  not too early", "%lu ns", sh->elapsed);
	/* A restart that forgets its deadline would end at 680 ms at the earliest. */
	t_result(sh->elapsed < 640000000, "  at its old deadline", "%lu ns", sh->elapsed);
}

static void test_handler(size_t i)
{
	pid_t pid = start(i);
	char name[96];

	kill(pid, SIGUSR1);
	snprintf(name, sizeof(name), "%s is ended by a handler", rows[i].name);
	t_eq(t_wait_code(pid), 0, name);
	t_result(sh->result == -1 && sh->error == EINTR, "  with EINTR", "result %ld errno %d",
		 sh->result, sh->error);
	t_eq(sh->hits, 1, "  after one handler");
	if (rows[i].remaining)
		t_result(sh->remaining > 100000000 && sh->remaining < 400000000,
			 "  and the remaining time", "%ld ns", sh->remaining);
}

int main(int argc, char **argv)
{
	t_init(argc, argv);
	sh = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		test_stop(i);
		test_handler(i);
	}
	return t_done();
}
