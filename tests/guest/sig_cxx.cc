// SPDX-License-Identifier: MIT
/*
 * Description: a C++ exception thrown in a signal handler unwinds out of it: through the signal
 * frame, the way into the kernel and the blocking libc call, running destructors once.
 */
#include "harness.h"

#include <sys/time.h>

static int destroyed;
static int pipefd[2];

struct guard {
	~guard() { destroyed++; }
};

struct interruption {
	int signal;
};

static void thrower(int sig)
{
	sigset_t set;

	/* No sigreturn will run: unblock what the kernel blocked for the handler. */
	sigemptyset(&set);
	sigaddset(&set, sig);
	sigprocmask(SIG_UNBLOCK, &set, nullptr);
	throw interruption{ sig };
}

/*
 * Longer than setitimer() takes to return, also where a worker makes the call on a busy host: an
 * exception may not leave it, for the C library declares that it throws none.
 */
#define PATIENCE_US 30000

static void arm(long us)
{
	struct itimerval it = { { 0, 0 }, { 0, us } };

	setitimer(ITIMER_REAL, &it, nullptr);
}

/* The guards' destructors need the unwinder to pass each of these frames. */
static __attribute__((noinline)) void blocked_in_read()
{
	guard g;
	char c;

	arm(PATIENCE_US);
	if (read(pipefd[0], &c, 1) == 1)
		abort();
}

static __attribute__((noinline)) void blocked_in_sleep()
{
	guard g;
	struct timespec ts = { 5, 0 };

	arm(PATIENCE_US);
	nanosleep(&ts, nullptr);
	abort();
}

static __attribute__((noinline)) int fault(volatile int *p)
{
	guard g;

	return *p;
}

template <typename F> static int caught(F f)
{
	try {
		guard g;

		f();
	} catch (const interruption &i) {
		return i.signal;
	}
	return 0;
}

int main(int argc, char **argv)
{
	struct sigaction sa = {};
	int rounds;

	t_init(argc, argv);
	rounds = (int)t_option("--rounds", 50);
	sa.sa_handler = thrower;
	sigaction(SIGALRM, &sa, nullptr);
	sigaction(SIGSEGV, &sa, nullptr);
	if (pipe(pipefd))
		return 1;

	int good = 0;
	for (int i = 0; i < rounds; i++)
		good += caught([] { fault(nullptr); }) == SIGSEGV;
	t_eq(good, rounds, "an exception out of a SIGSEGV handler is caught");
	t_eq(destroyed, 2 * rounds, "two destructors ran each time");

	good = destroyed = 0;
	for (int i = 0; i < rounds; i++)
		good += caught(blocked_in_read) == SIGALRM;
	t_eq(good, rounds, "an exception out of a handler in a blocked read is caught");
	t_eq(destroyed, 2 * rounds, "two destructors ran each time");

	good = destroyed = 0;
	for (int i = 0; i < rounds; i++)
		good += caught(blocked_in_sleep) == SIGALRM;
	t_eq(good, rounds, "an exception out of a handler in a blocked sleep is caught");
	t_eq(destroyed, 2 * rounds, "two destructors ran each time");

	/* Calls still work, and the abandoned reads are gone. */
	char c = 0;
	t_ok(write(pipefd[1], "c", 1) == 1 && read(pipefd[0], &c, 1) == 1 && c == 'c',
	     "calls work after all that");
	return t_done();
}
