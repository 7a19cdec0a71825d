// SPDX-License-Identifier: MIT
/*
 * Description: a process that is hot runs, with its worker, on the processors that somebody else
 * allows it, from soon after the change on: by sched_setaffinity of the process or of one thread,
 * by cpuset.cpus and by a move to another cpuset; where it may run everywhere, it has a worker.
 */
#include "ran.h"

#include <sched.h>

#define NAME "xsc-placed"
#define GROUP "xsc-placed"
#define OTHER "xsc-placed-2"
/*
 * Stays: the kernel patches its page allocator when the first cpuset comes and when the last one
 * goes, and QEMU may keep running the breakpoint that stands there meanwhile (docs/testing.md).
 */
#define KEPT "xsc-cpuset-kept"
#define SOON_MS 200	/* that a change may take to be obeyed */
#define WATCH_MS 100
#define STRAY_NS (WATCH_MS * 1000000L / 5)

static int rounds, cpus;
static cpu_set_t everywhere;

static void hot(volatile long *done)
{
	for (;; (*done)++)
		getppid();
}

static cpu_set_t only(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	return set;
}

static bool allowed_is(pid_t tid, const cpu_set_t *want)
{
	cpu_set_t got;

	return !sched_getaffinity(tid, sizeof(got), &got) && CPU_EQUAL(&got, want);
}

/* Nothing of the process, its worker included, runs outside; and it does run. */
static void expect_inside(pid_t pid, const cpu_set_t *set)
{
	struct ran r;

	t_sleep_ms(SOON_MS);
	r = ran_watch(WATCH_MS);
	if (ran_outside(&r, set) >= STRAY_NS)
		for (int i = 0; i < r.count; i++)
			t_note("%s %d ran on processor 0 %ld us, on 1 %ld us",
			       ran_own(pid, r.threads[i].tid) ? "thread" : "worker", r.threads[i].tid,
			       r.threads[i].ns[0] / 1000, r.threads[i].ns[1] / 1000);
	W_CHECK(ran_outside(&r, set) < STRAY_NS);
	W_CHECK(b_moves(0));
}

static void test_affinity(void)
{
	pid_t pid = b_start(0, NAME, NULL, hot);

	for (int i = 0; i < rounds; i++) {
		cpu_set_t one = only(i % cpus);

		W_CHECK(b_has_worker(pid));
		W_CHECK(!sched_setaffinity(pid, sizeof(one), &one));
		expect_inside(pid, &one);
		W_CHECK(allowed_is(pid, &one));
		W_CHECK(!sched_setaffinity(pid, sizeof(everywhere), &everywhere));
		W_CHECK(allowed_is(pid, &everywhere));
	}
	W_CHECK(b_has_worker(pid));
	b_end(pid);
	w_report("sched_setaffinity from outside");
}

/* The process moves itself: the same, and at once for the caller. */
static void move_itself(volatile long *done)
{
	for (;;) {
		cpu_set_t one = only((int)(*done % cpus));

		for (int i = 0; i < 2000; i++)
			getppid();
		W_CHECK(!sched_setaffinity(0, sizeof(one), &one));
		for (int i = 0; i < 2000; i++)
			W_CHECK(sched_getcpu() == (int)(*done % cpus));
		W_CHECK(!sched_setaffinity(0, sizeof(everywhere), &everywhere));
		(*done)++;
	}
}

static void test_itself(void)
{
	pid_t pid = b_start(0, NAME, NULL, move_itself);

	for (int i = 0; i < rounds; i++)
		W_CHECK(b_moves(0));
	b_end(pid);
	w_report("sched_setaffinity of the process itself");
}

static void set_cpus(const char *group, int cpu)
{
	char text[16];

	snprintf(text, sizeof(text), cpu < 0 ? "0-%d" : "%d", cpu < 0 ? cpus - 1 : cpu);
	W_CHECK(b_put(b_group(group, "cpuset.cpus"), text));
}

static void test_cpuset(void)
{
	pid_t pid = b_start(0, NAME, b_group(GROUP, "cgroup.procs"), hot);

	for (int i = 0; i < rounds; i++) {
		cpu_set_t one = only(i % cpus);

		W_CHECK(b_has_worker(pid));
		set_cpus(GROUP, i % cpus);
		expect_inside(pid, &one);
		W_CHECK(allowed_is(pid, &one));
		set_cpus(GROUP, -1);
		W_CHECK(allowed_is(pid, &everywhere));
	}
	W_CHECK(b_has_worker(pid));
	w_report("cpuset.cpus of its group");
	for (int i = 0; i < rounds; i++) {
		cpu_set_t one = only(i % cpus);
		char text[16];

		snprintf(text, sizeof(text), "%d", pid);
		set_cpus(OTHER, i % cpus);
		W_CHECK(b_put(b_group(OTHER, "cgroup.procs"), text));
		expect_inside(pid, &one);
		W_CHECK(allowed_is(pid, &one));
		W_CHECK(b_put(b_group(GROUP, "cgroup.procs"), text));
		W_CHECK(allowed_is(pid, &everywhere));
		W_CHECK(b_has_worker(pid));
	}
	b_end(pid);
	w_report("a move to another cpuset");
}

int main(int argc, char **argv)
{
	b_init(argc, argv);
	rounds = (int)t_option("--rounds", 6);
	W_MUST(!sched_getaffinity(0, sizeof(everywhere), &everywhere));
	cpus = CPU_COUNT(&everywhere);
	if (cpus < 2 || !ran_init(NAME)) {
		t_skip("places", "needs two processors and tracepoints of the scheduler");
		return t_done();
	}
	w_need_worker();
	test_affinity();
	test_itself();
	if (b_mount_groups() && b_put(b_group("", "cgroup.subtree_control"), "+cpuset")) {
		b_make_group(KEPT);
		b_make_group(GROUP);
		b_make_group(OTHER);
		set_cpus(GROUP, -1);
		test_cpuset();
		t_ok(b_remove_group(GROUP) && b_remove_group(OTHER), "the groups are empty");
		b_unmount_groups();
	} else {
		t_skip("cpusets", "there are none of version 2, or not for us");
	}
	return t_done();
}
