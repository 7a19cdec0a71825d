// SPDX-License-Identifier: MIT
/*
 * Description: a program may have GS base for itself. Its calls then do not get to the gate; each is
 * made for all that, once, with its result, wherever GS base leads that the jump cannot follow.
 * Threads, children, signal handlers and interrupted calls are as on stock; exec gives the gate back.
 * A wild jump that resembles such a call is SIGSEGV.
 */
#include "work.h"

#include <asm/prctl.h>
#include <sys/ioctl.h>
#include <sys/resource.h>

#define HWCAP2_FSGSBASE 2
#define XSC_SITE 0x58534350
#define NOWHERE 0x200000000UL

static int pipe_fd[2];
/* What GS base leads to: the two words that a site reads. */
static uint64_t *words;

static bool have_instructions(void)
{
	return getauxval(AT_HWCAP2) & HWCAP2_FSGSBASE;
}

static uintptr_t gs_base(void)
{
	uintptr_t base = 1;

	if (have_instructions())
		__asm__ volatile("rdgsbase %0" : "=r"(base));
	else
		syscall(SYS_arch_prctl, ARCH_GET_GS, &base);
	return base;
}

static void write_base(uintptr_t base)
{
	__asm__ volatile("wrgsbase %0" : : "r"(base));
}

/* Not by the C library: it must be one call wherever GS base is. */
static long set_base(uintptr_t base)
{
	return via_gate(SYS_arch_prctl, ARCH_SET_GS, (long)base, 0, 0, 0, 0);
}

static int waiting_bytes(void)
{
	int n = -1;

	ioctl(pipe_fd[0], FIONREAD, &n);
	return n;
}

static void empty_pipe(void)
{
	char bytes[64];

	while (waiting_bytes() > 0)
		(void)!read(pipe_fd[0], bytes, sizeof(bytes));
}

/* Five calls, two by the site of this program, which says nothing in r11, if it can be used. */
static void five_calls(pid_t self, pid_t parent, bool both)
{
	W_CHECK(syscall(SYS_getpid) == self);
	W_CHECK(write(pipe_fd[1], "ab", 2) == 2);
	W_CHECK(close(-1) == -1 && errno == EBADF);
	if (both) {
		W_CHECK(via_gate(SYS_getppid, 0, 0, 0, 0, 0, 0) == parent);
		W_CHECK(via_gate(SYS_write, pipe_fd[1], (long)"c", 1, 0, 0, 0) == 1);
	} else {
		W_CHECK(syscall(SYS_getppid) == parent);
		W_CHECK(write(pipe_fd[1], "c", 1) == 1);
	}
}

/*
 * @data: the site's own read of the word faults, and not the jump to where it leads.
 * @by_instruction: with WRGSBASE, which no call sees.
 */
static void test_base(const char *name, uintptr_t base, bool data, bool by_instruction)
{
	pid_t self = getpid(), parent = getppid();
	long before, after, set = 0;

	if (by_instruction && !have_instructions())
		return;
	empty_pipe();
	before = t_proc_xsc("self", "astray");
	if (by_instruction)
		write_base(base);
	else
		set = set_base(base);
	five_calls(self, parent, data);
	/* Restored in the same way: by a call that goes astray as well, or by none. */
	if (by_instruction)
		write_base(t_window());
	else
		syscall(SYS_arch_prctl, ARCH_SET_GS, t_window());
	after = t_proc_xsc("self", "astray");
	W_CHECK(set == 0);
	w_report(name);
	t_eq(after - before, by_instruction ? 5 : 6, "each call has gone astray once");
	t_eq(waiting_bytes(), 3, "and was made once");
	t_eq(gs_base(), t_window(), "GS base is the window again");
}

static void test_bases(void)
{
	for (int how = 0; how < 2; how++) {
		test_base("GS base is zero", 0, true, how);
		test_base("GS base is one", 1, true, how);
		test_base("GS base leads to unmapped memory", NOWHERE, true, how);
	}
	test_base("GS base is an address of the kernel", 0xffffffffffff0000UL, true, true);
	test_base("GS base is no address", 0x8000000000000000UL, true, true);
	t_eq(set_base(0xffffffffffff0000UL), -EPERM, "arch_prctl() takes addresses of users only");
	t_eq(gs_base(), t_window(), "and has then changed nothing");
}

