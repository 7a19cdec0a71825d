// SPDX-License-Identifier: MIT
/*
 * Description: a thread rewrites another thread's request without pause while that one calls:
 * in caller context the calls are what its registers say all the same; with workers they end in
 * results or errors of some kind; the process can always be ended, and calls of an untouched process
 * at the same time stay right.
 */
#include "harness.h"

#include <pthread.h>
#include <sys/eventfd.h>

/*
 * The attacker's numbers are calls that harm nobody with any argument, since the owner may really
 * execute them: that is its own request, as far as the kernel can tell.
 */
static const uint16_t numbers[] = {
	SYS_getppid, SYS_getuid, SYS_sched_yield, SYS_gettid, 9999, 0xffff, 511, 512, 0x4027,
};

static volatile bool stop;
static uintptr_t victim;
static bool workers;	/* somebody but the caller may take a request out of the slot */

static bool have_workers(void)
{
	char mode[16] = "";
	int fd = open("/sys/kernel/xsc/workers", O_RDONLY | O_CLOEXEC);

	read(fd, mode, sizeof(mode) - 1);
	close(fd);
	return strcmp(mode, "off\n") != 0;
}

static uint64_t rnd(uint64_t *x)
{
	*x ^= *x << 13;
	*x ^= *x >> 7;
	*x ^= *x << 17;
	return *x;
}

static void *rewrite(void *arg)
{
	volatile struct win_sqe *sqe = (volatile struct win_sqe *)(victim + WIN_SR);
	uint64_t x = 88172645463325252ull + (uintptr_t)arg;

	while (!stop) {
		uint64_t r = rnd(&x);

		switch (r & 7) {
		case 0:
			sqe->seq = (uint32_t)(r >> 8);
			break;
		case 1:
			sqe->flags = (uint16_t)(r >> 8);
			break;
		case 2:
			/* The whole number may be read from here: listed, or beyond any table. */
			sqe->user_data = r & 256 ? numbers[(r >> 9) % ARRAY_SIZE(numbers)] :
						   r | 0x80000;
			break;
		case 3:
		case 4:
			/* Arguments that are no valid pointer and no small descriptor. */
			sqe->args[r >> 8 & 3] = 0xdead000000000000u | r >> 16;
			break;
		default:
			sqe->nr = numbers[(r >> 8) % ARRAY_SIZE(numbers)];
		}
	}
	return NULL;
}

/* Rewrites the whole line at once, seq included, as a torn copy would need. */
static void *rewrite_line(void *arg)
{
	struct win_sqe mine = { .nr = 9999, .args = { -1, -1, -1, -1, -1, -1 } };

	(void)arg;
	while (!stop) {
		mine.seq++;
		mine.nr = numbers[mine.seq % ARRAY_SIZE(numbers)];
		memcpy((void *)(victim + WIN_SR), &mine, sizeof(mine));
	}
	return NULL;
}

static _Noreturn void owner(void *(*attack)(void *), long ms)
{
	uint64_t end = t_now_ns() + (uint64_t)ms * 1000000u;
	long right = 0, other = 0;
	pthread_t t;

	victim = t_window();
	pthread_create(&t, NULL, attack, NULL);
	while (t_now_ns() < end) {
		long r = via_gate(SYS_getuid, -1, -1, -1, -1, -1, -1);

		if (r == 0)
			right++;
		else
			other++;
	}
	/* Libc's own calls may be hit as well from here on: end without them. */
	stop = true;
	for (int i = 0; i < 1000; i++)
		via_gate(SYS_exit_group, right > 0 && (workers || !other) ? 0 : 1, 0, 0, 0, 0, 0);
	for (;;)
		;
}

static void test_attack(const char *name, void *(*attack)(void *), long ms)
{
	uint64_t end = t_now_ns() + (uint64_t)ms * 1000000u + 20000000000u, one = 1, sum = 0;
	int fd = eventfd(0, EFD_NONBLOCK), status = 0, code;
	long calls = 0, bad = 0;
	pid_t pid = fork(), done = 0;
	char text[96];

	if (!pid) {
		/* Whatever the attacked task does to descriptors must not reach ours. */
		close(fd);
		owner(attack, ms);
	}
	while (!done && t_now_ns() < end) {
		bad += via_gate(SYS_write, fd, (long)&one, 8, 0, 0, 0) != 8;
		bad += via_gate(SYS_getpid, 0, 0, 0, 0, 0, 0) != getpid();
		calls++;
		if (calls % 64 == 0)
			done = waitpid(pid, &status, WNOHANG);
	}
	snprintf(text, sizeof(text), "%s: the attacked process came to an end", name);
	t_ok(done == pid, text);
	if (!done) {
		kill(pid, SIGKILL);
		waitpid(pid, &status, 0);
	}
	code = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
	t_note("%s: it ended with %d; %ld calls of ours meanwhile", name, code, calls);
	if (!workers) {
		snprintf(text, sizeof(text), "%s: every call was the one in the registers", name);
		t_eq(code, 0, text);
	}
	snprintf(text, sizeof(text), "%s: calls of another process stayed right", name);
	t_eq(bad, 0, text);
	snprintf(text, sizeof(text), "%s: each of them happened once", name);
	t_ok(read(fd, &sum, 8) == 8 && (long)sum == calls, text);
	close(fd);
}

int main(int argc, char **argv)
{
	long ms;

	t_init(argc, argv);
	if (!t_need_gate("a request rewritten while it is made"))
		return t_done_gate();
	ms = t_option("--ms", 2500);
	workers = have_workers();
	test_attack("fields rewritten", rewrite, ms);
	test_attack("line rewritten", rewrite_line, ms);
	return t_done_gate();
}
