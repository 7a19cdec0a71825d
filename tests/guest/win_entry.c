// SPDX-License-Identifier: MIT
/*
 * Description: jumps to every byte around and inside the kernel's entry code, with GS base in
 * place, changed or zero: the offender gets a result or a signal, everybody else is unharmed.
 */
#include "harness.h"

#include <asm/prctl.h>
#include <sys/resource.h>

#define FROM (-16)
#define TO 160

static uintptr_t entry;

/*
 * Jumps with registers of a getppid request and a return address that ends the child. Whatever
 * the bytes at the target mean as instructions, the child must not be able to do worse than this.
 */
static _Noreturn void jump_to(uintptr_t target)
{
	register long r10 __asm__("r10") = 0;
	register long r8 __asm__("r8") = 0;
	register long r9 __asm__("r9") = 0;
	register uintptr_t r11 __asm__("r11") = target;

	__asm__ volatile("leaq 1f(%%rip), %%rcx\n\t"
			 "jmp *%%r11\n"
			 /* Back with some result: end through the front door. */
			 "1:\tmovl $231, %%eax\n\txorl %%edi, %%edi\n\t"
			 "leaq 2f(%%rip), %%rcx\n\tjmp *%%gs:0\n2:\thlt\n\t"
			 :
			 : "a"(SYS_getppid), "D"(0), "S"(0), "d"(0), "r"(r10), "r"(r8), "r"(r9), "r"(r11)
			 : "rcx", "memory");
	__builtin_unreachable();
}

static _Noreturn void prepare_and_jump(uintptr_t target)
{
	struct rlimit none = { 0, 0 }, cpu = { 1, 2 };

	setrlimit(RLIMIT_CORE, &none);
	/* A jump may land in a loop of user code: that costs the offender its CPU time, no more. */
	setrlimit(RLIMIT_CPU, &cpu);
	alarm(3);
	jump_to(target);
}

static void test_offsets(void)
{
	int ended = 0, signalled = 0, looped = 0;

	for (int off = FROM; off <= TO; off++) {
		pid_t pid = fork();
		int code;

		if (!pid)
			prepare_and_jump(entry + (uintptr_t)off);
		code = t_wait_code(pid);
		if (code == 128 + SIGALRM || code == 128 + SIGXCPU) {
			looped++;
			t_note("offset %d: loops until it is killed", off);
		} else if (code > 128) {
			signalled++;
		} else {
			ended++;
		}
	}
	t_note("%d jumps returned, %d died by a signal, %d looped", ended, signalled, looped);
	t_eq(ended + signalled + looped, TO - FROM + 1, "every jump came to an end");
	t_ok(ended >= 1, "the jump to the entry itself works");
}

static void use_gs(uintptr_t base, bool by_instruction)
{
	if (by_instruction)
		__asm__ volatile("wrgsbase %0" : : "r"(base));
	else
		via_gate(SYS_arch_prctl, ARCH_SET_GS, (long)base, 0, 0, 0, 0);
}

static volatile sig_atomic_t sigsegv;

static void on_fault(int sig)
{
	(void)sig;
	_exit(50);
}

static void test_gs(const char *name, uintptr_t base, bool by_instruction)
{
	struct rlimit none = { 0, 0 };
	pid_t pid = fork();
	int code;

	if (!pid) {
		setrlimit(RLIMIT_CORE, &none);
		alarm(5);
		signal(SIGSEGV, on_fault);
		use_gs(base, by_instruction);
		_exit(getppid() > 0 ? 60 : 61);
	}
	code = t_wait_code(pid);
	t_note("%s: ended with %d", name, code);
	t_ok(code != 61 && code != 128 + SIGKILL && code >= 0, name);
}

/* GS base at a page of our own, laid out like a window, whose entry is the real one. */
static void test_own_window(void)
{
	char *fake = mmap(NULL, WIN_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	memcpy(fake, (void *)t_window(), WIN_PAGE);
	memcpy(fake + WIN_CR, (void *)(t_window() + WIN_CR), WIN_PAGE);
	test_gs("GS base at a private copy of the window", (uintptr_t)fake, false);
	test_gs("wrgsbase to a private copy of the window", (uintptr_t)fake, true);
	mprotect(fake + WIN_BELL, WIN_PAGE, PROT_NONE);
	test_gs("the same with its last page without access", (uintptr_t)fake, true);
}

/* Stores to every word of BELL, of every width: each rings or faults. */
static void test_bell_stores(void)
{
	uintptr_t bell = t_window() + WIN_BELL;
	int good = 0, n = 0;

	for (unsigned int off = 0; off < 4096; off += 8 + off / 3) {
		pid_t pid = fork();
		int code;

		if (!pid) {
			struct rlimit none = { 0, 0 };
			volatile struct win_sqe *sqe = (void *)(t_window() + WIN_SR);

			setrlimit(RLIMIT_CORE, &none);
			alarm(3);
			sqe->nr = SYS_getppid;
			sqe->user_data = SYS_getppid;
			switch (off & 3) {
			case 0:
				*(volatile uint64_t *)(bell + off) = off;
				break;
			case 1:
				*(volatile uint8_t *)(bell + off) = 1;
				break;
			default:
				*(volatile uint16_t *)(bell + (off & 0xffe)) = 2;
			}
			_exit(0);
		}
		code = t_wait_code(pid);
		good += code >= 0 && code != 128 + SIGKILL;
		n++;
	}
	t_eq(good, n, "stores to the bell from outside the gate end in an error or a signal");
}

int main(int argc, char **argv)
{
	t_init(argc, argv);
	if (!t_need_gate("jumps into the entry code"))
		return t_done_gate();
	entry = *(uintptr_t *)t_window();
	test_offsets();
	test_gs("ARCH_SET_GS to zero", 0, false);
	test_gs("wrgsbase to zero", 0, true);
	test_gs("ARCH_SET_GS to SR", t_window() + WIN_SR, false);
	test_gs("wrgsbase to SR", t_window() + WIN_SR, true);
	test_gs("wrgsbase to unmapped memory", 0x10000, true);
	test_own_window();
	test_bell_stores();
	t_eq(via_gate(SYS_getpid, 0, 0, 0, 0, 0, 0), getpid(), "our own gate works");
	return t_done_gate();
}
