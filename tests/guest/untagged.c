// SPDX-License-Identifier: MIT
/*
 * Description: a program without libc and without the ABI note: prints one line and ends with 23.
 * An enforcing kernel must refuse to execute it; a permissive one runs it as Linux does.
 */

static long trap3(long nr, long a, long b, long c)
{
	long ret;

	__asm__ volatile("syscall" : "=a"(ret) : "0"(nr), "D"(a), "S"(b), "d"(c)
			 : "rcx", "r11", "memory");
	return ret;
}

__attribute__((noreturn, used)) void _start(void)
{
	trap3(1, 1, (long)"untagged\n", 9);
	for (;;)
		trap3(231, 23, 0, 0);
}
