// SPDX-License-Identifier: MIT
/*
 * Description: what a raw trap of a tagged program does: counted and executed in permissive mode;
 * SIGSYS with complete siginfo and no effect in enforcing mode, which nothing in user space can
 * loosen; the mode is given as "permissive", "enforcing" or "off".
 */
#include "harness.h"

#include <cpuid.h>
#include <libgen.h>
#include <linux/audit.h>
#include <pthread.h>
#include <ucontext.h>

#define SYS_XSC_CODE 3

struct report {
	volatile int count;
	volatile int code;
	volatile int number;
	volatile unsigned int arch;
	volatile uintptr_t address;
	volatile uintptr_t ip;
	volatile long rax;
};

static struct report *rep;
static uintptr_t expected;

static void on_sys(int sig, siginfo_t *si, void *ctx)
{
	ucontext_t *uc = ctx;

	(void)sig;
	rep->count++;
	rep->code = si->si_code;
	rep->number = si->si_syscall;
	rep->arch = si->si_arch;
	rep->address = (uintptr_t)si->si_call_addr;
	rep->ip = (uintptr_t)uc->uc_mcontext.gregs[REG_RIP];
	rep->rax = uc->uc_mcontext.gregs[REG_RAX];
}

/* The label behind the instruction is what si_call_addr must be. */
static __attribute__((noinline)) long trap_here(long nr, long a, long b, long c)
{
	long ret;

	__asm__ volatile("leaq 1f(%%rip), %%r8\n\tmovq %%r8, %1\n\tsyscall\n1:"
			 : "=a"(ret), "=m"(expected)
			 : "0"(nr), "D"(a), "S"(b), "d"(c)
			 : "rcx", "r8", "r11", "memory");
	return ret;
}

static __attribute__((noinline)) long int80_here(long nr)
{
	long ret;

	__asm__ volatile("leaq 1f(%%rip), %%r8\n\tmovq %%r8, %1\n\tint $0x80\n1:"
			 : "=a"(ret), "=m"(expected)
			 : "0"(nr)
			 : "r8", "r9", "r10", "r11", "memory");
	return ret;
}

static void handle(void)
{
	struct sigaction sa = { .sa_sigaction = on_sys, .sa_flags = SA_SIGINFO };

	memset((void *)rep, 0, sizeof(*rep));
	sigaction(SIGSYS, &sa, NULL);
}

static void test_enforced_numbers(void)
{
	static const long numbers[] = { SYS_getppid, SYS_write, SYS_exit_group, 9999, SYS_fork };
	char name[64];

	for (size_t i = 0; i < ARRAY_SIZE(numbers); i++) {
		char buf[2] = "x";
		int p[2];

		if (pipe2(p, O_NONBLOCK))
			exit(1);
		handle();
		trap_here(numbers[i], numbers[i] == SYS_write ? p[1] : 0, (long)buf, 1);
		snprintf(name, sizeof(name), "number %ld: SIGSYS once", numbers[i]);
		t_eq(rep->count, 1, name);
		t_eq(rep->code, SYS_XSC_CODE, "  si_code is SYS_XSC");
		t_eq(rep->number, numbers[i], "  si_syscall is the number");
		t_eq(rep->arch, AUDIT_ARCH_X86_64, "  si_arch is x86-64");
		t_eq(rep->address, expected, "  si_call_addr is right behind the instruction");
		t_eq(rep->ip, expected, "  and so is the interrupted ip");
		t_ok(read(p[0], buf, 1) == -1 && errno == EAGAIN, "  the call had no effect");
		close(p[0]);
		close(p[1]);
	}
}

static void test_enforced_int80(void)
{
	pid_t pid;

	handle();
	pid = fork();
	if (!pid) {
		/* Number 20 is getpid of i386. */
		long r = int80_here(20);

		_exit(r == getpid() ? 1 : 0);
	}
	int code = t_wait_code(pid);
	t_note("int $0x80: child ended with %d, %d SIGSYS, code %d", code, rep->count, rep->code);
	t_ok(code == 128 + SIGSEGV || (code == 0 && rep->count == 1 && rep->code == SYS_XSC_CODE),
	     "int $0x80 does not reach a call");
}

/*
 * sysenter of a 64-bit program. AMD processors do not have it in long mode. Elsewhere it enters the
 * kernel as a call of i386, whose result comes back to 32-bit code at a place that does not exist:
 * the call is made, and its caller dies. The address of a word that the kernel reads is in ebp.
 */
static __attribute__((noreturn)) void sysenter_write(int fd, char *low)
{
	low[0] = 'x';
	/* Number 4 is write of i386. */
	__asm__ volatile("movl %%esi, %%ebp\n\tsysenter\n\tud2"
			 :
			 : "a"(4), "b"(fd), "c"(low), "d"(1), "S"(low + 64)
			 : "memory");
	__builtin_unreachable();
}

static bool has_sysenter(void)
{
	unsigned int max, b, c, d;

	return __get_cpuid(0, &max, &b, &c, &d) && b == signature_INTEL_ebx;
}

static long total_traps(void)
{
	long n = -1;
	FILE *f = fopen("/sys/kernel/xsc/traps", "re");

	if (f) {
		if (fscanf(f, "%ld", &n) != 1)
			n = -1;
		fclose(f);
	}
	return n;
}

