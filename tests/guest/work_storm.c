// SPDX-License-Identifier: MIT
/*
 * Description: four threads write, read, dup and close, each under 700 signals a second of timers
 * of its own, with handlers that make calls and interrupt each other, while children come and go:
 * each byte, each descriptor number and each call of a handler exactly once.
 */
#include "work.h"

#include <sched.h>
#include <sys/eventfd.h>

#define THREADS 4
#define TIMERS 2
#define WANTED 100	/* handlers, however slow the machine is */
#define PERIOD_NS 2857143	/* 350 a second each */

/* A thread with a table of descriptors of its own knows which number comes next. */
struct storm {
	bool own_table;
	int counter;
	long rounds;
	long handled;
};

static volatile bool stop;
static __thread struct storm *self;
static const pid_t *parent;

static void on_timer(int sig)
{
	uint64_t one = 1;

	(void)sig;
	W_CHECK(write(self->counter, &one, sizeof(one)) == sizeof(one));
	W_CHECK(getppid() == *parent);
	W_CHECK(close(-1) == -1 && errno == EBADF);
	__atomic_add_fetch(&self->handled, 1, __ATOMIC_SEQ_CST);
}

static int take(int fd)
{
	uint64_t n = 0;

	return read(fd, &n, sizeof(n)) == sizeof(n) ? (int)n : 0;
}

static void start_timers(timer_t *timers)
{
	struct itimerspec it = { { 0, PERIOD_NS }, { 0, PERIOD_NS } };

	for (int i = 0; i < TIMERS; i++) {
		struct sigevent ev = { .sigev_notify = SIGEV_THREAD_ID, .sigev_signo = SIGRTMIN + i };

		ev._sigev_un._tid = gettid();
		W_MUST(!timer_create(CLOCK_MONOTONIC, &ev, &timers[i]));
		W_MUST(!timer_settime(timers[i], 0, &it, NULL));
		/* Half a period apart, so that one handler meets the other. */
		usleep(PERIOD_NS / 2000);
	}
}

static void one_round(const int *p, int next)
{
	long in = self->rounds, second = ~in, out[2] = { 0, 0 };
	int fd;

	W_CHECK(write(p[1], &in, sizeof(in)) == sizeof(in));
	W_CHECK(write(p[1], &second, sizeof(second)) == sizeof(second));
	W_CHECK(read(p[0], out, sizeof(out)) == sizeof(out));
	W_CHECK(out[0] == in && out[1] == second);
	fd = dup(p[0]);
	W_CHECK(self->own_table ? fd == next : fd > 2);
	W_CHECK(close(fd) == 0);
	if (self->own_table)
		W_CHECK(close(fd) == -1 && errno == EBADF);
	if (self->rounds % 256 == 255) {
		pid_t pid = fork();

		if (!pid)
			_exit(getppid() == *parent ? 1 : 5);
		W_CHECK(t_wait_code(pid) == 5);
	}
	self->rounds++;
}

static void *stormy(void *arg)
{
	timer_t timers[TIMERS];
	int p[2], next, left;

	self = arg;
	if (self->own_table)
		W_MUST(!unshare(CLONE_FILES));
	W_MUST(!pipe(p));
	next = dup(0);
	close(next);
	start_timers(timers);
	while (!stop)
		one_round(p, next);
	for (int i = 0; i < TIMERS; i++)
		timer_delete(timers[i]);
	close(p[0]);
	close(p[1]);
	/* The pipe of a thread with a shared table may lie above those of others. */
	left = dup(0);
	W_CHECK(!self->own_table || left == next - 2);
	close(left);
	w_add_served();
	return NULL;
}

static long handled_by(const struct storm *storms)
{
	long sum = 0;

	for (int i = 0; i < THREADS; i++)
		sum += __atomic_load_n(&storms[i].handled, __ATOMIC_SEQ_CST);
	return sum;
}

int main(int argc, char **argv)
{
	struct sigaction sa = { .sa_handler = on_timer, .sa_flags = SA_RESTART };
	struct storm storms[THREADS] = { { .own_table = true }, { .own_table = true } };
	long forks = 0, rounds = 0, handled, counted = 0;
	pthread_t threads[THREADS];
	uint64_t end, last;
	pid_t above;
	int before;

	w_init(argc, argv);
	above = getppid();
	parent = &above;
	w_need_worker();
	for (int i = 0; i < TIMERS; i++)
		W_MUST(!sigaction(SIGRTMIN + i, &sa, NULL));
	for (int i = 0; i < THREADS; i++)
		W_MUST((storms[i].counter = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) >= 0);
	before = w_entries("/proc/self/fd");
	end = t_now_ns() + (uint64_t)t_option("--seconds", 5) * 1000000000u;
	last = end + 60000000000u;
	for (int i = 0; i < THREADS; i++)
		W_MUST(!pthread_create(&threads[i], NULL, stormy, &storms[i]));
	for (; t_now_ns() < end || (handled_by(storms) < WANTED && t_now_ns() < last); forks++) {
		pid_t pid = fork();

		if (!pid)
			_exit(3);
		W_CHECK(t_wait_code(pid) == 3);
	}
	stop = true;
	for (int i = 0; i < THREADS; i++) {
		pthread_join(threads[i], NULL);
		rounds += storms[i].rounds;
		counted += take(storms[i].counter);
	}
	handled = handled_by(storms);
	t_note("%ld rounds, %ld handlers, %ld forks", rounds, handled, forks);
	w_report("each call has its own result and effect");
	t_ok(handled >= WANTED, "handlers ran in the middle of calls");
	t_eq(counted, handled, "each write of a handler happened once");
	t_eq(w_entries("/proc/self/fd"), before, "no descriptor is left over");
	w_report_served();
	return t_done();
}
