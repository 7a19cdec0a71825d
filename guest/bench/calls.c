// SPDX-License-Identifier: MIT
/*
 * bench-calls: single calls, one after the other, from one thread.
 *
 * A sample is made of bursts of about a millisecond. A host that takes the CPU away does so for
 * several milliseconds: it spoils a few bursts altogether and leaves the median of them alone.
 */
#include "bench.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>

#define PAGES 16L
#define PAGE 4096L
#define MAX_BURSTS 1000

static int file, null;
static char path[512];
static char buffer[PAGE];
static long at;
/* Of the pipes' partner: to it and from it. */
static int there, back;

static long op_getpid(call6_t c)
{
	return c(SYS_getpid, 0, 0, 0, 0, 0, 0);
}

static long op_getppid(call6_t c)
{
	return c(SYS_getppid, 0, 0, 0, 0, 0, 0);
}

static long op_pread(call6_t c, long size)
{
	at = (at + PAGE) % (PAGES * PAGE);
	return c(SYS_pread64, file, (long)buffer, size, at, 0, 0) == size ? 0 : -EIO;
}

static long op_pread_200(call6_t c)
{
	return op_pread(c, 200);
}

static long op_pread_4k(call6_t c)
{
	return op_pread(c, PAGE);
}

static long op_stat(call6_t c)
{
	struct stat st;

	return c(SYS_newfstatat, AT_FDCWD, (long)path, (long)&st, 0, 0, 0);
}

static long op_open_close(call6_t c)
{
	long fd = c(SYS_openat, AT_FDCWD, (long)path, O_RDONLY | O_CLOEXEC, 0, 0, 0);

	return fd < 0 ? fd : c(SYS_close, fd, 0, 0, 0, 0, 0);
}

static long op_write_null(call6_t c)
{
	return c(SYS_write, null, (long)buffer, 200, 0, 0, 0) == 200 ? 0 : -EIO;
}

static long op_pipe(call6_t c)
{
	if (c(SYS_write, there, (long)buffer, 1, 0, 0, 0) != 1)
		return -EIO;
	return c(SYS_read, back, (long)buffer, 1, 0, 0, 0) == 1 ? 0 : -EIO;
}

static const struct measure {
	const char *name;
	long (*op)(call6_t c);
} measures[] = {
	{ "getpid", op_getpid },	 { "getppid", op_getppid },
	{ "pread-200", op_pread_200 },	 { "pread-4k", op_pread_4k },
	{ "stat", op_stat },		 { "open-close", op_open_close },
	{ "write-null", op_write_null }, { "pipe", op_pipe },
};

static void files_open(void)
{
	snprintf(path, sizeof(path), "%s/xsc-bench-%d", bench.dir, getpid());
	file = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	null = open("/dev/null", O_WRONLY | O_CLOEXEC);
	if (file < 0 || null < 0)
		bench_die("cannot open %s or /dev/null: %s", path, strerror(errno));
	for (long i = 0; i < PAGES; i++)
		if (write(file, buffer, PAGE) != PAGE)
			bench_die("cannot fill %s: %s", path, strerror(errno));
}

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

static uint64_t timed(const struct measure *m, call6_t c, long count)
{
	uint64_t start = bench_now();

	for (long i = 0; i < count; i++) {
		long ret = m->op(c);

		if (ret < 0)
			bench_die("%s failed: %s", m->name, strerror((int)-ret));
	}
	return bench_now() - start;
}

static void warm(const struct measure *m, call6_t c)
{
	uint64_t end = bench_now() + (uint64_t)bench.warm_ms * 1000000u;

	do {
		timed(m, c, 16);
	} while (bench_now() < end);
}

/* How many make a burst: the same number for each lane, found out with the first one. */
static long fitting(const struct measure *m, call6_t c)
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

static void sample(const struct measure *m, enum lane lane, long rep, long size)
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

static void run(const struct measure *m)
{
	long size = bench.count;

	for (long rep = 0; rep < bench.reps; rep++) {
		enum lane lane;

		for (int nth = 0; (lane = bench_turn(rep, nth)) != LANES; nth++) {
			pid_t pid = 0;

			bench_enter(lane);
			if (m->op == op_pipe)
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
	files_open();
	for (size_t i = 0; i < ARRAY_SIZE(measures); i++)
		if (bench_wanted(measures[i].name))
			run(&measures[i]);
	unlink(path);
	return bench_done();
}
