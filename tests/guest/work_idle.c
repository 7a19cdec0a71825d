// SPDX-License-Identifier: MIT
/*
 * Description: while a process that was hot waits, no worker polls or begins to; where nobody may
 * poll, no worker is ever made.
 */
#include "work.h"

#include <poll.h>
#include <sys/time.h>

#define TUNABLE "/sys/kernel/xsc/max_pollers"

/* One call, so that looking does not earn a worker. */
struct sample {
	long starts;
	long poll_ns;
};

static int counters;

static long value(const char *text, const char *key)
{
	const char *found = strstr(text, key);

	return found ? strtol(found + strlen(key), NULL, 10) : -1;
}

static struct sample look(void)
{
	char text[1024];
	ssize_t n = pread(counters, text, sizeof(text) - 1, 0);

	W_CHECK(n > 0);
	text[n > 0 ? n : 0] = 0;
	return (struct sample){ value(text, "\nstarts:"), value(text, "\npoll_ns:") };
}

static void on_alarm(int sig) { (void)sig; }

static void in_nanosleep(void) { t_sleep_ms(1000); }

static void in_pause(void)
{
	struct itimerval it = { { 0, 0 }, { 1, 0 } };

	setitimer(ITIMER_REAL, &it, NULL);
	pause();
}

static void in_poll(void) { poll(NULL, 0, 1000); }

static void in_read(void)
{
	struct itimerval it = { { 0, 0 }, { 1, 0 } };
	int p[2];
	char c;

	W_MUST(!pipe(p));
	setitimer(ITIMER_REAL, &it, NULL);
	W_CHECK(read(p[0], &c, 1) == -1 && errno == EINTR);
	W_CHECK(!close(p[0]) && !close(p[1]));
}

static long cpu_ticks(void)
{
	return w_stat("/proc/self/stat", 14) + w_stat("/proc/self/stat", 15);
}

/* One second, of which polling all the time would take 100 ticks; returns those it took. */
static long ticks_of(void (*wait)(void))
{
	long before = cpu_ticks();

	wait();
	return cpu_ticks() - before;
}

/*
 * Where workers are forced, any 64 calls earn a polling period, so one of the spans between the
 * looks may contain a short one; both only if somebody went on polling. CPU time is shown and
 * not judged: an emulated machine charges what its host takes away.
 */
static void test_wait(const char *name, void (*wait)(void))
{
	bool earned = !strcmp(w_setting(), "auto");
	struct sample before, between, after;
	long ticks;

	w_hot();
	t_sleep_ms(100);
	before = look();
	wait();
	between = look();
	wait();
	after = look();
	ticks = ticks_of(wait);
	t_note("%s: starts %ld %ld %ld, poll_ns %ld %ld %ld, %ld ticks", name,
	       before.starts, between.starts, after.starts, before.poll_ns, between.poll_ns,
	       after.poll_ns, ticks);
	W_CHECK(after.starts - before.starts <= !earned);
	W_CHECK(before.poll_ns == between.poll_ns || (!earned && between.poll_ns == after.poll_ns));
	W_CHECK(after.poll_ns - before.poll_ns < 100000000);
	w_report(name);
}

static void never_hired(void)
{
	for (int i = 0; i < 100; i++)
		w_hot();
	W_CHECK(t_proc_xsc("self", "starts") == 0);
	W_CHECK(t_proc_xsc("self", "worker") == 0);
	W_CHECK(t_proc_xsc("self", "retirements") == 0);
}

static void write_tunable(const char *text)
{
	int fd = open(TUNABLE, O_WRONLY | O_CLOEXEC);

	W_MUST(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text));
	close(fd);
}

static void test_no_pollers(void)
{
	char old[16] = "";
	int fd = open(TUNABLE, O_RDONLY | O_CLOEXEC);

	W_MUST(fd >= 0 && read(fd, old, sizeof(old) - 1) > 0);
	close(fd);
	write_tunable("0\n");
	w_in_child(never_hired);
	write_tunable(old);
	w_report("with max_pollers 0 nobody gets a worker");
	w_need_worker();
}

int main(int argc, char **argv)
{
	struct sigaction sa = { .sa_handler = on_alarm };

	w_init(argc, argv);
	W_MUST(!sigaction(SIGALRM, &sa, NULL));
	w_need_worker();
	counters = open("/proc/thread-self/xsc", O_RDONLY | O_CLOEXEC);
	if (counters < 0) {
		t_skip("counters", "no /proc/thread-self/xsc");
		return t_done();
	}
	test_wait("nanosleep", in_nanosleep);
	test_wait("pause", in_pause);
	test_wait("poll", in_poll);
	test_wait("read of an empty pipe", in_read);
	if (!strcmp(w_setting(), "auto"))
		test_no_pollers();
	return t_done();
}
