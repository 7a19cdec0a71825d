// SPDX-License-Identifier: MIT
/*
 * Description: a read that waits and is interrupted by handlers at any time gives data or, without
 * SA_RESTART, EINTR, and the bytes arrive once and in order; a handler may leave waiting reads and
 * hot loops by siglongjmp.
 */
#include "work.h"

#include <setjmp.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <sys/time.h>

static volatile long handled;
static volatile bool done;
static sigjmp_buf back;

static void on_signal(int sig)
{
	(void)sig;
	handled++;
	getppid();
}

static void leave(int sig)
{
	(void)sig;
	handled++;
	siglongjmp(back, 1);
}

static void handle(int sig, void (*handler)(int), int flags)
{
	struct sigaction sa = { .sa_handler = handler, .sa_flags = flags };

	W_MUST(!sigaction(sig, &sa, NULL));
}

struct stream {
	int fd;
	long bytes;
};

/* However slow the reader is, it comes to wait, or has ended. */
static void pause_empty(int fd)
{
	int left = 1;

	while (!done && !ioctl(fd, FIONREAD, &left) && left)
		usleep(200);
	usleep(1000);
}

/* Bytes that count up, in pieces of changing length, with pauses now and then. */
static void *produce(void *arg)
{
	struct stream *s = arg;
	unsigned char piece[64];
	sigset_t all;

	sigfillset(&all);
	pthread_sigmask(SIG_BLOCK, &all, NULL);
	for (long sent = 0, n; sent < s->bytes; sent += n) {
		n = 1 + sent * 7 % 61;
		if (n > s->bytes - sent)
			n = s->bytes - sent;
		for (long i = 0; i < n; i++)
			piece[i] = (unsigned char)(sent + i);
		W_CHECK(write(s->fd, piece, (size_t)n) == n);
		if (sent % 5 == 0)
			pause_empty(s->fd);
	}
	close(s->fd);
	return NULL;
}

static void *disturb(void *arg)
{
	pid_t tid = *(pid_t *)arg;
	sigset_t all;

	sigfillset(&all);
	pthread_sigmask(SIG_BLOCK, &all, NULL);
	while (!done) {
		syscall(SYS_tgkill, getpid(), tid, SIGUSR1);
		usleep(500);
	}
	return NULL;
}

/* Reads to the end; returns how often it was EINTR. */
static long consume(int fd, long bytes)
{
	unsigned char piece[50];
	long got = 0, interrupted = 0;
	ssize_t n;

	for (;;) {
		n = read(fd, piece, (size_t)(1 + got * 3 % 50));
		if (n < 0 && errno == EINTR) {
			interrupted++;
			continue;
		}
		if (n <= 0)
			break;
		for (ssize_t i = 0; i < n; i++)
			W_CHECK(piece[i] == (unsigned char)(got + i));
		got += n;
	}
	W_CHECK(n == 0 && got == bytes);
	return interrupted;
}

static void test_stream(const char *how, bool timer, int flags, long bytes)
{
	struct itimerval it = { { 0, 1000 }, { 0, 1000 } }, off = { { 0, 0 }, { 0, 0 } };
	pthread_t writer, killer;
	pid_t tid = gettid();
	struct stream s;
	long interrupted;
	int p[2];

	W_MUST(!pipe(p));
	s = (struct stream){ p[1], bytes };
	handled = 0;
	done = false;
	handle(timer ? SIGALRM : SIGUSR1, on_signal, flags);
	w_hot();
	W_MUST(!pthread_create(&writer, NULL, produce, &s));
	if (timer)
		setitimer(ITIMER_REAL, &it, NULL);
	else
		W_MUST(!pthread_create(&killer, NULL, disturb, &tid));
	interrupted = consume(p[0], bytes);
	done = true;
	setitimer(ITIMER_REAL, &off, NULL);
	pthread_join(writer, NULL);
	if (!timer)
		pthread_join(killer, NULL);
	close(p[0]);
	t_note("%s: %ld handlers, %ld times EINTR", how, handled, interrupted);
	W_CHECK(handled > 10);
	W_CHECK(flags & SA_RESTART ? !interrupted : interrupted > 0);
	w_report(how);
}

static void arm(long us)
{
	struct itimerval it = { { 0, 0 }, { 0, us } };

	setitimer(ITIMER_REAL, &it, NULL);
}

/* Out of a read that waits: it has taken nothing. */
static void test_leave_read(int rounds)
{
	int p[2];

	W_MUST(!pipe(p));
	handle(SIGALRM, leave, 0);
	handled = 0;
	for (volatile int i = 0; i < rounds; i++) {
		int in = i, out = -1;

		if (!sigsetjmp(back, 1)) {
			arm(200 + i % 10 * 50);
			W_CHECK(read(p[0], &out, sizeof(out)) == 0);
		}
		in = i;
		W_CHECK(write(p[1], &in, sizeof(in)) == sizeof(in));
		W_CHECK(read(p[0], &out, sizeof(out)) == sizeof(out) && out == in);
		W_CHECK(getppid() > 0);
	}
	W_CHECK(handled == rounds);
	close(p[0]);
	close(p[1]);
	w_report("siglongjmp out of a read that waits");
}

/* Out of a loop of writes: the last one has happened or not, all the others have. */
static void test_leave_loop(int rounds)
{
	static char drain[65536];
	volatile int written;
	int p[2], there;

	W_MUST(!pipe(p));
	handle(SIGALRM, leave, 0);
	handled = 0;
	for (volatile int i = 0; i < rounds; i++) {
		written = 0;
		if (!sigsetjmp(back, 1)) {
			arm(200 + i % 10 * 50);
			for (;;) {
				getppid();
				if (written < 60000 && write(p[1], "x", 1) == 1)
					written++;
			}
		}
		W_CHECK(!ioctl(p[0], FIONREAD, &there));
		W_CHECK(there == written || there == written + 1);
		W_CHECK(!there || read(p[0], drain, sizeof(drain)) == there);
	}
	W_CHECK(handled == rounds);
	close(p[0]);
	close(p[1]);
	w_report("siglongjmp out of a hot loop");
}

int main(int argc, char **argv)
{
	long bytes;
	int rounds;

	w_init(argc, argv);
	bytes = t_option("--bytes", 20000);
	rounds = (int)t_option("--rounds", 1000);
	w_need_worker();
	test_stream("tgkill without SA_RESTART", false, 0, bytes);
	test_stream("tgkill with SA_RESTART", false, SA_RESTART, bytes);
	test_stream("timer of 1 kHz without SA_RESTART", true, 0, bytes);
	test_stream("timer of 1 kHz with SA_RESTART", true, SA_RESTART, bytes);
	test_leave_read(rounds);
	test_leave_loop(rounds);
	return t_done();
}
