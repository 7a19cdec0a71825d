// SPDX-License-Identifier: MIT
/*
 * Description: bad memory in arguments ends as EFAULT and never as SIGSEGV or SIGBUS: unmapped,
 * kernel, non-canonical, read-only, beyond the end of a file, and half of a buffer missing.
 */
#include "harness.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/uio.h>

static volatile sig_atomic_t signals;

static void on_fault(int sig)
{
	signals++;
	signal(sig, SIG_DFL);
}

struct place {
	const char *name;
	char *p;
	bool readable;
};

static char *beyond_eof(void)
{
	char path[] = "/tmp/xsc-fault-XXXXXX";
	int fd = mkstemp(path);
	char *p;

	unlink(path);
	t_ok(!ftruncate(fd, 4096), "file of one page");
	p = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	/* The second page of the mapping lies beyond the end: touching it is SIGBUS. */
	return p + 4096;
}

static int refused(call6_t call, const struct place *at, int *p)
{
	long b = (long)at->p;
	int n = 0;

	/* Each writes to user memory, except write, poll's list and the path of open. */
	n += call(SYS_read, p[0], b, 4, 0, 0, 0) == -EFAULT;
	n += call(SYS_pipe, b, 0, 0, 0, 0, 0) == -EFAULT;
	n += call(SYS_uname, b, 0, 0, 0, 0, 0) == -EFAULT;
	n += call(SYS_stat, (long)"/", b, 0, 0, 0, 0) == -EFAULT;
	n += call(SYS_clock_gettime, 1, b, 0, 0, 0, 0) == -EFAULT;
	n += call(SYS_getcwd, b, 4096, 0, 0, 0, 0) == -EFAULT;
	n += call(SYS_getrandom, b, 16, 0, 0, 0, 0) == -EFAULT;
	n += call(SYS_socketpair, AF_UNIX, SOCK_STREAM, 0, b, 0, 0) == -EFAULT;
	n += call(SYS_rt_sigaction, SIGUSR1, 0, b, 8, 0, 0) == -EFAULT;
	n += call(SYS_rt_sigpending, b, 8, 0, 0, 0, 0) == -EFAULT;
	n += call(SYS_getrusage, 0, b, 0, 0, 0, 0) == -EFAULT;
	n += call(SYS_sysinfo, b, 0, 0, 0, 0, 0) == -EFAULT;
	if (at->readable)
		return n == 12;
	n += call(SYS_write, p[1], b, 4, 0, 0, 0) == -EFAULT;
	n += call(SYS_open, b, O_RDONLY, 0, 0, 0, 0) == -EFAULT;
	n += call(SYS_poll, b, 1, 0, 0, 0, 0) == -EFAULT;
	n += call(SYS_writev, p[1], b, 1, 0, 0, 0) == -EFAULT;
	n += call(SYS_nanosleep, b, 0, 0, 0, 0, 0) == -EFAULT;
	return n == 17;
}

static void test_places(call6_t call, const char *how)
{
	char *gone = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	char *ro = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	char *none = mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	const struct place places[] = {
		{ "an unmapped page", gone, false },
		{ "a page without access", none, false },
		{ "a read-only page", ro, true },
		{ "page zero", (char *)16, false },
		{ "kernel memory", (char *)0xffffffff81000000, false },
		{ "the kernel's direct map", (char *)0xffff888000000000, false },
		{ "a non-canonical address", (char *)0x4141414141414141, false },
		{ "the end of the address space", (char *)-16L, false },
		{ "a mapping beyond the end of its file", beyond_eof(), false },
	};
	int p[2];

	munmap(gone, 4096);
	t_ok(!pipe(p) && write(p[1], "abcdefgh", 8) == 8, "pipe");
	for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
		char name[96];

		snprintf(name, sizeof(name), "%s: %s is EFAULT", how, places[i].name);
		t_ok(refused(call, &places[i], p), name);
	}
	close(p[0]);
	close(p[1]);
}

static void test_halves(call6_t call, const char *how)
{
	char *m = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct iovec v[2] = { { m, 8 }, { m + 4096 - 4, 8 } };
	char name[96];
	int p[2];
	long n;

	t_ok(!pipe(p), "pipe");
	munmap(m + 4096, 4096);
	n = call(SYS_write, p[1], (long)(m + 4096 - 4), 8, 0, 0, 0);
	snprintf(name, sizeof(name), "%s: a buffer that ends in nothing", how);
	t_ok(n == 4 || n == -EFAULT, name);
	n = call(SYS_writev, p[1], (long)v, 2, 0, 0, 0);
	t_ok((n >= 8 && n <= 12) || n == -EFAULT, name);
	n = call(SYS_open, (long)(m + 4096 - 3), O_RDONLY, 0, 0, 0, 0);
	/* Three NULs: an empty name, fully inside the page. */
	t_eq(n, -ENOENT, name);
	memset(m + 4096 - 3, 'x', 3);
	t_eq(call(SYS_open, (long)(m + 4096 - 3), O_RDONLY, 0, 0, 0, 0), -EFAULT, name);
	close(p[0]);
	close(p[1]);
}

int main(int argc, char **argv)
{
	t_init(argc, argv);
	t_expect_traps();
	signal(SIGSEGV, on_fault);
	signal(SIGBUS, on_fault);
	if (!t_flag("--gate-only")) {
		test_places(via_trap, "trap");
		test_halves(via_trap, "trap");
	}
	if (t_need_gate("faults over the gate")) {
		test_places(via_gate, "gate");
		test_halves(via_gate, "gate");
	}
	t_eq(signals, 0, "no SIGSEGV and no SIGBUS came");
	return t_done_gate();
}
