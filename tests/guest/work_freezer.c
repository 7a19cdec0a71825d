// SPDX-License-Identifier: MIT
/*
 * Description: a control group that is frozen beside hot, waiting and changing processes stands
 * still soon, all of it, and goes on where it was: each effect once, none lost; it can be killed.
 */
#include "beside.h"

#include <sys/resource.h>

#define GROUP "xsc-frozen"
#define SOON_MS 5000
/* How long a set of processes is frozen in all: a tick of either look must not matter. */
#define STILL_MS 600
#define MUCH 100000

enum { WRITER, THREADS, CHANGER, FORKER, EXECUTOR, READER, SLOTS };

static int rounds, still_ms, counters_fd, to[2], from[2];
static uint64_t longest_ns;
/* CPU time of the group while it was frozen: not quite 0, for who is the last to freeze says so first. */
static long used_frozen_us, frozen_us;
static volatile int *handled;

/* And so does each execve, long after it has begun: there is much to copy first. */
static void execute(volatile long *done)
{
	static char much[MUCH];
	char shared[16], slot[16];
	char *argv[] = { "work_freezer", "again", shared, slot, NULL };
	char *envp[] = { much, much, much, much, much, much, much, much, NULL };

	memset(much, 'x', sizeof(much) - 1);
	memcpy(much, "MUCH=", 5);
	snprintf(shared, sizeof(shared), "%d", counters_fd);
	snprintf(slot, sizeof(slot), "%d", (int)(done - b_rounds));
	for (int i = 0; i < 50; i++)
		getppid();
	(*done)++;
	execve("/proc/self/exe", argv, envp);
	W_CHECK(!"execve returned");
}

/* The program that is executed: this one, with the counters of the first. */
static int again(char **argv)
{
	volatile long *counters = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED,
				       atoi(argv[2]), 0);

	W_MUST(counters != MAP_FAILED);
	b_rounds = counters;
	counters_fd = atoi(argv[2]);
	execute(&b_rounds[atoi(argv[3])]);
	return 1;
}

static void on_signal(int sig)
{
	(void)sig;
	(*handled)++;
}

/* Sends each byte back; what it waits for may be interrupted and made again. */
static void answer(volatile long *done)
{
	char c;

	signal(SIGUSR1, on_signal);
	for (;; (*done)++) {
		W_CHECK(read(to[0], &c, 1) == 1);
		w_hot();
		W_CHECK(write(from[1], &c, 1) == 1);
	}
}

static void (*const bodies[SLOTS])(volatile long *) = {
	b_write_hot, b_several_threads, b_change, b_fork_hot, execute, answer,
};

/* Where those stand that keep a group from being frozen. */
static void tell_where(void)
{
	char threads[1024], path[64], state[32], *line, *rest = threads;

	snprintf(threads, sizeof(threads), "%s", b_get(b_group(GROUP, "cgroup.threads")));
	while ((line = strsep(&rest, "\n"))) {
		snprintf(path, sizeof(path), "/proc/%s/wchan", line);
		snprintf(state, sizeof(state), "%s", b_get(path));
		snprintf(path, sizeof(path), "/proc/%s/syscall", line);
		t_note("thread %s sleeps in %s, call %.12s", line, state, b_get(path));
	}
}

static bool freeze(bool on)
{
	uint64_t start = t_now_ns();

	W_CHECK(b_put(b_group(GROUP, "cgroup.freeze"), on ? "1" : "0"));
	for (int i = 0; i < SOON_MS; i++) {
		if (b_value(b_group(GROUP, "cgroup.events"), "frozen") == on) {
			uint64_t took = t_now_ns() - start;

			longest_ns = took > longest_ns ? took : longest_ns;
			return true;
		}
		t_sleep_ms(1);
	}
	tell_where();
	return false;
}

struct stand {
	long rounds[SLOTS];
	long written;
	long used_us;
};

static struct stand look(void)
{
	struct stand s;

	for (int i = 0; i < SLOTS; i++)
		s.rounds[i] = b_rounds[i];
	s.written = b_logged();
	s.used_us = b_value(b_group(GROUP, "cpu.stat"), "usage_usec");
	return s;
}

