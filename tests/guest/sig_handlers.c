// SPDX-License-Identifier: MIT
/*
 * Description: handlers that make calls, nest, run on an alternate stack, or leave a blocking
 * call by siglongjmp; every call inside and outside them happens exactly once.
 */
#include "harness.h"

#include <pthread.h>
#include <setjmp.h>
#include <sys/eventfd.h>
#include <sys/time.h>

static int outer_fd, inner_fd;
static volatile sig_atomic_t depth, deepest, runs;
static volatile sig_atomic_t wrong;
static volatile bool on_alt;
/* Trees of handlers that have ended; who sends the next signal is another process. */
static volatile int *trees;
static char *alt;
static sigjmp_buf escape;

static void add(int fd)
{
	uint64_t one = 1;

	if (write(fd, &one, sizeof(one)) != sizeof(one))
		wrong++;
}

static uint64_t take(int fd)
{
	uint64_t n = 0;

	return read(fd, &n, sizeof(n)) == sizeof(n) ? n : 0;
}

static void nesting(int sig)
{
	int saved = errno;

	depth++;
	if (depth > deepest)
		deepest = depth;
	add(inner_fd);
	if (getpid() != syscall(SYS_getpid))
		wrong++;
	if (depth < 6)
		raise(sig == SIGUSR1 ? SIGUSR2 : SIGUSR1);
	if (close(-1) != -1 || errno != EBADF)
		wrong++;
	add(inner_fd);
	depth--;
	runs++;
	if (!depth)
		++*trees;
	errno = saved;
}

static void handle(int sig, void (*fn)(int), int flags)
{
	struct sigaction sa = { .sa_handler = fn, .sa_flags = flags };

	sigaction(sig, &sa, NULL);
}

static void test_nested(void)
{
	handle(SIGUSR1, nesting, SA_NODEFER);
	handle(SIGUSR2, nesting, SA_NODEFER);
	for (int i = 0; i < 100; i++) {
		add(outer_fd);
		raise(SIGUSR1);
	}
	t_eq(deepest, 6, "handlers nested six deep");
	t_eq(runs, 600, "each ran once");
	t_eq(take(inner_fd), 1200, "each made its two writes once");
	t_eq(take(outer_fd), 100, "the interrupted code made its writes once");
	t_eq(wrong, 0, "every call had its own result");
}

/* Handlers with calls while the main flow is blocked in a read that restarts. */
static void test_nested_in_blocking(void)
{
	int p[2];
	char c = 0;
	pid_t pid, self = getpid();

	t_ok(!pipe(p), "pipe");
	runs = 0;
	deepest = 0;
	*trees = 0;
	handle(SIGUSR1, nesting, SA_NODEFER | SA_RESTART);
	handle(SIGUSR2, nesting, SA_NODEFER | SA_RESTART);
	pid = fork();
	if (!pid) {
		for (int i = 0; i < 5; i++) {
			t_wait_settled(self);
			kill(self, SIGUSR1);
			/* One that comes before the last is done would be the same signal. */
			while (*trees == i)
				t_sleep_ms(1);
		}
		_exit(write(p[1], "N", 1) != 1);
	}
	t_eq(read(p[0], &c, 1), 1, "the read survives five trees of handlers");
	t_eq(c, 'N', "and has its byte");
	t_eq(t_wait_code(pid), 0, "writer done");
	t_eq(runs, 30, "all handlers ran once");
	t_eq(take(inner_fd), 60, "and made their writes once");
}

static void alt_handler(int sig)
{
	char here;

	(void)sig;
	on_alt = &here >= alt && &here < alt + 65536;
	add(inner_fd);
	runs++;
}

static void *alt_thread(void *arg)
{
	stack_t ss = { .ss_sp = malloc(65536), .ss_size = 65536 };

	(void)arg;
	alt = ss.ss_sp;
	sigaltstack(&ss, NULL);
	pthread_kill(pthread_self(), SIGUSR1);
	return NULL;
}

static void test_altstack(void)
{
	stack_t ss = { .ss_sp = malloc(65536), .ss_size = 65536 }, now;
	struct itimerval it = { { 0, 0 }, { 0, 500000 } };
	struct timespec ts = { 5, 0 };
	pthread_t t;

	alt = ss.ss_sp;
	runs = 0;
	handle(SIGALRM, alt_handler, SA_ONSTACK);
	handle(SIGUSR1, alt_handler, SA_ONSTACK);
	t_eq(sigaltstack(&ss, NULL), 0, "alternate stack set");
	setitimer(ITIMER_REAL, &it, NULL);
	t_ok(nanosleep(&ts, NULL) == -1 && errno == EINTR, "a sleep ends by a handler on it");
	t_ok(on_alt, "the handler ran there");
	t_eq(sigaltstack(NULL, &now), 0, "query");
	t_eq(now.ss_flags, 0, "it is not in use any more");
	on_alt = false;
	pthread_create(&t, NULL, alt_thread, NULL);
	pthread_join(t, NULL);
	t_ok(on_alt, "a thread's handler runs on the thread's own");
	t_eq(runs, 2, "two handlers ran");
	t_eq(take(inner_fd), 2, "each wrote once");
}

static void jumper(int sig)
{
	(void)sig;
	add(inner_fd);
	siglongjmp(escape, 1);
}

static void test_longjmp(int rounds)
{
	int p[2];
	volatile int left = 0;
	char c;
	volatile int i;

	t_ok(!pipe(p), "pipe");
	handle(SIGALRM, jumper, 0);
	for (i = 0; i < rounds; i++) {
		struct itimerval it = { { 0, 0 }, { 0, 500 + i % 7 * 100 } };

		if (!sigsetjmp(escape, 1)) {
			setitimer(ITIMER_REAL, &it, NULL);
			left += read(p[0], &c, 1) == 1;
		}
		/* The abandoned read must not be there any more: this byte is for the next one. */
		add(outer_fd);
		if (write(p[1], "x", 1) != 1 || read(p[0], &c, 1) != 1 || c != 'x')
			wrong++;
	}
	t_eq(left, 0, "every blocked read was left by siglongjmp");
	t_eq(wrong, 0, "later calls had their own results");
	t_eq(take(inner_fd), rounds, "each handler wrote once");
	t_eq(take(outer_fd), rounds, "each round wrote once");
}

static void test_longjmp_in_thread(void)
{
	/* Out of a futex wait and out of a sleep, too. */
	int word = 0;

	handle(SIGALRM, jumper, 0);
	for (volatile int i = 0; i < 20; i++) {
		struct itimerval it = { { 0, 0 }, { 0, 1000 } };

		if (!sigsetjmp(escape, 1)) {
			setitimer(ITIMER_REAL, &it, NULL);
			if (i & 1)
				syscall(SYS_futex, &word, 0, 0, NULL, NULL, 0);
			else
				sleep(5);
			wrong++;
		}
	}
	t_eq(wrong, 0, "left futex waits and sleeps");
	t_eq(take(inner_fd), 20, "each handler wrote once");
}

int main(int argc, char **argv)
{
	t_init(argc, argv);
	outer_fd = eventfd(0, EFD_NONBLOCK);
	inner_fd = eventfd(0, EFD_NONBLOCK);
	trees = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (!t_ok(trees != MAP_FAILED, "shared memory"))
		return t_done();
	test_nested();
	test_nested_in_blocking();
	test_altstack();
	test_longjmp((int)t_option("--rounds", 500));
	test_longjmp_in_thread();
	return t_done();
}
