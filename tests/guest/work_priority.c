// SPDX-License-Identifier: MIT
/*
 * Description: when somebody else changes the priority or the policy of a hot process, its worker
 * follows soon: it runs with the same nice value, a process that is real-time makes its calls
 * itself, and all is shown as on any Linux.
 */
#include "ran.h"

#include <sched.h>
#include <sys/resource.h>

#define NAME "xsc-priority"
#define SOON_MS 200
#define WATCH_MS 200
#define NICE_0 120	/* as the scheduler counts */

static int rounds;

/* Short sleeps, so that the worker rests and is woken again and again. */
static void hot_with_pauses(volatile long *done)
{
	for (;; (*done)++) {
		uint64_t end = t_now_ns() + 5000000;

		while (t_now_ns() < end)
			getppid();
		t_sleep_ms(1);
	}
}

static void hot(volatile long *done)
{
	for (;; (*done)++)
		getppid();
}

/* All threads that ran, workers too, had this priority; says whether there was a worker. */
static bool all_have(pid_t pid, int priority)
{
	struct ran r;
	bool worker = false;

	t_sleep_ms(SOON_MS);
	r = ran_watch(WATCH_MS);
	W_CHECK(r.count > 0);
	for (int i = 0; i < r.count; i++) {
		const struct ran_thread *t = &r.threads[i];

		worker |= !ran_own(pid, t->tid);
		if (t->priority == -1)
			continue;
		if (t->priority != priority)
			t_note("thread %d of %d ran with %d, not %d", t->tid, pid, t->priority, priority);
		W_CHECK(t->priority == priority);
	}
	return worker;
}

static void test_nice(void)
{
	pid_t pid = b_start(0, NAME, NULL, hot_with_pauses);
	int workers = 0;

	for (int i = 0; i < rounds; i++) {
		int nice = i & 1 ? 0 : 10;

		W_CHECK(b_has_worker(pid));
		W_CHECK(!setpriority(PRIO_PROCESS, (id_t)pid, nice));
		workers += all_have(pid, NICE_0 + nice);
		W_CHECK(getpriority(PRIO_PROCESS, (id_t)pid) == nice);
	}
	b_end(pid);
	w_report("setpriority from outside: its worker runs with the same nice value");
	if (w_on() && strcmp(w_setting(), "auto"))
		t_ok(workers > 0, "  and there was one");
}

static void test_policy(int policy, const char *name)
{
	struct sched_param none = { 0 };
	char text[64];
	pid_t pid = b_start(0, NAME, NULL, hot);

	for (int i = 0; i < rounds; i++) {
		W_CHECK(b_has_worker(pid));
		W_CHECK(!sched_setscheduler(pid, policy, &none));
		W_CHECK(sched_getscheduler(pid) == policy);
		W_CHECK(b_moves(0));
		W_CHECK(!sched_setscheduler(pid, SCHED_OTHER, &none));
	}
	b_end(pid);
	snprintf(text, sizeof(text), "%s from outside and back", name);
	w_report(text);
}

/* Nobody works for a real-time process: it would not be real-time there. */
static void test_real_time(void)
{
	struct sched_param low = { .sched_priority = 1 }, none = { 0 };
	pid_t pid = b_start(0, NAME, NULL, hot);
	char who[32];

	snprintf(who, sizeof(who), "%d", pid);
	for (int i = 0; i < rounds; i++) {
		long worker, handed, calls;

		W_CHECK(b_has_worker(pid));
		W_CHECK(!sched_setscheduler(pid, SCHED_FIFO, &low));
		W_CHECK(sched_getscheduler(pid) == SCHED_FIFO);
		t_sleep_ms(SOON_MS);
		worker = t_proc_xsc(who, "worker");
		handed = t_proc_xsc(who, "handed");
		calls = t_proc_xsc(who, "calls");
		t_sleep_ms(WATCH_MS / 4);
		W_CHECK(t_proc_xsc(who, "worker") == worker);
		W_CHECK(t_proc_xsc(who, "handed") == handed);
		W_CHECK(t_proc_xsc(who, "calls") > calls);
		W_CHECK(!sched_setscheduler(pid, SCHED_OTHER, &none));
	}
	b_end(pid);
	w_report("SCHED_FIFO from outside: it makes its calls itself");
}

int main(int argc, char **argv)
{
	b_init(argc, argv);
	rounds = (int)t_option("--rounds", 6);
	if (getuid() != 0 || !t_have_gate() || !ran_init(NAME)) {
		t_skip("priorities", "needs root, a gate, and tracepoints of the scheduler");
		return t_done();
	}
	w_need_worker();
	test_nice();
	test_policy(SCHED_BATCH, "SCHED_BATCH");
	test_policy(SCHED_IDLE, "SCHED_IDLE");
	test_real_time();
	return t_done();
}
