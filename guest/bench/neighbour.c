// SPDX-License-Identifier: MIT
/*
 * bench-neighbour: two CPU-bound threads for each CPU beside one process that does nothing but
 * calls. A sample counts the units of work of the CPU-bound threads: what the calls of somebody
 * else, and a worker that runs them, take away from those who make none.
 */
#include "bench.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#define THREADS_PER_CPU 2
#define MAX_THREADS 128
#define STEPS 20000

struct spinner {
	pthread_t thread;
	_Atomic uint64_t units;
} __attribute__((aligned(128)));

static struct spinner spinners[MAX_THREADS];
static long threads;
static atomic_bool stop;
/* Calls made by the other process: shared with it. */
static _Atomic uint64_t *made;

static void *spin(void *arg)
{
	struct spinner *own = arg;
	uint64_t x = 88172645463325252u;

	while (!atomic_load_explicit(&stop, memory_order_relaxed)) {
		for (int i = 0; i < STEPS; i++) {
			x ^= x << 13;
			x ^= x >> 7;
			x ^= x << 17;
		}
		/* Without this the compiler may leave the loop out. */
		__asm__ volatile("" : "+r"(x));
		atomic_fetch_add_explicit(&own->units, 1, memory_order_relaxed);
	}
	return NULL;
}

static uint64_t units(void)
{
	uint64_t sum = 0;

	for (long i = 0; i < threads; i++)
		sum += atomic_load(&spinners[i].units);
	return sum;
}

static void make_calls(call6_t c, pid_t parent)
{
	char text[200];
	int file = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (file < 0 || getppid() != parent)
		_exit(1);
	for (;;) {
		c(SYS_pread64, file, (long)text, sizeof(text), 0, 0, 0);
		c(SYS_getppid, 0, 0, 0, 0, 0, 0);
		atomic_fetch_add_explicit(made, 2, memory_order_relaxed);
	}
}

static void sample(enum lane lane, long rep)
{
	uint64_t before, calls, start, end, done;
	pid_t self = getpid(), pid;
	int status;

	bench_enter(lane);
	fflush(stdout);
	pid = fork();
	if (pid < 0)
		bench_die("no process: %s", strerror(errno));
	if (!pid)
		make_calls(bench_call(lane), self);
	bench_sleep_ms(bench.warm_ms);
	calls = atomic_load(made);
	before = units();
	start = bench_now();
	/* On a starved host a short sample may pass without a unit done: that is no cost. */
	do {
		bench_sleep_ms(bench.sample_ms);
		done = units() - before;
	} while (!done);
	end = bench_now();
	bench_sample("neighbour", lane, rep, done, end - start);
	bench_counter("neighbour", lane, rep, "calls", (long)(atomic_load(made) - calls));
	kill(pid, SIGKILL);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (!WIFSIGNALED(status))
		bench_die("the process that makes calls ended by itself");
}

int main(int argc, char **argv)
{
	bench_init(argc, argv, "neighbour");
	made = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (made == MAP_FAILED)
		bench_die("no memory: %s", strerror(errno));
	threads = THREADS_PER_CPU * sysconf(_SC_NPROCESSORS_ONLN);
	if (threads > MAX_THREADS)
		threads = MAX_THREADS;
	for (long i = 0; i < threads; i++)
		if (pthread_create(&spinners[i].thread, NULL, spin, &spinners[i]))
			bench_die("no thread");
	for (long rep = 0; rep < bench.reps; rep++) {
		enum lane lane;

		for (int nth = 0; (lane = bench_turn(rep, nth)) != LANES; nth++)
			sample(lane, rep);
	}
	atomic_store(&stop, true);
	for (long i = 0; i < threads; i++)
		pthread_join(spinners[i].thread, NULL);
	return bench_done();
}