/* `refused`: the kernel does not let traps through. */
static void test_sysenter(bool refused)
{
	bool there = has_sysenter();
	long before = total_traps(), counted = t_have_gate() && there;
	int death = !there ? SIGILL : refused ? SIGSYS : SIGSEGV;
	char buf[2];
	pid_t pid;
	int p[2];

	if (pipe2(p, O_NONBLOCK))
		exit(1);
	t_note("sysenter %s in 64-bit mode here", there ? "exists" : "does not exist");
	pid = fork();
	if (!pid) {
		char *low = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
				 MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);

		signal(SIGSYS, SIG_DFL);
		if (low == MAP_FAILED)
			_exit(1);
		sysenter_write(p[1], low);
	}
	t_eq(t_wait_code(pid), 128 + death, "sysenter ends the program");
	t_eq(read(p[0], buf, 1), there && !refused ? 1 : -1, "  with or without the call");
	t_eq(total_traps() - before, counted, "  and is counted if it is a trap");
	close(p[0]);
	close(p[1]);
}

static int default_death(void)
{
	pid_t pid = fork();

	if (!pid) {
		signal(SIGSYS, SIG_DFL);
		trap_here(SYS_getppid, 0, 0, 0);
		_exit(0);
	}
	return t_wait_code(pid);
}

static void *trap_in_thread(void *arg)
{
	trap_here(SYS_getppid, 0, 0, 0);
	return arg;
}

static void test_enforced_life(void)
{
	struct sigaction ign = { .sa_handler = SIG_IGN };
	sigset_t set;
	pthread_t t;
	pid_t pid;

	t_eq(default_death(), 128 + SIGSYS, "without a handler the child of a fork dies by SIGSYS");
	handle();
	pthread_create(&t, NULL, trap_in_thread, NULL);
	pthread_join(t, NULL);
	t_eq(rep->count, 1, "a thread is under the same rule");
	pid = fork();
	if (!pid) {
		/* Forced: neither ignoring nor blocking the signal lets the trap through. */
		sigaction(SIGSYS, &ign, NULL);
		trap_here(SYS_getppid, 0, 0, 0);
		_exit(0);
	}
	t_eq(t_wait_code(pid), 128 + SIGSYS, "ignoring SIGSYS does not help");
	pid = fork();
	if (!pid) {
		sigemptyset(&set);
		sigaddset(&set, SIGSYS);
		sigprocmask(SIG_BLOCK, &set, NULL);
		trap_here(SYS_getppid, 0, 0, 0);
		_exit(0);
	}
	t_eq(t_wait_code(pid), 128 + SIGSYS, "blocking SIGSYS does not help");
}

static int run_untagged(void)
{
	char path[600], self[512];
	pid_t pid;

	if (!realpath("/proc/self/exe", self))
		exit(1);
	snprintf(path, sizeof(path), "%s/untagged", dirname(self));
	pid = fork();
	if (!pid) {
		char *argv[] = { path, NULL };
		int null = open("/dev/null", O_WRONLY);

		dup2(null, 1);
		execv(path, argv);
		_exit(errno == ENOEXEC ? 24 : 25);
	}
	return t_wait_code(pid);
}

static int set_mode(const char *text)
{
	int fd = open("/proc/sys/kernel/xsc_mode", O_WRONLY), r;

	if (fd < 0)
		return -errno;
	r = write(fd, text, strlen(text)) < 0 ? -errno : 0;
	close(fd);
	return r;
}

static long mode_now(void)
{
	char text[16] = "";
	int fd = open("/proc/sys/kernel/xsc_mode", O_RDONLY);

	if (fd < 0 || read(fd, text, sizeof(text) - 1) <= 0)
		return -1;
	close(fd);
	return strtol(text, NULL, 10);
}

static void test_permissive(void)
{
	long before = t_proc_xsc("self", "traps");

	t_eq(mode_now(), 1, "kernel.xsc_mode is permissive");
	t_eq(trap_here(SYS_getppid, 0, 0, 0), getppid(), "a raw trap works");
	t_eq(t_proc_xsc("self", "traps"), before + 1, "and is counted, once");
	test_sysenter(false);
	t_eq(run_untagged(), 23, "an untagged program runs");
	t_ok(set_mode("0") < 0, "the mode cannot be loosened");
	t_eq(mode_now(), 1, "it is still permissive");
}

static void test_enforcing(void)
{
	t_eq(mode_now(), 2, "kernel.xsc_mode is enforcing");
	test_enforced_numbers();
	test_enforced_int80();
	test_sysenter(true);
	test_enforced_life();
	t_eq(run_untagged(), 24, "exec of an untagged program is ENOEXEC");
	t_ok(set_mode("1") < 0 && set_mode("0") < 0, "the mode cannot be loosened");
	t_eq(mode_now(), 2, "it is still enforcing");
}

int main(int argc, char **argv)
{
	t_init(argc, argv);
	t_expect_traps();
	rep = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (t_flag("off")) {
		t_ok(!t_have_gate(), "no gate in auxv");
		t_eq(trap_here(SYS_getppid, 0, 0, 0), getppid(), "calls trap as on Linux");
		test_sysenter(false);
		t_eq(run_untagged(), 23, "an untagged program runs");
		return t_done();
	}
	if (!t_need_gate("traps of a tagged program"))
		return t_done_gate();
	if (t_flag("enforcing"))
		test_enforcing();
	else
		test_permissive();
	return t_done_gate();
}
