// SPDX-License-Identifier: MIT
/*
 * Description: the CPU time of a process, its workers' included, is the same to its parent, to its
 * own clock and to its control group; one that does one thing at a time is charged for the time that
 * has passed and not for its worker's as well, and as much of it is the kernel's as with traps.
 * Prints what the same calls cost by traps, by bells and with a worker that is earned or forced.
 */
#include "beside.h"

#define GROUP "xsc-charged"
#define SETTING "/sys/kernel/xsc/workers"
#define SLACK_US 20000

/* What a child tells of itself, in microseconds; `early` is its CPU time before `wall` began. */
struct told {
	long wall, early, process, thread, user, kernel;
};

/* What its parent and its group say. */
struct charge {
	struct told own;
	long user, kernel, group, polled, served;
};

static volatile struct told *told;
static long calls;

static long clock_us(clockid_t id)
{
	struct timespec ts;

	W_MUST(!clock_gettime(id, &ts));
	return ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

static long us(struct timeval tv)
{
	return tv.tv_sec * 1000000 + tv.tv_usec;
}

static call6_t transport;

static void work(volatile long *done)
{
	long null = open("/dev/null", O_WRONLY | O_CLOEXEC), wall = clock_us(CLOCK_MONOTONIC);
	long early = clock_us(CLOCK_THREAD_CPUTIME_ID);
	struct rusage usage;
	char data[200] = "";

	for (; *done < calls; (*done)++) {
		transport(SYS_getppid, 0, 0, 0, 0, 0, 0);
		transport(SYS_write, null, (long)data, sizeof(data), 0, 0, 0);
	}
	told->wall = clock_us(CLOCK_MONOTONIC) - wall;
	told->early = early;
	told->process = clock_us(CLOCK_PROCESS_CPUTIME_ID);
	told->thread = clock_us(CLOCK_THREAD_CPUTIME_ID);
	W_CHECK(!getrusage(RUSAGE_SELF, &usage));
	told->user = us(usage.ru_utime);
	told->kernel = us(usage.ru_stime);
}

static long total(const char *counter)
{
	char path[64];

	snprintf(path, sizeof(path), "/sys/kernel/xsc/%s", counter);
	return strtol(b_get(path), NULL, 10);
}

static struct charge measure(const char *setting, call6_t how)
{
	struct charge c = { .polled = -total("poll_ns"), .served = -total("worker") - total("handed") };
	struct rusage usage;
	int status = -1;
	pid_t pid;

	W_MUST(b_put(SETTING, setting));
	transport = how;
	c.group = -b_value(b_group(GROUP, "cpu.stat"), "usage_usec");
	pid = b_start(0, "xsc-charged", b_group(GROUP, "cgroup.procs"), work);
	while (wait4(pid, &status, 0, &usage) < 0)
		;
	W_CHECK(status == 0);
	c.group += b_value(b_group(GROUP, "cpu.stat"), "usage_usec");
	c.polled += total("poll_ns");
	c.served += total("worker") + total("handed");
	c.own = *(struct told *)told;
	c.user = us(usage.ru_utime);
	c.kernel = us(usage.ru_stime);
	return c;
}

static bool near(long a, long b)
{
	long most = a > b ? a : b;

	return labs(a - b) <= most / 20 + SLACK_US;
}

static double kernel_share(struct charge c)
{
	return (double)c.own.kernel / (double)(c.own.user + c.own.kernel + 1);
}

static void expect_charged(const char *name, struct charge c, struct charge trap, int most)
{
	char text[96];

	t_note("%-6s wall %7ld after %5ld, user %7ld kernel %7ld, thread %7ld, group %7ld us; polled %7ld us, by worker %ld",
	       name, c.own.wall, c.own.early, c.user, c.kernel, c.own.thread, c.group, c.polled / 1000, c.served);
	W_CHECK(near(c.user + c.kernel, c.group));
	W_CHECK(near(c.own.process, c.user + c.kernel));
	W_CHECK(near(c.own.user + c.own.kernel, c.own.process));
	W_CHECK(c.own.process - c.own.early <= c.own.wall * most / 100 + SLACK_US);
	W_CHECK(c.own.thread - c.own.early <= c.own.wall + SLACK_US);
	/* Waiting in user mode for a worker is time of the kernel, as the call would be. */
	W_CHECK(kernel_share(c) > kernel_share(trap) / 2);
	snprintf(text, sizeof(text), "%s: process, parent and group agree on the CPU time", name);
	w_report(text);
}

int main(int argc, char **argv)
{
	/*
	 * The last is percent of the time that has passed. Threads wake each other where a
	 * call is forced upon a worker, which costs both; where it is earned, now and then.
	 */
	static const struct {
		const char *name, *setting;
		call6_t how;
		int most;
	} rows[] = {
		{ "trap", "off", via_trap, 105 },
		{ "bell", "off", via_gate, 105 },
		{ "earned", "auto", via_gate, 130 },
		{ "forced", "force", via_gate, 200 },
	};
	struct charge trap = { 0 };
	char setting[16];

	b_init(argc, argv);
	calls = t_option("--calls", 100000);
	snprintf(setting, sizeof(setting), "%s", w_setting());
	if (!t_have_gate() || access(SETTING, W_OK) || !b_mount_groups()) {
		t_skip("charges", "needs root, workers, and control groups of version 2");
		return t_done();
	}
	told = (volatile struct told *)&b_rounds[B_CHILDREN];
	b_make_group(GROUP);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct charge c = measure(rows[i].setting, rows[i].how);

		trap = i ? trap : c;
		expect_charged(rows[i].name, c, trap, rows[i].most);
	}
	W_MUST(b_put(SETTING, setting));
	t_ok(b_remove_group(GROUP), "the group is empty");
	b_unmount_groups();
	return t_done();
}
