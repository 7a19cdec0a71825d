// SPDX-License-Identifier: MIT
/*
 * Description: signal calls, and what signals do to blocking calls, are the same over trap and
 * over gate; handler runs are counted.
 */
#include "twin.h"

#include <poll.h>
#include <sys/signalfd.h>
#include <sys/time.h>

static volatile sig_atomic_t hits;
static volatile sig_atomic_t last_code;

static void on_signal(int sig, siginfo_t *si, void *uc)
{
	(void)sig;
	(void)uc;
	hits++;
	last_code = si->si_code;
}

static void handle(int sig, int flags)
{
	struct sigaction sa = { .sa_sigaction = on_signal, .sa_flags = flags | SA_SIGINFO };

	sigaction(sig, &sa, NULL);
}

/* The kernel's own sigaction layout; the restorer is libc's, taken from a probe. */
struct ksigaction {
	void (*handler)(int);
	unsigned long flags;
	void (*restorer)(void);
	uint64_t mask;
};

static void b_sigaction(void)
{
	struct ksigaction ka, old;

	handle(SIGUSR1, SA_RESTART);
	CHECK(C(SYS_rt_sigaction, SIGUSR1, NULL, &ka, 8) == 0);
	OBS("flags", ka.flags);
	OBS("mask", ka.mask);
	CHECK(C(SYS_rt_sigaction, SIGUSR2, &ka, &old, 8) == 0);
	OBS("old", (long)old.handler);
	C(SYS_rt_sigaction, SIGKILL, &ka, NULL, 8);
	C(SYS_rt_sigaction, 0, &ka, NULL, 8);
	C(SYS_rt_sigaction, 65, &ka, NULL, 8);
	C(SYS_rt_sigaction, SIGUSR2, &ka, NULL, 4);
	C(SYS_rt_sigaction, SIGUSR2, BAD_PTR, NULL, 8);
	C(SYS_rt_sigaction, SIGUSR2, NULL, BAD_PTR, 8);
	C(SYS_kill, getpid(), SIGUSR2);
	OBS("hits", hits);
}

static void b_masks(void)
{
	uint64_t set = 1u << (SIGUSR1 - 1), old = 0, pending = 0;
	siginfo_t si;
	struct timespec zero = { 0, 0 }, bad = { 0, 2000000000 };

	handle(SIGUSR1, 0);
	CHECK(C(SYS_rt_sigprocmask, SIG_BLOCK, &set, &old, 8) == 0);
	C(SYS_rt_sigprocmask, 9, &set, &old, 8);
	C(SYS_rt_sigprocmask, SIG_BLOCK, &set, &old, 4);
	C(SYS_rt_sigprocmask, SIG_BLOCK, BAD_PTR, NULL, 8);
	C(SYS_tgkill, getpid(), getpid(), SIGUSR1);
	C(SYS_tgkill, -1, getpid(), SIGUSR1);
	C(SYS_tgkill, getpid(), 0x3ffffff, SIGUSR1);
	C(SYS_tkill, getpid(), 0);
	C(SYS_tkill, -5, 0);
	C(SYS_rt_sigpending, &pending, 8);
	OBS("pending", pending);
	C(SYS_rt_sigpending, BAD_PTR, 8);
	C(SYS_rt_sigpending, &pending, 100);
	OBS("hits", hits);
	C(SYS_rt_sigtimedwait, &set, &si, &zero, 8);
	OBS("code", si.si_code);
	OBS("from me", si.si_pid == getpid());
	C(SYS_rt_sigtimedwait, &set, &si, &zero, 8);
	C(SYS_rt_sigtimedwait, &set, &si, &bad, 8);
	C(SYS_rt_sigtimedwait, BAD_PTR, &si, &zero, 8);
	kill(getpid(), SIGUSR1);
	uint64_t none = 0;
	C(SYS_rt_sigsuspend, &none, 8);
	OBS("hits", hits);
	C(SYS_rt_sigsuspend, &none, 3);
	C(SYS_rt_sigprocmask, SIG_SETMASK, &none, NULL, 8);
}

static void b_queue(void)
{
	siginfo_t si;
	uint64_t set = 1ull << (40 - 1);
	sigset_t s;

	memset(&si, 0, sizeof(si));
	sigemptyset(&s);
	sigaddset(&s, 40);
	sigprocmask(SIG_BLOCK, &s, NULL);
	si.si_signo = 40;
	si.si_code = SI_QUEUE;
	si.si_pid = getpid();
	si.si_value.sival_int = 4711;
	CHECK(C(SYS_rt_sigqueueinfo, getpid(), 40, &si) == 0);
	si.si_value.sival_int = 4712;
	C(SYS_rt_tgsigqueueinfo, getpid(), getpid(), 40, &si);
	C(SYS_rt_sigqueueinfo, 1, 40, BAD_PTR);
	C(SYS_rt_tgsigqueueinfo, getpid(), 0, 40, &si);
	for (int i = 0; i < 2; i++) {
		C(SYS_rt_sigtimedwait, &set, &si, NULL, 8);
		OBS("value", si.si_value.sival_int);
	}
}

