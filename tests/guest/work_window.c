// SPDX-License-Identifier: MIT
/*
 * Description: a worker looks at least as long as the measured wake-up of a task is worth, and calls
 * are hot within a fifth of that, however short the window or the gap that was asked for, unless it is
 * turned off; the files that set it refuse what is out of range. Calls with a pause in between tell.
 */
#include "beside.h"

#define FILES "/sys/kernel/xsc/"
#define CALLS 10000
#define PAUSE_NS 6000
#define TRIES 10

/* Hot whatever the host makes of the pauses; a gate that waits gives a worker all its time. */
static const struct setting {
	const char *path, *value;
} settings[] = {
	{ FILES "workers", "auto" },
	{ FILES "hot_calls", "64" },
	{ FILES "hot_gap_us", "1000" },
	{ FILES "spin_max_us", "10000" },
};

static char saved[ARRAY_SIZE(settings)][16], window[16], window_max[16];
static long pause_rounds;

/* User code without calls. */
static void pass(long rounds)
{
	for (volatile long i = 0; i < rounds; i++)
		;
}

static void calibrate(void)
{
	const long rounds = 1000000;
	uint64_t start = t_now_ns();

	pass(rounds);
	pause_rounds = rounds * PAUSE_NS / (long)(t_now_ns() - start) + 1;
}

static void work(volatile long *served)
{
	long before = t_proc_xsc("thread-self", "worker");

	for (int i = 0; i < CALLS; i++) {
		getppid();
		pass(pause_rounds);
	}
	*served = t_proc_xsc("thread-self", "worker") - before;
}

/* How many of the calls a worker executed. */
static long served_with(const char *us, const char *gap, const char *max)
{
	W_MUST(b_put(FILES "poll_window_us", us) && b_put(FILES "hot_gap_us", gap) &&
	       b_put(FILES "poll_window_max_us", max));
	W_CHECK(t_wait_code(b_start(0, "xsc-window", NULL, work)) == 0);
	return b_rounds[0];
}

/* A period that ends at once serves a call or two, so chance alone must not be enough. */
static bool many_more(long many, long few)
{
	return many > 10 * (few + 10);
}

static void test_window(void)
{
	long stretched = 0, short_ones = 0, none = 0;

	for (int i = 0; i < TRIES && !many_more(stretched, short_ones + none); i++) {
		stretched += served_with("1", "1000", "1000000");
		short_ones += served_with("1", "1000", "0");
		none += served_with("0", "1000", "1000000");
	}
	t_note("a wake-up takes %s ns; by worker: %ld as it is worth, %ld in 1 us, %ld in none",
	       b_get(FILES "wake_ns"), stretched, short_ones, none);
	W_CHECK(many_more(stretched, short_ones + none));
	w_report("a window is as long as waking takes, unless that or the window is turned off");
}

static void test_gap(void)
{
	const char *name = "calls are hot within a fifth of that, unless that or the gap is turned off";
	long stretched = 0, short_ones = 0, none = 0;

	if (strtol(b_get(FILES "wake_ns"), NULL, 10) < 5 * PAUSE_NS) {
		t_skip(name, "waking is too fast here for calls with pauses to be hot");
		return;
	}
	for (int i = 0; i < TRIES && !many_more(stretched, short_ones + none); i++) {
		stretched += served_with("1000", "1", "1000000");
		short_ones += served_with("1000", "1", "0");
		none += served_with("1000", "0", "1000000");
	}
	t_note("by worker: %ld if it is, %ld within 1 us, %ld in none", stretched, short_ones, none);
	W_CHECK(many_more(stretched, short_ones + none));
	w_report(name);
}

static void test_limits(void)
{
	W_CHECK(strtol(b_get(FILES "wake_ns"), NULL, 10) > 0);
	W_CHECK(!b_put(FILES "wake_ns", "1") && (errno == EACCES || errno == EIO));
	W_CHECK(!b_put(FILES "poll_window_max_us", "1000001") && errno == ERANGE);
	W_CHECK(!b_put(FILES "poll_window_max_us", "long") && errno == EINVAL);
	W_CHECK(!b_put(FILES "poll_window_max_us", "-1") && errno == EINVAL);
	W_CHECK(!strcmp(b_get(FILES "poll_window_max_us"), window_max));
	w_report("what is out of range is refused and changes nothing");
}

int main(int argc, char **argv)
{
	b_init(argc, argv);
	if (!t_have_gate() || access(FILES "workers", W_OK)) {
		t_skip("windows", "needs root and workers");
		return t_done();
	}
	snprintf(window, sizeof(window), "%s", b_get(FILES "poll_window_us"));
	snprintf(window_max, sizeof(window_max), "%s", b_get(FILES "poll_window_max_us"));
	test_limits();
	for (size_t i = 0; i < ARRAY_SIZE(settings); i++) {
		snprintf(saved[i], sizeof(saved[i]), "%s", b_get(settings[i].path));
		W_MUST(b_put(settings[i].path, settings[i].value));
	}
	calibrate();
	test_window();
	test_gap();
	for (size_t i = 0; i < ARRAY_SIZE(settings); i++)
		W_MUST(b_put(settings[i].path, saved[i]));
	W_MUST(b_put(FILES "poll_window_us", window) && b_put(FILES "poll_window_max_us", window_max));
	return t_done();
}