/* What is sent to the reader before, while and after it is frozen, by turns. */
static void one_round(int i, unsigned int mask, pid_t reader)
{
	struct stand before, after;
	char in = (char)i, out = 0;

	for (int slot = WRITER; slot < READER; slot++)
		W_CHECK(!(mask & 1u << slot) || b_moves(slot));
	if (reader && i % 3 == 0)
		W_CHECK(write(to[1], &in, 1) == 1);
	usleep((useconds_t)(i * 997 % 5000));
	W_CHECK(freeze(true));
	before = look();
	if (reader && i % 3 == 1)
		W_CHECK(write(to[1], &in, 1) == 1);
	if (reader && i % 4 == 1)
		W_CHECK(!kill(reader, SIGUSR1));
	t_sleep_ms(still_ms);
	after = look();
	W_CHECK(!memcmp(before.rounds, after.rounds, sizeof(before.rounds)));
	W_CHECK(after.written == before.written);
	used_frozen_us += after.used_us - before.used_us;
	frozen_us += still_ms * 1000;
	/* A call that was made may not have been counted yet; no other can be missing. */
	W_CHECK(after.written - after.rounds[WRITER] <= 1 && after.written >= after.rounds[WRITER]);
	W_CHECK(freeze(false));
	if (reader && i % 3 == 2)
		W_CHECK(write(to[1], &in, 1) == 1);
	W_CHECK(!reader || (b_comes(from[0]) && read(from[0], &out, 1) == 1 && out == in));
}

static void test_set(const char *name, unsigned int mask)
{
	pid_t pids[SLOTS] = { 0 };
	int signals = 0;
	long served = 0;

	*handled = 0;
	used_frozen_us = frozen_us = 0;
	W_MUST(!ftruncate(b_log, 0));
	for (int slot = 0; slot < SLOTS; slot++) {
		b_rounds[slot] = 0;
		if (mask & 1u << slot)
			pids[slot] = b_start(slot, "xsc-frozen", b_group(GROUP, "cgroup.procs"),
					     bodies[slot]);
	}
	for (int i = 0; i < rounds && !w_shared->bad; i++) {
		one_round(i, mask, pids[READER]);
		signals += pids[READER] && i % 4 == 1;
	}
	W_CHECK(*handled == signals);
	W_CHECK(!pids[READER] || b_reached(READER, rounds));
	W_CHECK(used_frozen_us < frozen_us / 4);
	for (int slot = 0; slot < SLOTS; slot++) {
		if (!pids[slot])
			continue;
		served += b_served(pids[slot]);
		b_end(pids[slot]);
	}
	W_CHECK(b_put(b_group(GROUP, "cgroup.kill"), "1"));
	w_report(name);
	/* Where a worker is to be earned, there must be a processor for it. */
	if (w_on() && (mask == 1u << WRITER || strcmp(w_setting(), "auto")))
		t_ok(served > 0, "  while there were workers");
}

/* Who is frozen can be killed, and has gone when wait returns. */
static void test_kill(void)
{
	for (int i = 0; i < rounds / 4 + 1; i++) {
		int slot = i % READER;
		pid_t pid = b_start(slot, "xsc-frozen", b_group(GROUP, "cgroup.procs"), bodies[slot]);

		W_CHECK(b_moves(slot));
		W_CHECK(freeze(true));
		kill(pid, SIGKILL);
		W_CHECK(t_wait_code(pid) == 128 + SIGKILL);
		W_CHECK(freeze(false));
		/* The child that a forker has left behind. */
		W_CHECK(b_put(b_group(GROUP, "cgroup.kill"), "1"));
	}
	w_report("a frozen process can be killed");
}

int main(int argc, char **argv)
{
	const char *dir;

	if (argc > 3 && !strcmp(argv[1], "again"))
		return again(argv);
	b_init(argc, argv);
	counters_fd = b_share();
	rounds = (int)t_option("--rounds", 40);
	still_ms = STILL_MS / rounds + 1;
	if (!b_mount_groups()) {
		t_skip("freezer", "there are no control groups of version 2, or not for us");
		return t_done();
	}
	dir = w_scratch();
	handled = (volatile int *)&b_rounds[SLOTS];
	b_open_log();
	W_MUST(!pipe(to) && !pipe(from));
	b_make_group(GROUP);
	w_need_worker();
	test_set("a hot process", 1u << WRITER);
	test_set("one that ends its worker again and again", 1u << CHANGER);
	test_set("one that begins and ends processes", 1u << FORKER);
	test_set("one that executes itself again and again", 1u << EXECUTOR);
	test_set("one that waits", 1u << READER);
	test_set("one with several hot threads", 1u << THREADS);
	test_set("all of them", (1u << SLOTS) - 1);
	test_kill();
	t_note("longest wait for a change of state: %ld ms", (long)(longest_ns / 1000000));
	t_ok(b_remove_group(GROUP), "the group is empty");
	b_unmount_groups();
	w_remove(dir);
	return t_done();
}
