// SPDX-License-Identifier: MIT
/*
 * Description: a processor goes and comes back beside processes that make calls: each call has its
 * effect once, everybody goes on, no worker polls while there is one processor only, and the kernel
 * has nothing to say about threads that no program has made.
 */
#include "beside.h"

#include <sched.h>

#define ONLINE "/sys/devices/system/cpu/cpu1/online"

enum { WRITER, THREADS, ECHO, FORKER, SLOTS };

/* Numbers through a pipe, each of which arrives once and in order. */
static void send_numbers(volatile long *done)
{
	long in = 0, out;
	int p[2];

	W_MUST(!pipe(p));
	for (;; (*done)++) {
		in++;
		W_CHECK(write(p[1], &in, sizeof(in)) == sizeof(in));
		W_CHECK(read(p[0], &out, sizeof(out)) == sizeof(out) && out == in);
	}
}

static void (*const bodies[SLOTS])(volatile long *) = {
	b_write_hot, b_several_threads, send_numbers, b_fork_hot,
};

static long total(const char *counter)
{
	char path[64];

	snprintf(path, sizeof(path), "/sys/kernel/xsc/%s", counter);
	return strtol(b_get(path), NULL, 10);
}

/* With a single processor no submitter earns a worker, and who had one is not looked at. */
static void expect_no_polling(void)
{
	long starts, polled;

	t_sleep_ms(20);
	starts = total("starts");
	polled = total("poll_ns");
	t_sleep_ms(50);
	if (strcmp(w_setting(), "auto"))
		return;
	W_CHECK(total("starts") == starts);
	W_CHECK(total("poll_ns") == polled);
}

static void everybody_moves(unsigned int mask)
{
	for (int slot = 0; slot < SLOTS; slot++)
		W_CHECK(!(mask & 1u << slot) || b_moves(slot));
}

static void test_set(const char *name, unsigned int mask, int rounds)
{
	pid_t pids[SLOTS] = { 0 };
	long logged;

	W_MUST(!ftruncate(b_log, 0));
	b_rounds[WRITER] = 0;
	for (int slot = 0; slot < SLOTS; slot++)
		if (mask & 1u << slot)
			pids[slot] = b_start(slot, "xsc-hotplug", NULL, bodies[slot]);
	for (int i = 0; i < rounds && !w_shared->bad; i++) {
		everybody_moves(mask);
		W_CHECK(mask != 1u << WRITER || b_has_worker(pids[WRITER]));
		W_CHECK(b_put(ONLINE, "0"));
		W_CHECK(sysconf(_SC_NPROCESSORS_ONLN) == 1);
		expect_no_polling();
		everybody_moves(mask);
		W_CHECK(b_put(ONLINE, "1"));
	}
	everybody_moves(mask);
	for (int slot = 0; slot < SLOTS; slot++)
		if (pids[slot])
			b_end(pids[slot]);
	logged = b_logged();
	W_CHECK(logged - b_rounds[WRITER] <= 1 && logged >= b_rounds[WRITER]);
	w_report(name);
}

/* Is there a complaint about a processor that a thread may no longer run on, since we looked? */
static int complaints(int log)
{
	char line[1024];
	ssize_t n;
	int found = 0;

	for (;;) {
		n = read(log, line, sizeof(line) - 1);
		if (n < 0 && errno == EPIPE)
			continue;
		if (n <= 0)
			return found;
		line[n] = 0;
		if (strstr(line, "no longer affine")) {
			found++;
			t_note("%s", strchr(line, ';') ? strchr(line, ';') + 1 : line);
		}
	}
}

int main(int argc, char **argv)
{
	int rounds, log;
	const char *dir;

	b_init(argc, argv);
	rounds = (int)t_option("--rounds", 10);
	if (access(ONLINE, W_OK)) {
		t_skip("hotplug", "processor 1 cannot be taken away, or not by us");
		return t_done();
	}
	dir = w_scratch();
	b_open_log();
	log = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	W_MUST(log >= 0 && lseek(log, 0, SEEK_END) >= 0);
	w_need_worker();
	test_set("beside a hot process", 1u << WRITER, rounds);
	test_set("beside one that talks to itself", 1u << ECHO, rounds);
	test_set("beside several", (1u << SLOTS) - 1, rounds);
	t_eq(complaints(log), 0, "the kernel complains of no thread that had a processor of its own");
	w_need_worker();
	w_remove(dir);
	return t_done();
}
