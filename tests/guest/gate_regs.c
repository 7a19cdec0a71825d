// SPDX-License-Identifier: MIT
/*
 * Description: a call over the gate leaves every general register but rax, rcx and r11, the
 * flags, the stack pointer, the red zone and the vector registers as a trap leaves them.
 */
#include "harness.h"

#include <sys/time.h>

extern uint64_t probe_in[104], probe_out[104];
extern int probe_avx;
void probe_trap(void);
void probe_gate(void);

enum { RAX, RBX, RCX, RDX, RSI, RDI, RBP, R8, R9, R10, R11, R12, R13, R14, R15, FLAGS, RSP };

static const char *const names[] = {
	"rax", "rbx", "rcx", "rdx", "rsi", "rdi", "rbp", "r8", "r9", "r10", "r11", "r12", "r13",
	"r14", "r15", "flags",
};

#define FLAG_BITS 0x240cd5UL	/* ID AC OF DF SF ZF AF PF CF */
#define RED_ZONE 18
#define VECTORS 34

static volatile sig_atomic_t hits;

static void on_signal(int sig)
{
	(void)sig;
	hits++;
}

static void fill(uint64_t seed, long nr, unsigned long flags)
{
	uint64_t x = seed * 2654435761u + 12345;

	for (size_t i = 0; i < ARRAY_SIZE(probe_in); i++) {
		x ^= x << 13;
		x ^= x >> 7;
		x ^= x << 17;
		probe_in[i] = x;
	}
	probe_in[RAX] = (uint64_t)nr;
	probe_in[FLAGS] = 0x202 | flags;
	memset(probe_out, 0xee, sizeof(probe_out));
}

/* Compares everything that must survive; the result is the caller's to judge. */
static void check(const char *what, bool gate)
{
	char name[96];
	size_t words = probe_avx ? 64 : 0;
	int differs = -1;

	for (int r = RBX; r <= R15; r++)
		if (r != RCX && r != R11 && probe_out[r] != probe_in[r])
			differs = r;
	snprintf(name, sizeof(name), "%s: %s keeps the general registers", what, gate ? "gate" : "trap");
	t_result(differs < 0, name, "%s: %lx became %lx", differs < 0 ? "" : names[differs],
		 differs < 0 ? 0 : probe_in[differs], differs < 0 ? 0 : probe_out[differs]);
	snprintf(name, sizeof(name), "%s: %s keeps the flags", what, gate ? "gate" : "trap");
	t_result((probe_out[FLAGS] & FLAG_BITS) == (probe_in[FLAGS] & FLAG_BITS), name,
		 "%lx became %lx", probe_in[FLAGS], probe_out[FLAGS]);
	snprintf(name, sizeof(name), "%s: %s keeps the red zone", what, gate ? "gate" : "trap");
	t_result(!memcmp(probe_in + RED_ZONE, probe_out + RED_ZONE, 128), name, "it changed");
	snprintf(name, sizeof(name), "%s: %s keeps the vector registers", what, gate ? "gate" : "trap");
	if (probe_avx) {
		t_result(!memcmp(probe_in + VECTORS, probe_out + VECTORS, 8 * words), name, "changed");
		return;
	}
	differs = 0;
	for (int i = 0; i < 16; i++)
		differs |= memcmp(probe_in + VECTORS + 4 * i, probe_out + VECTORS + 4 * i, 16);
	t_result(!differs, name, "an xmm register changed");
}

static void run(bool gate)
{
	static const unsigned long flags[] = { 0, 0x8d5, 0x400, 0x200000, 0x40000, FLAG_BITS };
	void (*probe)(void) = gate ? probe_gate : probe_trap;
	struct timespec ts = { 0, 1000000 };
	char what[64];
	uint64_t rsp;

	for (size_t i = 0; i < ARRAY_SIZE(flags); i++) {
		fill(i + 1, SYS_getppid, flags[i]);
		probe();
		snprintf(what, sizeof(what), "getppid with flags %lx", flags[i]);
		t_eq(probe_out[RAX], getppid(), what);
		check(what, gate);
	}
	rsp = probe_out[RSP];
	fill(77, 9999, 0x8d5);
	probe();
	t_eq(probe_out[RAX], -ENOSYS, "a wild number is ENOSYS");
	check("ENOSYS", gate);
	t_ok(probe_out[RSP] == rsp, "the stack pointer is the same after each call");

	fill(78, SYS_nanosleep, 0x1);
	probe_in[RDI] = (uintptr_t)&ts;
	probe_in[RSI] = 0;
	probe();
	t_eq(probe_out[RAX], 0, "a call that blocks succeeds");
	check("blocking", gate);
}

/* A handler runs in the middle: after its return everything must still be there. */
static void run_interrupted(bool gate)
{
	struct itimerval it = { { 0, 0 }, { 0, 30000 } };
	struct sigaction sa = { .sa_handler = on_signal };
	struct timespec ts = { 5, 0 };

	sigaction(SIGALRM, &sa, NULL);
	hits = 0;
	fill(79, SYS_nanosleep, 0x8d5);
	probe_in[RDI] = (uintptr_t)&ts;
	probe_in[RSI] = 0;
	setitimer(ITIMER_REAL, &it, NULL);
	(gate ? probe_gate : probe_trap)();
	t_eq(probe_out[RAX], -EINTR, "an interrupted call is EINTR");
	t_eq(hits, 1, "the handler ran once");
	check("interrupted", gate);

	/* Restarted: a pipe read that gets its byte after the handler. */
	int p[2];
	char c = 0;
	pid_t pid;

	sa.sa_flags = SA_RESTART;
	sigaction(SIGALRM, &sa, NULL);
	t_ok(!pipe(p), "pipe");
	pid = fork();
	if (!pid) {
		t_sleep_ms(120);
		_exit(write(p[1], "Z", 1) != 1);
	}
	hits = 0;
	fill(80, SYS_read, 0x8d5);
	probe_in[RDI] = (uint64_t)p[0];
	probe_in[RSI] = (uintptr_t)&c;
	probe_in[RDX] = 1;
	setitimer(ITIMER_REAL, &it, NULL);
	(gate ? probe_gate : probe_trap)();
	t_eq(probe_out[RAX], 1, "a restarted read delivers its byte");
	t_eq(c, 'Z', "the byte is the writer's");
	t_eq(hits, 1, "the handler ran once");
	check("restarted", gate);
	t_eq(t_wait_code(pid), 0, "the writer is done");
	close(p[0]);
	close(p[1]);
}

int main(int argc, char **argv)
{
	t_init(argc, argv);
	t_expect_traps();
	__builtin_cpu_init();
	probe_avx = __builtin_cpu_supports("avx");
	if (!probe_avx)
		t_note("no AVX on this CPU: xmm registers only");
	if (!t_flag("--gate-only")) {
		run(false);
		run_interrupted(false);
	}
	if (t_need_gate("register half over the gate")) {
		run(true);
		run_interrupted(true);
	}
	return t_done_gate();
}
