/* SPDX-License-Identifier: MIT */
/*
 * Harness of the guest tests: numbered results, the two ways into the kernel, options.
 *
 * A test is one program. It prints TAP lines and exits 0 (passed), 1 (failed) or 77 (nothing
 * could be tested here). The gate half of a test needs a kernel that gave this process a window;
 * without one it is reported as SKIP, or as a failure when the caller passed --require-gate.
 */
#ifndef XSC_TEST_HARNESS_H
#define XSC_TEST_HARNESS_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "transport.h"

#define T_UNUSED __attribute__((unused))
#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

#define AT_XSC_BASE 0x58534301UL
#define AT_XSC_ABI 0x58534302UL
#define AT_XSC_FEATURES 0x58534303UL

/* Offsets inside the window, from GS base. */
#define WIN_CTRL 0x0000UL
#define WIN_SR 0x1000UL
#define WIN_CR 0x2000UL
#define WIN_BELL 0x3000UL
#define WIN_SIZE 0x4000UL
#define WIN_PAGE 0x1000UL

struct win_sqe {
	uint32_t seq;
	uint16_t nr;
	uint16_t flags;
	uint64_t args[6];
	uint64_t user_data;
};

struct win_cqe {
	uint32_t seq;
	uint32_t flags;
	int64_t res;
	uint64_t user_data;
	uint64_t ts;
};

static_assert(sizeof(struct win_sqe) == 64, "an SQE is one cache line");
static_assert(sizeof(struct win_cqe) == 32, "a CQE is half a cache line");

struct t_state {
	int count;
	int failed;
	int skipped;
	bool require_gate;
	bool expect_traps;
	int argc;
	char **argv;
};

static struct t_state t_state;

T_UNUSED static uintptr_t t_window(void)
{
	return getauxval(AT_XSC_BASE);
}

T_UNUSED static bool t_have_gate(void)
{
	return t_window() != 0;
}

T_UNUSED static __attribute__((format(printf, 3, 4))) bool
t_result(bool good, const char *name, const char *fmt, ...)
{
	va_list ap;

	t_state.count++;
	if (!good)
		t_state.failed++;
	printf("%s %d - %s", good ? "ok" : "not ok", t_state.count, name);
	if (!good && fmt) {
		printf(" # ");
		va_start(ap, fmt);
		vprintf(fmt, ap);
		va_end(ap);
	}
	putchar('\n');
	fflush(stdout);
	return good;
}