static void b_altstack(void)
{
	stack_t ss = { .ss_sp = malloc(65536), .ss_size = 65536 }, old;

	CHECK(C(SYS_sigaltstack, &ss, &old) == 0);
	OBS("old flags", old.ss_flags);
	C(SYS_sigaltstack, NULL, &old);
	OBS("size", old.ss_size);
	OBS("same", old.ss_sp == ss.ss_sp);
	ss.ss_size = 10;
	C(SYS_sigaltstack, &ss, NULL);
	ss.ss_flags = 0x100;
	C(SYS_sigaltstack, &ss, NULL);
	C(SYS_sigaltstack, BAD_PTR, NULL);
	C(SYS_sigaltstack, NULL, BAD_PTR);
	ss.ss_flags = SS_DISABLE;
	C(SYS_sigaltstack, &ss, &old);
}

static void tick(long us)
{
	struct itimerval it = { .it_value = { 0, us } };

	setitimer(ITIMER_REAL, &it, NULL);
}

static void b_interrupted(void)
{
	struct timespec ts = { 5, 0 }, rem = { 0, 0 };
	int p[2];
	char c;
	struct pollfd pf;

	CHECK(!pipe(p));
	pf = (struct pollfd){ p[0], POLLIN, 0 };
	handle(SIGALRM, 0);
	tick(20000);
	C(SYS_read, p[0], &c, 1);
	tick(20000);
	C(SYS_nanosleep, &ts, &rem);
	OBS("rem", rem.tv_sec);
	tick(20000);
	C(SYS_poll, &pf, 1, 5000);
	tick(20000);
	C(SYS_pause);
	tick(20000);
	C(SYS_clock_nanosleep, 1, 0, &ts, &rem);
	tick(20000);
	C(SYS_select, 0, NULL, NULL, NULL, NULL);
	int word = 0;
	tick(20000);
	C(SYS_futex, &word, 128, 0, NULL);
	OBS("hits", hits);
}

static void b_restarted(void)
{
	int p[2], status;
	char c = 0;

	CHECK(!pipe(p));
	handle(SIGALRM, SA_RESTART);
	pid_t pid = fork();
	if (!pid) {
		usleep(150000);
		write(p[1], "R", 1);
		usleep(150000);
		_exit(6);
	}
	tick(50000);
	C(SYS_read, p[0], &c, 1);
	OBS("read", c);
	tick(50000);
	OBS("wait", CQ(SYS_wait4, pid, &status, 0, NULL) == pid);
	OBS("status", status);
	OBS("hits", hits);
}

static void b_thread_directed(void)
{
	/* SIGPIPE belongs to the writer, exactly once. */
	int p[2];

	CHECK(!pipe(p));
	close(p[0]);
	handle(SIGPIPE, 0);
	C(SYS_write, p[1], "x", 1);
	OBS("hits", hits);
	OBS("code", last_code);
	signal(SIGPIPE, SIG_IGN);
	C(SYS_write, p[1], "x", 1);
	OBS("hits", hits);
}

static void b_signalfd(void)
{
	uint64_t set = 1u << (SIGUSR1 - 1);
	struct signalfd_siginfo si;
	sigset_t s;

	sigemptyset(&s);
	sigaddset(&s, SIGUSR1);
	sigprocmask(SIG_BLOCK, &s, NULL);
	long fd = C(SYS_signalfd4, -1, &set, 8, SFD_NONBLOCK);
	C(SYS_signalfd, -1, &set, 8);
	C(SYS_signalfd4, -1, &set, 4, 0);
	C(SYS_signalfd4, 0, &set, 8, 0);
	C(SYS_signalfd4, -1, BAD_PTR, 8, 0);
	C(SYS_signalfd4, -1, &set, 8, 1);
	C(SYS_read, fd, &si, sizeof(si));
	kill(getpid(), SIGUSR1);
	C(SYS_read, fd, &si, sizeof(si));
	OBS("signo", si.ssi_signo);
	OBS("mine", si.ssi_pid == (uint32_t)getpid());
}

static void b_restart_syscall(void)
{
	/* Without anything to restart the kernel answers EINTR. */
	C(SYS_restart_syscall);
	C(SYS_alarm, 100);
	OBS("left", C(SYS_alarm, 0));
}

static const struct twin_row rows[] = {
	{ "sigaction", b_sigaction },	{ "masks", b_masks },
	{ "queue", b_queue },		{ "altstack", b_altstack },
	{ "interrupted", b_interrupted }, { "restarted", b_restarted },
	{ "thread_directed", b_thread_directed }, { "signalfd", b_signalfd },
	{ "restart_syscall", b_restart_syscall },
};

int main(int argc, char **argv)
{
	return twin_main(argc, argv, rows, ARRAY_SIZE(rows));
}
