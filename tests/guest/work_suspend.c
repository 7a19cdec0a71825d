// SPDX-License-Identifier: MIT
/*
 * Description: before the system sleeps all processes are frozen, beside hot, waiting and changing
 * ones too, and afterwards each goes on where it was: each effect once, none lost. The kernel's own
 * test of its freezer does no more than that, so it works on every machine.
 */
#include "beside.h"

#include <sys/resource.h>

#define DELAY "/sys/module/suspend/parameters/pm_test_delay"

enum { WRITER, THREADS, CHANGER, FORKER, READER, SLOTS };

static int to[2], from[2];

/* Its read is interrupted by the freezer, and must go on by itself: no EINTR, no byte twice. */
static void answer(volatile long *done)
{
	char c;

	for (;; (*done)++) {
		W_CHECK(read(to[0], &c, 1) == 1);
		w_hot();
		W_CHECK(write(from[1], &c, 1) == 1);
	}
}

static void (*const bodies[SLOTS])(volatile long *) = {
	b_write_hot, b_several_threads, b_change, b_fork_hot, answer,
};

/* The system comes back from it by itself, after DELAY seconds. */
static bool sleep_and_wake(void)
{
	if (b_put("/sys/power/state", "freeze"))
		return true;
	t_note("the system did not go to sleep: %s", strerror(errno));
	return false;
}

static void test_set(const char *name, unsigned int mask, int rounds)
{
	pid_t pids[SLOTS] = { 0 };
	long logged;

	W_MUST(!ftruncate(b_log, 0));
	for (int slot = 0; slot < SLOTS; slot++) {
		b_rounds[slot] = 0;
		if (mask & 1u << slot)
			pids[slot] = b_start(slot, "xsc-suspend", NULL, bodies[slot]);
	}
	for (int i = 0; i < rounds && !w_shared->bad; i++) {
		char in = (char)i, out = 0;

		for (int slot = WRITER; slot < READER; slot++)
			W_CHECK(!(mask & 1u << slot) || b_moves(slot));
		W_CHECK(mask != 1u << WRITER || b_has_worker(pids[WRITER]));
		usleep((useconds_t)(i * 997 % 5000));
		W_CHECK(sleep_and_wake());
		if (!pids[READER])
			continue;
		W_CHECK(write(to[1], &in, 1) == 1);
		W_CHECK(b_comes(from[0]) && read(from[0], &out, 1) == 1 && out == in);
	}
	for (int slot = WRITER; slot < READER; slot++)
		W_CHECK(!(mask & 1u << slot) || b_moves(slot));
	W_CHECK(!pids[READER] || b_reached(READER, rounds));
	for (int slot = 0; slot < SLOTS; slot++)
		if (pids[slot])
			b_end(pids[slot]);
	logged = b_logged();
	W_CHECK(logged - b_rounds[WRITER] <= 1 && logged >= b_rounds[WRITER]);
	w_report(name);
}

/* While it lasts, nobody runs: a gap in what a hot process sees of the clock. */
static void watch_clock(volatile long *longest_ns)
{
	uint64_t before = t_now_ns();

	for (;;) {
		uint64_t now;

		getppid();
		now = t_now_ns();
		if ((long)(now - before) > *longest_ns)
			*longest_ns = (long)(now - before);
		before = now;
	}
}

static void test_gap(void)
{
	pid_t pid;

	W_MUST(b_put(DELAY, "1"));
	pid = b_start(0, "xsc-suspend", NULL, watch_clock);
	W_CHECK(b_has_worker(pid));
	W_CHECK(sleep_and_wake());
	/* It knows as soon as it runs again, which may be after us. */
	for (int i = 0; i < 20000 && b_rounds[0] <= 500000000; i++)
		t_sleep_ms(1);
	W_CHECK(b_rounds[0] > 500000000);
	b_end(pid);
	w_report("a hot process stands still while the system is frozen");
	W_MUST(b_put(DELAY, "0"));
}

int main(int argc, char **argv)
{
	const char *dir;
	int rounds;

	b_init(argc, argv);
	rounds = (int)t_option("--rounds", 10);
	if (access(DELAY, W_OK) || !b_put("/sys/power/pm_test", "freezer")) {
		t_skip("suspend", "this kernel has no test of its freezer, or not for us");
		return t_done();
	}
	dir = w_scratch();
	b_open_log();
	W_MUST(!pipe(to) && !pipe(from));
	w_need_worker();
	test_gap();
	test_set("beside a hot process", 1u << WRITER, rounds);
	test_set("beside one that ends its worker again and again", 1u << CHANGER, rounds);
	test_set("beside one that waits", 1u << READER, rounds);
	test_set("beside several", (1u << SLOTS) - 1, rounds);
	W_MUST(b_put("/sys/power/pm_test", "none"));
	w_remove(dir);
	return t_done();
}
