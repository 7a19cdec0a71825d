// SPDX-License-Identifier: MIT
/*
 * Description: timer signals every 50 microseconds, with handlers that make calls, hit every
 * place of the way into the kernel; each of the counted writes, reads, dups and closes of the
 * main flow still happens exactly once.
 */
#include "harness.h"

#include <pthread.h>
#include <sys/eventfd.h>
#include <sys/time.h>

static call6_t transport;
static int handler_fd;
static volatile long handled, wrong;

static void on_alarm(int sig)
{
	uint64_t one = 1;

	(void)sig;
	if (transport(SYS_write, handler_fd, (long)&one, 8, 0, 0, 0) != 8)
		wrong++;
	if (transport(SYS_close, -1, 0, 0, 0, 0, 0) != -EBADF)
		wrong++;
	handled++;
}

static uint64_t take(int fd)
{
	uint64_t n = 0;

	return read(fd, &n, sizeof(n)) == sizeof(n) ? n : 0;
}

/* One round: every call checks its own result; the pipe's content shows doubled or lost calls. */
static long one_round(int efd, const int *p, long i)
{
	uint64_t one = 1;
	uint32_t in = (uint32_t)i, out = 0;
	long bad = 0, fd;

	bad += transport(SYS_write, efd, (long)&one, 8, 0, 0, 0) != 8;
	bad += transport(SYS_write, p[1], (long)&in, 4, 0, 0, 0) != 4;
	bad += transport(SYS_read, p[0], (long)&out, 4, 0, 0, 0) != 4;
	bad += out != in;
	fd = transport(SYS_dup, efd, 0, 0, 0, 0, 0);
	bad += fd < 0;
	/* A close that ran twice reports EBADF; one that did not run leaks a descriptor. */
	bad += transport(SYS_close, fd, 0, 0, 0, 0, 0) != 0;
	return bad;
}

static void run(const char *how, long seconds, long interval, int flags)
{
	struct sigaction sa = { .sa_handler = on_alarm, .sa_flags = flags };
	struct itimerval it = { { 0, interval }, { 0, interval } }, off = { { 0, 0 }, { 0, 0 } };
	int efd = eventfd(0, EFD_NONBLOCK), p[2], next, after;
	uint64_t end = t_now_ns() + (uint64_t)seconds * 1000000000u;
	long rounds = 0, bad = 0;
	char name[96];

	if (pipe(p))
		exit(1);
	handled = wrong = 0;
	next = dup(0);
	close(next);
	sigaction(SIGALRM, &sa, NULL);
	setitimer(ITIMER_REAL, &it, NULL);
	while (t_now_ns() < end)
		bad += one_round(efd, p, rounds++);
	setitimer(ITIMER_REAL, &off, NULL);
	after = dup(0);
	close(after);
	t_note("%s: %ld rounds, %ld handlers in %ld s", how, rounds, handled, seconds);
	snprintf(name, sizeof(name), "%s: handlers ran in the middle of calls", how);
	t_ok(handled > 100, name);
	snprintf(name, sizeof(name), "%s: every call had its own result", how);
	t_eq(bad, 0, name);
	snprintf(name, sizeof(name), "%s: every write happened once", how);
	t_eq(take(efd), rounds, name);
	snprintf(name, sizeof(name), "%s: no descriptor was lost", how);
	t_eq(after, next, name);
	snprintf(name, sizeof(name), "%s: calls of the handlers happened once", how);
	t_ok((long)take(handler_fd) == handled && wrong == 0, name);
	close(efd);
	close(p[0]);
	close(p[1]);
}

struct thread {
	int efd;
	volatile bool *stop;
	long rounds;
	long bad;
};

static void *stormy(void *arg)
{
	struct thread *t = arg;
	int p[2];

	if (pipe(p))
		return NULL;
	while (!*t->stop)
		t->bad += one_round(t->efd, p, t->rounds++);
	return NULL;
}

/* Four threads, any of which takes the timer's signal, while children come and go. */
static void run_threads(const char *how, long seconds, long interval)
{
	struct sigaction sa = { .sa_handler = on_alarm, .sa_flags = SA_RESTART };
	struct itimerval it = { { 0, interval }, { 0, interval } }, off = { { 0, 0 }, { 0, 0 } };
	struct thread t[4];
	pthread_t id[4];
	volatile bool stop = false;
	uint64_t end = t_now_ns() + (uint64_t)seconds * 1000000000u;
	long rounds = 0, bad = 0, forks = 0, writes = 0;
	char name[96];

	sigaction(SIGALRM, &sa, NULL);
	for (int i = 0; i < 4; i++) {
		t[i] = (struct thread){ eventfd(0, EFD_NONBLOCK), &stop, 0, 0 };
		pthread_create(&id[i], NULL, stormy, &t[i]);
	}
	setitimer(ITIMER_REAL, &it, NULL);
	while (t_now_ns() < end) {
		pid_t pid = fork();

		if (!pid)
			_exit(3);
		bad += t_wait_code(pid) != 3;
		forks++;
	}
	stop = true;
	setitimer(ITIMER_REAL, &off, NULL);
	for (int i = 0; i < 4; i++) {
		pthread_join(id[i], NULL);
		rounds += t[i].rounds;
		bad += t[i].bad;
		writes += (long)take(t[i].efd);
	}
	t_note("%s, four threads: %ld rounds, %ld forks", how, rounds, forks);
	snprintf(name, sizeof(name), "%s, four threads: own results, children whole", how);
	t_eq(bad, 0, name);
	snprintf(name, sizeof(name), "%s, four threads: every write happened once", how);
	t_eq(writes, rounds, name);
}

int main(int argc, char **argv)
{
	long seconds, interval;

	t_init(argc, argv);
	t_expect_traps();
	seconds = t_option("--seconds", 2);
	interval = t_option("--interval", 50);
	handler_fd = eventfd(0, EFD_NONBLOCK);
	if (!t_flag("--gate-only")) {
		transport = via_trap;
		run("trap", seconds, interval, SA_RESTART);
	}
	if (t_need_gate("storm over the gate")) {
		transport = via_gate;
		run("gate", seconds, interval, 0);
		run("gate with SA_RESTART", seconds, interval, SA_RESTART);
		run_threads("gate", seconds, interval * 4);
	}
	return t_done_gate();
}
