// SPDX-License-Identifier: MIT
/*
 * bench-calls: single calls, one after the other, from one thread.
 *
 * A sample is made of bursts of about a millisecond. A host that takes the CPU away does so for
 * several milliseconds: it spoils a few bursts altogether and leaves the median of them alone.
 */
#include "ops.h"

#include <fcntl.h>
#include <sys/wait.h>

#define MAX_BURSTS 1000

/* Of the pipes' partner: to it and from it. */
static int there, back;

static long op_pipe(call6_t c)
{
	char byte = 0;

	if (c(SYS_write, there, (long)&byte, 1, 0, 0, 0) != 1)
		return -EIO;
	return c(SYS_read, back, (long)&byte, 1, 0, 0, 0) == 1 ? 0 : -EIO;
}

static const struct op pipe_op = { "pipe", op_pipe };

/* Sends every byte back until the pipe is closed; in the lane of the sample, as its partner. */
static void echo(call6_t c, int in, int out)
{
	char byte;

	while (c(SYS_read, in, (long)&byte, 1, 0, 0, 0) == 1)
		if (c(SYS_write, out, (long)&byte, 1, 0, 0, 0) != 1)
			break;
	_exit(0);
}

static pid_t partner_start(call6_t c)
{
	int to[2], from[2];
	pid_t pid;

	if (pipe2(to, O_CLOEXEC) || pipe2(from, O_CLOEXEC))
		bench_die("no pipe: %s", strerror(errno));
	fflush(stdout);
	pid = fork();
	if (pid < 0)
		bench_die("no process: %s", strerror(errno));
	if (!pid) {
		close(to[1]);
		close(from[0]);
		echo(c, to[0], from[1]);
	}
	close(to[0]);
	close(from[1]);
	there = to[1];
	back = from[0];
	return pid;
}

static void partner_end(pid_t pid)
{
	int status;

	close(there);
	close(back);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
}

static uint64_t timed(const struct op *m, call6_t c, long count)
{
	uint64_t start = bench_now();

	for (long i = 0; i < count; i++) {
		long ret = m->run(c);

		if (ret < 0)
			bench_die("%s failed: %s", m->name, strerror((int)-ret));
	}
	return bench_now() - start;
}

static void warm(const struct op *m, call6_t c)
{
	uint64_t end = bench_now() + (uint64_t)bench.warm_ms * 1000000u;

	do {
		timed(m, c, 16);
	} while (bench_now() < end);
}

/* How many make a burst: the same number for each lane, found out with the first one. */
static long fitting(const struct op *m, call6_t c)
{
	long count = 16;

	while (timed(m, c, count) < 500000)
		count *= 2;
	return count;
}

static int compare(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

static void sample(const struct op *m, enum lane lane, long rep, long size)
{
	static uint64_t burst[MAX_BURSTS];
	call6_t c = bench_call(lane);
	uint64_t ns = 0;
	long done = 0;

	bench_counters_start();
	do {
		burst[done] = timed(m, c, size);
		ns += burst[done++];
	} while (done < MAX_BURSTS && !bench.count && ns < (uint64_t)bench.sample_ms * 1000000u);
	bench_sample(m->name, lane, rep, (uint64_t)(size * done), ns);
	bench_counters_print(m->name, lane, rep);
	qsort(burst, (size_t)done, sizeof(burst[0]), compare);
	bench_burst(m->name, lane, rep, (uint64_t)size, burst[done / 2]);
}

static void run(const struct op *m)
{
	long size = bench.count;

	for (long rep = 0; rep < bench.reps; rep++) {
		enum lane lane;

		for (int nth = 0; (lane = bench_turn(rep, nth)) != LANES; nth++) {
			pid_t pid = 0;

			bench_enter(lane);
			if (m == &pipe_op)
				pid = partner_start(bench_call(lane));
			warm(m, bench_call(lane));
			if (!size)
				size = fitting(m, bench_call(lane));
			sample(m, lane, rep, size);
			if (pid)
				partner_end(pid);
		}
	}
}

int main(int argc, char **argv)
{
	bench_init(argc, argv, "calls");
	ops_open();
	for (size_t i = 0; i < OPS; i++)
		if (bench_wanted(ops[i].name))
			run(&ops[i]);
	if (bench_wanted(pipe_op.name))
		run(&pipe_op);
	ops_close();
	return bench_done();
}
