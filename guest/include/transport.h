// SPDX-License-Identifier: MIT
/* The two ways into the kernel, as functions of the same type. */
#ifndef TRANSPORT_H
#define TRANSPORT_H

/* Both follow the contract of the syscall instruction; docs/abi.md says what the last jump is for. */
#define ASM_TRAP "syscall\n\t"
#define ASM_GATE "770:\tleaq 771f(%%rip), %%rcx\n\tjmp *%%gs:0\n\tjmp 770b\n771:\n\t"

typedef long (*call6_t)(long nr, long a, long b, long c, long d, long e, long f);

#define DEFINE_CALL6(name, how)                                                             \
	__attribute__((unused, noinline)) static long name(long nr, long a, long b, long c,   \
							   long d, long e, long f)              \
	{                                                                                     \
		register long r10 __asm__("r10") = d;                                         \
		register long r8 __asm__("r8") = e;                                           \
		register long r9 __asm__("r9") = f;                                           \
		long ret = nr;                                                                \
		__asm__ volatile(how                                                          \
				 : "+a"(ret)                                                  \
				 : "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)         \
				 : "rcx", "r11", "memory", "cc");                             \
		return ret;                                                                   \
	}

DEFINE_CALL6(via_trap, ASM_TRAP)
DEFINE_CALL6(via_gate, ASM_GATE)

#endif
