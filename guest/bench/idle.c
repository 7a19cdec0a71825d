// SPDX-License-Identifier: MIT
/* bench-idle: what many sleeping processes cost, in CPU time of their own and of their workers. */
#include "bench.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <time.h>

#define SETTLE_MS 2000

static pid_t *sleepers;

static void start_all(void)
{
	sleepers = calloc((size_t)bench.processes, sizeof(*sleepers));
	if (!sleepers)
		bench_die("no memory");
	fflush(stdout);
	for (long i = 0; i < bench.processes; i++) {
		sleepers[i] = fork();
		if (sleepers[i] < 0)
			bench_die("no process: %s", strerror(errno));
		if (!sleepers[i]) {
			execlp("sleep", "sleep", "inf", (char *)NULL);
			_exit(127);
		}
	}
}

/* CPU time of all of them: the processes' own clocks count every thread, workers included. */
static uint64_t cpu_ns(void)
{
	uint64_t sum = 0;

	for (long i = 0; i < bench.processes; i++) {
		struct timespec ts;
		clockid_t clock;

		if (clock_getcpuclockid(sleepers[i], &clock) || clock_gettime(clock, &ts))
			bench_die("process %ld does not sleep any more", (long)sleepers[i]);
		sum += (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
	}
	return sum;
}

static void end_all(void)
{
	for (long i = 0; i < bench.processes; i++) {
		int status = 0;

		kill(sleepers[i], SIGKILL);
		while (waitpid(sleepers[i], &status, 0) < 0 && errno == EINTR)
			;
		if (!WIFSIGNALED(status))
			bench_die("sleep ended by itself, with %d", WEXITSTATUS(status));
	}
	free(sleepers);
}

int main(int argc, char **argv)
{
	enum lane lane;

	bench_init(argc, argv, "idle");
	/* The default policy is what everybody pays for: the last lane that exists. */
	lane = bench.offered[LANE_RING] ? LANE_RING :
	       bench.offered[LANE_BELL] ? LANE_BELL : LANE_TRAP;
	bench_enter(lane);
	start_all();
	bench_sleep_ms(SETTLE_MS);
	for (long rep = 0; rep < bench.reps; rep++) {
		uint64_t before = cpu_ns(), start = bench_now();

		bench_sleep_ms(bench.sample_ms);
		bench_share("idle", lane, rep, cpu_ns() - before, bench_now() - start);
	}
	end_all();
	return bench_done();
}