static void test_words(void)
{
	static const struct {
		const char *name;
		uint64_t word;
	} rows[] = {
		{ "GS base leads to zeros", 0 },
		{ "GS base leads to a number", 0x1337f00d },
		{ "GS base leads to minus one", (uint64_t)-1 },
		{ "GS base leads to the address of the kernel's text", 0xffffffff81000000 },
		{ "GS base leads to no address", 0x1234567812345678 },
	};

	for (unsigned int i = 0; i < ARRAY_SIZE(rows); i++) {
		words[0] = words[1] = rows[i].word;
		test_base(rows[i].name, (uintptr_t)words, false, false);
		test_base(rows[i].name, (uintptr_t)words, false, true);
	}
	words[0] = words[1] = (uintptr_t)words;
	test_base("GS base leads to the address of data", (uintptr_t)words, false, false);
}

static void *thread(void *fd)
{
	char byte = 0;

	W_CHECK(gs_base() == (uintptr_t)words);
	W_CHECK(read((int)(long)fd, &byte, 1) == 1 && byte == 't');
	return &words[3];
}

static int executed(void)
{
	long before = t_proc_xsc("self", "astray");

	/* What the program did that executed this one counts as well, execve() at least. */
	return t_have_gate() && gs_base() == t_window() && before > 0 &&
	       syscall(SYS_getpid) == getpid() && t_proc_xsc("self", "astray") == before ? 0 : 1;
}

static void test_family(char *self)
{
	char *argv[] = { self, (char *)"--executed", NULL };
	void *result = NULL;
	pthread_t t;
	pid_t pid;

	empty_pipe();
	words[0] = words[1] = 0;
	syscall(SYS_arch_prctl, ARCH_SET_GS, words);
	pid = fork();
	if (!pid)
		_exit(gs_base() == (uintptr_t)words && getpid() != getppid() ? 3 : 4);
	W_CHECK(t_wait_code(pid) == 3);
	pid = vfork();
	if (!pid)
		_exit(gs_base() == (uintptr_t)words ? 5 : 6);
	W_CHECK(t_wait_code(pid) == 5);
	pid = fork();
	if (!pid) {
		execv(self, argv);
		_exit(7);
	}
	W_CHECK(t_wait_code(pid) == 0);
	W_CHECK(!pthread_create(&t, NULL, thread, (void *)(long)pipe_fd[0]));
	W_CHECK(write(pipe_fd[1], "t", 1) == 1);
	W_CHECK(!pthread_join(t, &result) && result == &words[3]);
	syscall(SYS_arch_prctl, ARCH_SET_GS, t_window());
	w_report("children and threads have GS base from their parent, a program has the gate");
}

static void *thread_of_a_window(void *parents)
{
	W_CHECK(gs_base() != (uintptr_t)parents);
	W_CHECK(t_proc_xsc("thread-self", "tagged") == 1 && t_proc_xsc("thread-self", "astray") == 0);
	return NULL;
}

/* GS base is the window, and the selector is not zero, as after somebody has put it back. */
static void test_selector(void)
{
	pthread_t t;

	if (!have_instructions())
		return;
	__asm__ volatile("movl %%ss, %%eax\n\tmovl %%eax, %%gs\n\twrgsbase %0"
			 : : "r"(t_window()) : "rax");
	W_CHECK(!pthread_create(&t, NULL, thread_of_a_window, (void *)t_window()));
	pthread_join(t, NULL);
	__asm__ volatile("movl %0, %%gs\n\twrgsbase %1" : : "r"(0), "r"(t_window()));
	w_report("a thread has a window of its own, whatever the selector beside its parent's");
}

static volatile sig_atomic_t handled;

static void on_signal(int number)
{
	(void)number;
	W_CHECK(gs_base() == (uintptr_t)words);
	W_CHECK(syscall(SYS_getppid) > 0);
	handled++;
}

