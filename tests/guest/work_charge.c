// SPDX-License-Identifier: MIT
/*
 * Description: the CPU time of a process, its workers' included, is the same to its parent, to its
 * own clock and to its control group, and is not more than the machine had; prints what the same
 * calls cost by traps, by bells and with a worker that is earned or forced.
 */
#include "beside.h"

#include <sys/resource.h>

#define GROUP "xsc-charged"
#define SETTING "/sys/kernel/xsc/workers"
#define SLACK_US 20000

/* What a child tells of itself, in microseconds. */
struct told {
	long wall, process, thread, user, kernel;
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
	struct rusage usage;
	char data[200] = "";

	for (; *done < calls; (*done)++) {
		transport(SYS_getppid, 0, 0, 0, 0, 0, 0);
		transport(SYS_write, null, (long)data, sizeof(data), 0, 0, 0);
	}
	told->wall = clock_us(CLOCK_MONOTONIC) - wall;
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

static void expect_charged(const char *name, struct charge c)
{
	char text[96];

	t_note("%-6s wall %7ld, user %7ld kernel %7ld, thread %7ld, group %7ld us; polled %7ld us, by worker %ld",
	       name, c.own.wall, c.user, c.kernel, c.own.thread, c.group, c.polled / 1000, c.served);
	W_CHECK(near(c.user + c.kernel, c.group));
	W_CHECK(near(c.own.process, c.user + c.kernel));
	W_CHECK(near(c.own.user + c.own.kernel, c.own.process));
	/* Two processors' time is all that there was. */
	W_CHECK(c.own.process <= 2 * c.own.wall + SLACK_US);
	W_CHECK(c.own.thread <= c.own.wall + SLACK_US);
	snprintf(text, sizeof(text), "%s: process, parent and group agree on the CPU time", name);
	w_report(text);
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name, *setting;
		call6_t how;
	} rows[] = {
		{ "trap", "off", via_trap },
		{ "bell", "off", via_gate },
		{ "earned", "auto", via_gate },
		{ "forced", "force", via_gate },
	};
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
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		expect_charged(rows[i].name, measure(rows[i].setting, rows[i].how));
	W_MUST(b_put(SETTING, setting));
	t_ok(b_remove_group(GROUP), "the group is empty");
	b_unmount_groups();
	return t_done();
}
