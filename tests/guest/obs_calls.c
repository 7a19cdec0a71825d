// SPDX-License-Identifier: MIT
/*
 * Description: a fixed sequence of calls over "trap" or "gate" (argument 1), for strace and gdb
 * outside; the two outputs must agree.
 */
#include "harness.h"

/* A place for breakpoints on both sides of a call. */
__attribute__((noinline)) void xsc_before(void)
{
	__asm__ volatile("" ::: "memory");
}

__attribute__((noinline)) void xsc_after(long result)
{
	__asm__ volatile("" : : "r"(result) : "memory");
}

int main(int argc, char **argv)
{
	call6_t call = argc > 1 && !strcmp(argv[1], "gate") ? via_gate : via_trap;
	char text[] = "written once\n", buf[64] = "";
	int p[2];
	long pid;

	if (call == via_gate && !t_have_gate())
		return 77;
	call(SYS_getpriority, 4711, 4712, 0, 0, 0, 0);	/* start mark */
	call(SYS_pipe, (long)p, 0, 0, 0, 0, 0);
	call(SYS_write, p[1], (long)text, sizeof(text) - 1, 0, 0, 0);
	call(SYS_read, p[0], (long)buf, sizeof(buf), 0, 0, 0);
	call(SYS_openat, AT_FDCWD, (long)"/nonexistent/file", O_RDWR | O_CREAT, 0640, 0, 0);
	call(SYS_close, 99, 0, 0, 0, 0, 0);
	xsc_before();
	xsc_after(call(SYS_getpriority, 77, 78, 0, 0, 0, 0));
	call(SYS_umask, 022, 0, 0, 0, 0, 0);
	pid = call(SYS_fork, 0, 0, 0, 0, 0, 0);
	if (!pid) {
		call(SYS_getpriority, 4713, 4714, 0, 0, 0, 0);
		call(SYS_exit_group, 3, 0, 0, 0, 0, 0);
	}
	call(SYS_wait4, pid, 0, 0, 0, 0, 0);
	call(SYS_getpriority, 4715, 4716, 0, 0, 0, 0);	/* end mark */
	return 0;
}
