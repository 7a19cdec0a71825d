// SPDX-License-Identifier: MIT
/*
 * Description: while a process that was hot waits, no worker polls or begins to; where nobody may
 * poll, no worker is ever made.
 */
#include "work.h"

#include <poll.h>
#include <sys/time.h>

#define TUNABLE "/sys/kernel/xsc/max_pollers"
#define WAIT_MS 3000

struct sample {
	long starts;
	long poll_ns;
};

static struct sample look(void)
{
	char who[32];

	snprintf(who, sizeof(who), "%d", getppid());
	return (struct sample){ t_proc_xsc(who, "starts"), t_proc_xsc(who, "poll_ns") };
}

static void on_alarm(int sig) { (void)sig; }

static void in_nanosleep(void) { t_sleep_ms(WAIT_MS); }

static void in_pause(void)
{
	struct itimerval it = { { 0, 0 }, { WAIT_MS / 1000, 0 } };

	setitimer(ITIMER_REAL, &it, NULL);
	pause();
}

static void in_poll(void) { poll(NULL, 0, WAIT_MS); }

static void in_read(void)
{
	struct itimerval it = { { 0, 0 }, { WAIT_MS / 1000, 0 } };
	int p[2];
	char c;

	W_MUST(!pipe(p));
	setitimer(ITIMER_REAL, &it, NULL);
	W_CHECK(read(p[0], &c, 1) == -1 && errno == EINTR);
	W_CHECK(!close(p[0]) && !close(p[1]));
}

/* In a child, whose own looking earns its parent no worker. */
static void watch(const char *name)
{
	struct sample before, after;

	t_sleep_ms(WAIT_MS / 3);
	before = look();
	t_sleep_ms(WAIT_MS / 3);
	after = look();
	t_note("%s: starts %ld %ld, poll_ns %ld %ld", name, before.starts, after.starts,
	       before.poll_ns, after.poll_ns);
	W_CHECK(after.starts == before.starts);
	W_CHECK(after.poll_ns == before.poll_ns);
	_exit(0);
}

static void test_wait(const char *name, void (*wait)(void))
{
	pid_t pid = fork();

	if (!pid)
		watch(name);
	w_hot();
	wait();
	W_CHECK(t_wait_code(pid) == 0);
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
	test_wait("nanosleep", in_nanosleep);
	test_wait("pause", in_pause);
	test_wait("poll", in_poll);
	test_wait("read of an empty pipe", in_read);
	if (!strcmp(w_setting(), "auto"))
		test_no_pollers();
	return t_done();
}