/* t_ok(condition, name): the detail printed on failure is errno and the condition itself. */
#define t_ok(cond, name) \
	t_result((cond), (name), "%s:%d: %s (errno %d)", __FILE__, __LINE__, #cond, errno)

#define t_eq(got, want, name)                                                             \
	({                                                                                \
		long got_ = (long)(got), want_ = (long)(want);                            \
		t_result(got_ == want_, (name), "%s:%d: %s is %ld, expected %ld (errno %d)", \
			 __FILE__, __LINE__, #got, got_, want_, errno);                   \
	})

T_UNUSED static void t_skip(const char *name, const char *why)
{
	t_state.count++;
	t_state.skipped++;
	printf("ok %d - %s # SKIP %s\n", t_state.count, name, why);
	fflush(stdout);
}

T_UNUSED static void t_note(const char *fmt, ...)
{
	va_list ap;

	printf("# ");
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	putchar('\n');
	fflush(stdout);
}

/* True when the gate half may run. Otherwise the caller's half is recorded as skipped or failed. */
T_UNUSED static bool t_need_gate(const char *name)
{
	if (t_have_gate())
		return true;
	if (t_state.require_gate)
		t_result(false, name, "no AT_XSC_BASE in auxv and --require-gate was given");
	else
		t_skip(name, "no gate: AT_XSC_BASE is not in auxv");
	return false;
}

/* One value of /proc/<pid>/xsc, or -1. The file holds "key: value" lines. */
T_UNUSED static long t_proc_xsc(const char *who, const char *key)
{
	char path[64], line[128];
	long value = -1;
	size_t n = strlen(key);
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%s/xsc", who);
	f = fopen(path, "re");
	if (!f)
		return -1;
	while (fgets(line, sizeof(line), f)) {
		if (!strncmp(line, key, n) && line[n] == ':')
			value = strtol(line + n + 1, NULL, 0);
	}
	fclose(f);
	return value;
}

/* The argument of "--name N", or the default. */
T_UNUSED static long t_option(const char *name, long standard)
{
	for (int i = 1; i + 1 < t_state.argc; i++)
		if (!strcmp(t_state.argv[i], name))
			return strtol(t_state.argv[i + 1], NULL, 0);
	return standard;
}

T_UNUSED static bool t_flag(const char *name)
{
	for (int i = 1; i < t_state.argc; i++)
		if (!strcmp(t_state.argv[i], name))
			return true;
	return false;
}

T_UNUSED static void t_init(int argc, char **argv)
{
	t_state.argc = argc;
	t_state.argv = argv;
	t_state.require_gate = t_flag("--require-gate");
	setvbuf(stdout, NULL, _IOLBF, 0);
	if (t_state.require_gate && !t_have_gate())
		t_result(false, "gate is present", "no AT_XSC_BASE in auxv");
}

/* Declares that this program executes raw syscall instructions on purpose. */
T_UNUSED static void t_expect_traps(void)
{
	t_state.expect_traps = true;
}

T_UNUSED static int t_done(void)
{
	if (t_have_gate() && !t_state.expect_traps)
		t_eq(t_proc_xsc("self", "traps"), 0, "no trap was executed by this process");
	printf("1..%d\n", t_state.count);
	fflush(stdout);
	if (t_state.failed)
		return 1;
	return t_state.skipped == t_state.count ? 77 : 0;
}

/* As t_done(), for programs whose point is the gate: a skipped gate half makes the whole a skip. */
T_UNUSED static int t_done_gate(void)
{
	int status = t_done();

	return status == 0 && t_state.skipped ? 77 : status;
}

T_UNUSED static uint64_t t_now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

T_UNUSED static void t_sleep_ms(long ms)
{
	struct timespec ts = { ms / 1000, ms % 1000 * 1000000 };

	while (nanosleep(&ts, &ts) && errno == EINTR)
		;
}

/* Waits until a task sleeps in the kernel (state S or D), at most two seconds. */
T_UNUSED static bool t_wait_blocked(pid_t tid)
{
	char path[64], text[512], *p;

	for (int i = 0; i < 2000; i++) {
		int fd, n;

		snprintf(path, sizeof(path), "/proc/%d/stat", tid);
		fd = open(path, O_RDONLY | O_CLOEXEC);
		if (fd < 0)
			return false;
		n = (int)read(fd, text, sizeof(text) - 1);
		close(fd);
		if (n > 0) {
			text[n] = 0;
			p = strrchr(text, ')');
			if (p && (p[2] == 'S' || p[2] == 'D'))
				return true;
		}
		t_sleep_ms(1);
	}
	return false;
}

/* How often a task has gone to sleep, or -1. */
T_UNUSED static long t_sleeps(pid_t pid)
{
	char path[64], line[128];
	long n = -1;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/status", pid);
	f = fopen(path, "re");
	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, "voluntary_ctxt_switches: %ld", &n) == 1)
			break;
	if (f)
		fclose(f);
	return n;
}

/*
 * Waits until a task sleeps in the kernel and stays asleep: a call that a worker makes may put it to
 * sleep for a moment as well. At most two seconds.
 */
T_UNUSED static bool t_wait_settled(pid_t pid)
{
	for (int i = 0; i < 100; i++) {
		long before;

		if (!t_wait_blocked(pid))
			return false;
		before = t_sleeps(pid);
		t_sleep_ms(20);
		if (t_wait_blocked(pid) && t_sleeps(pid) == before)
			return true;
	}
	return false;
}

/* waitpid() that survives EINTR; the status as the shell shows it: code, or 128 + signal. */
T_UNUSED static int t_wait_code(pid_t pid)
{
	int status;

	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return -1;
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

#endif