/* Sends a signal to who sleeps in read(), and then a byte. */
static void interrupt(pid_t reader)
{
	W_CHECK(t_wait_settled(reader));
	kill(reader, SIGUSR1);
	if (t_wait_settled(reader))
		W_CHECK(write(pipe_fd[1], "r", 1) == 1);
	_exit(0);
}

static void test_signals(void)
{
	for (int restart = 0; restart < 2; restart++) {
		struct sigaction action = { .sa_handler = on_signal,
					    .sa_flags = restart ? SA_RESTART : 0 };
		pid_t reader = getpid(), helper;
		char byte = 0;
		long n;

		empty_pipe();
		handled = 0;
		sigaction(SIGUSR1, &action, NULL);
		helper = fork();
		if (!helper)
			interrupt(reader);
		syscall(SYS_arch_prctl, ARCH_SET_GS, words);
		n = read(pipe_fd[0], &byte, 1);
		if (!restart) {
			W_CHECK(n == -1 && errno == EINTR);
			n = read(pipe_fd[0], &byte, 1);
		}
		W_CHECK(n == 1 && byte == 'r' && handled == 1);
		raise(SIGUSR1);
		W_CHECK(handled == 2);
		syscall(SYS_arch_prctl, ARCH_SET_GS, t_window());
		W_CHECK(t_wait_code(helper) == 0);
		w_report(restart ? "an interrupted call is made again" : "or ends");
		t_eq(waiting_bytes(), 0, "and has read one byte");
	}
	signal(SIGUSR1, SIG_DFL);
}

/*
 * A call of the site in front of label 2, which writes a byte, and behind it a jump to nowhere with
 * all registers as for the same call again; in r11 is what the call has left, or @r11.
 */
static _Noreturn void jump_wild(uintptr_t nowhere, uint64_t r11)
{
	__asm__ volatile("movq %[keep], %%r12\n"
			 "1:\tleaq 2f(%%rip), %%rcx\n\tmovl %[site], %%r11d\n\tjmp *%%gs:0\n\tjmp 1b\n"
			 "2:\tmovl %[nr], %%eax\n\ttestq %%r12, %%r12\n\tcmovnzq %%r12, %%r11\n\t"
			 "jmp *%[nowhere]\n"
			 :
			 : "a"(SYS_write), "D"((long)pipe_fd[1]), "S"("w"), "d"(1L),
			   [keep] "r"(r11), [site] "i"(XSC_SITE), [nr] "i"(SYS_write),
			   [nowhere] "r"(nowhere)
			 : "rcx", "r11", "r12", "memory", "cc");
	__builtin_unreachable();
}

static void test_wild(const char *name, uintptr_t base, uintptr_t nowhere, uint64_t r11)
{
	struct rlimit none = { 0, 0 };
	pid_t pid;

	empty_pipe();
	pid = fork();
	if (!pid) {
		setrlimit(RLIMIT_CORE, &none);
		/* A call that is taken for the jump is one that is made for ever. */
		alarm(5);
		if (base)
			set_base(base);
		jump_wild(nowhere, r11);
	}
	t_eq(t_wait_code(pid), 128 + SIGSEGV, name);
	t_eq(waiting_bytes(), 1, "after the one call that it made");
}

static void test_wild_jumps(void)
{
	words[0] = words[1] = 0;
	test_wild("a call of NULL behind a call is no call", (uintptr_t)words, 0, 0);
	test_wild("nor is one where GS base leads nowhere", NOWHERE, 0, 0);
	test_wild("nor is a jump to elsewhere, with the word in r11", (uintptr_t)words, 0x1337f00d,
		  XSC_SITE);
	test_wild("nor a jump of a program that has its window", 0, 0, XSC_SITE);
}

int main(int argc, char **argv)
{
	t_init(argc, argv);
	if (t_flag("--executed"))
		return executed();
	if (!t_need_gate("calls of a program that has GS base for itself"))
		return t_done_gate();
	w_init(argc, argv);
	words = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	W_MUST(words != MAP_FAILED && !pipe(pipe_fd));
	test_bases();
	test_words();
	test_family(argv[0]);
	test_selector();
	test_signals();
	test_wild_jumps();
	t_eq(via_gate(SYS_getpid, 0, 0, 0, 0, 0, 0), getpid(), "our own gate works");
	return t_done_gate();
}
