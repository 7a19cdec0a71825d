// SPDX-License-Identifier: MIT
/*
 * Description: the window is where auxv says, one mapping named [xsc] of four pages with the
 * promised access rights, at the same address after fork and exec-free of the parent's content.
 */
#include "raw_clone.h"

#include <pthread.h>
#include <setjmp.h>

static sigjmp_buf escape;

static void on_fault(int sig)
{
	siglongjmp(escape, sig);
}

/* 0 when the access works, else the signal. */
static int try_read(uintptr_t at)
{
	int sig = sigsetjmp(escape, 1);

	if (!sig)
		(void)*(volatile unsigned char *)at;
	return sig;
}

static int try_write(uintptr_t at)
{
	int sig = sigsetjmp(escape, 1);

	if (!sig)
		*(volatile unsigned char *)at = 0x5a;
	return sig;
}

static int windows(uintptr_t base, bool *whole)
{
	char line[512];
	int n = 0;
	FILE *f = fopen("/proc/self/maps", "re");

	*whole = false;
	while (f && fgets(line, sizeof(line), f)) {
		unsigned long from, to;

		if (!strstr(line, "[xsc]") || sscanf(line, "%lx-%lx", &from, &to) != 2)
			continue;
		n++;
		*whole |= from == base && to == base + WIN_SIZE;
	}
	if (f)
		fclose(f);
	return n;
}

static void *thread_window(void *arg)
{
	uintptr_t base;

	__asm__ volatile("rdgsbase %0" : "=r"(base));
	*(uintptr_t *)arg = base;
	bool whole;
	return (void *)(long)(windows(base, &whole) * 10 + whole);
}

static uintptr_t gs_base(void)
{
	unsigned long base = 0;

	syscall(SYS_arch_prctl, 0x1004, &base);	/* ARCH_GET_GS */
	return base;
}

static void test_rights(uintptr_t base)
{
	t_eq(*(uint32_t *)(base + 16), 0x43535858, "CTRL carries the magic");
	t_eq(*(uint32_t *)(base + 20), getauxval(AT_XSC_ABI), "CTRL and auxv agree on the ABI");
	t_eq(*(uint64_t *)(base + 24), getauxval(AT_XSC_FEATURES), "and on the features");
	t_eq(*(uint64_t *)base, *(uint64_t *)(base + 8), "entry and entry_raw are the same gate");
	t_eq(try_read(base + WIN_CTRL), 0, "CTRL can be read");
	t_eq(try_write(base + WIN_CTRL), SIGSEGV, "CTRL cannot be written");
	t_eq(try_read(base + WIN_SR), 0, "SR can be read");
	t_eq(try_write(base + WIN_SR + 128), 0, "SR can be written");
	t_eq(try_read(base + WIN_CR), 0, "CR can be read");
	t_eq(try_write(base + WIN_CR), SIGSEGV, "CR cannot be written");
	t_eq(try_read(base + WIN_BELL), SIGSEGV, "BELL cannot be read");
}

int main(int argc, char **argv)
{
	uintptr_t base;
	bool whole;
	pthread_t t;
	pid_t pid;
	void *ret;

	t_init(argc, argv);
	if (!t_need_gate("window in the address space"))
		return t_done_gate();
	base = t_window();
	signal(SIGSEGV, on_fault);
	signal(SIGBUS, on_fault);
	t_eq(gs_base(), base, "GS base is the address in auxv");
	t_eq(windows(base, &whole), 1, "one mapping is named [xsc]");
	t_ok(whole, "it has four pages at the base");
	test_rights(base);

	*(uint32_t *)(base + WIN_SR + 1024) = 0xfeedface;
	pid = fork();
	if (!pid) {
		int code = windows(base, &whole) == 1 && whole && gs_base() == base ? 0 : 1;

		/* A fresh window, not a copy of the parent's. */
		if (*(uint32_t *)(base + WIN_SR + 1024) == 0xfeedface)
			code |= 2;
		_exit(code);
	}
	t_eq(t_wait_code(pid), 0, "a child has a fresh window at the same address");
	t_eq(*(uint32_t *)(base + WIN_SR + 1024), 0xfeedface, "the parent's is untouched");

	pthread_create(&t, NULL, thread_window, &base);
	pthread_join(t, &ret);
	t_ok(base != t_window(), "a thread has a window of its own");
	t_eq((long)ret, 21, "two mappings then, the thread's whole");
	return t_done_gate();
}
