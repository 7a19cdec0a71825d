// SPDX-License-Identifier: MIT
/*
 * bench-mix: four threads that write, write, read, dup and close, while a timer sends 700 signals a
 * second to whichever thread the kernel picks, and the first thread forks.
 */
#include "bench.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/wait.h>
#include <time.h>

#define THREADS 4
#define SIGNALS_PER_SECOND 700L
#define FORK_EVERY_MS 20L
#define SIGNAL SIGALRM
#define KERNEL_SA_RESTORER 0x04000000UL

/* What rt_sigaction() reads; libc's structure is another one. */
struct kernel_sigaction {
	void (*handler)(int);
	unsigned long flags;
	void (*restorer)(void);
	unsigned long mask;
};

struct worker {
	pthread_t thread;
	_Atomic long rounds;
} __attribute__((aligned(128)));

static struct worker workers[THREADS];
static atomic_bool stop;
static atomic_long signals;
static call6_t call;

/* libc's restorer uses the gate, which is no part of the trap lane. */
void trap_restorer(void);
__asm__(".pushsection .text\n"
	".type trap_restorer, @function\n"
	"trap_restorer:\n\t"
	"movl $15, %eax\n\t"
	"syscall\n"
	".size trap_restorer, . - trap_restorer\n"
	".popsection\n");

static void on_signal(int number)
{
	(void)number;
	atomic_fetch_add_explicit(&signals, 1, memory_order_relaxed);
}

static void handle(enum lane lane)
{
	struct sigaction libc = { .sa_handler = on_signal, .sa_flags = SA_RESTART };
	struct kernel_sigaction raw = {
		.handler = on_signal,
		.flags = SA_RESTART | KERNEL_SA_RESTORER,
		.restorer = trap_restorer,
	};

	if (lane == LANE_TRAP)
		call(SYS_rt_sigaction, SIGNAL, (long)&raw, 0, sizeof(raw.mask), 0, 0);
	else
		sigaction(SIGNAL, &libc, NULL);
}

static void *work(void *arg)
{
	struct worker *own = arg;
	char text[64] = "";
	int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
	int ends[2];

	if (null < 0 || pipe2(ends, O_CLOEXEC))
		bench_die("no pipe or no /dev/null: %s", strerror(errno));
	while (!atomic_load_explicit(&stop, memory_order_relaxed)) {
		long copy;

		if (call(SYS_write, null, (long)text, sizeof(text), 0, 0, 0) != sizeof(text) ||
		    call(SYS_write, ends[1], (long)text, 1, 0, 0, 0) != 1 ||
		    call(SYS_read, ends[0], (long)text, 1, 0, 0, 0) != 1)
			bench_die("a write or a read was not done once");
		copy = call(SYS_dup, ends[0], 0, 0, 0, 0, 0);
		if (copy < 0 || call(SYS_close, copy, 0, 0, 0, 0, 0))
			bench_die("a dup or a close failed");
		atomic_fetch_add_explicit(&own->rounds, 1, memory_order_relaxed);
	}
	close(ends[0]);
	close(ends[1]);
	close(null);
	return NULL;
}

static timer_t timer_start(void)
{
	struct sigevent event = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGNAL };
	struct itimerspec period = {
		.it_value.tv_nsec = 1000000000L / SIGNALS_PER_SECOND,
		.it_interval.tv_nsec = 1000000000L / SIGNALS_PER_SECOND,
	};
	timer_t timer;

	if (timer_create(CLOCK_MONOTONIC, &event, &timer) ||
	    timer_settime(timer, 0, &period, NULL))
		bench_die("no timer: %s", strerror(errno));
	return timer;
}

static void fork_once(void)
{
	long pid = call(SYS_fork, 0, 0, 0, 0, 0, 0), ret;

	if (!pid)
		call(SYS_exit_group, 0, 0, 0, 0, 0, 0);
	if (pid < 0)
		bench_die("fork failed: %s", strerror((int)-pid));
	do {
		ret = call(SYS_wait4, pid, 0, 0, 0, 0, 0);
	} while (ret == -EINTR);
	if (ret != pid)
		bench_die("a child was not there to be waited for");
}

/* Forks at its pace until `end`; returns how often. */
static long forks_until(uint64_t end)
{
	long forks = 0;

	while (bench_now() < end) {
		struct timespec pause = { 0, FORK_EVERY_MS * 1000000 };

		fork_once();
		forks++;
		call(SYS_nanosleep, (long)&pause, 0, 0, 0, 0, 0);
	}
	return forks;
}

static long rounds(void)
{
	long sum = 0;

	for (int i = 0; i < THREADS; i++)
		sum += atomic_load(&workers[i].rounds);
	return sum;
}

static void sample(enum lane lane, long rep, uint64_t ns)
{
	long before, forks = 0, caught, done;
	uint64_t start, end;
	timer_t timer;

	call = bench_call(lane);
	bench_enter(lane);
	handle(lane);
	atomic_store(&stop, false);
	for (int i = 0; i < THREADS; i++)
		if (pthread_create(&workers[i].thread, NULL, work, &workers[i]))
			bench_die("no thread");
	timer = timer_start();
	forks_until(bench_now() + (uint64_t)bench.warm_ms * 1000000u);
	bench_counters_start();
	caught = atomic_load(&signals);
	before = rounds();
	start = bench_now();
	/* On a starved host a short sample may pass without a round done: that is no cost. */
	do {
		forks += forks_until(bench_now() + ns);
		done = rounds() - before;
	} while (!done);
	end = bench_now();
	bench_sample("mix", lane, rep, (uint64_t)done, end - start);
	bench_counters_print("mix", lane, rep);
	bench_counter("mix", lane, rep, "signals", atomic_load(&signals) - caught);
	bench_counter("mix", lane, rep, "forks", forks);
	timer_delete(timer);
	atomic_store(&stop, true);
	for (int i = 0; i < THREADS; i++)
		pthread_join(workers[i].thread, NULL);
}

int main(int argc, char **argv)
{
	bench_init(argc, argv, "mix");
	for (long rep = 0; rep < bench.reps; rep++) {
		enum lane lane;

		for (int nth = 0; (lane = bench_turn(rep, nth)) != LANES; nth++)
			sample(lane, rep, (uint64_t)bench.sample_ms * 1000000u);
	}
	return bench_done();
}
