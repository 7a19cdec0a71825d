/* SPDX-License-Identifier: MIT */
/*
 * clone, clone3 and vfork over either transport, without libc: the child of these must not return
 * from the function that made it, so the whole life of the child is inside one asm statement.
 */
#ifndef XSC_TEST_RAW_CLONE_H
#define XSC_TEST_RAW_CLONE_H

#include "harness.h"

#include <linux/sched.h>

/* The child calls fn(arg) on its own stack and ends with exit(0) over the same transport. */
#define CHILD_OR_PARENT(how)                                                              \
	how "testq %%rax, %%rax\n\tjnz 772f\n\t"                                          \
	    "xorl %%ebp, %%ebp\n\tpopq %%rax\n\tpopq %%rdi\n\tcallq *%%rax\n\t"           \
	    "movl $60, %%eax\n\txorl %%edi, %%edi\n\t" how "hlt\n772:\n\t"

struct raw_child {
	void (*fn)(void *arg);
	void *arg;
};

T_UNUSED static void *raw_stack(void *top, struct raw_child child)
{
	void **sp = (void **)((uintptr_t)top & ~15UL);

	*--sp = child.arg;
	*--sp = (void *)child.fn;
	return sp;
}

#define DEFINE_RAW_CLONE(name, how)                                                       \
	T_UNUSED static __attribute__((noinline)) long name(                              \
		unsigned long flags, void *top, int *ptid, int *ctid, unsigned long tls,  \
		struct raw_child child)                                                   \
	{                                                                                 \
		register long r10 __asm__("r10") = (long)ctid;                            \
		register long r8 __asm__("r8") = (long)tls;                               \
		long ret = SYS_clone;                                                     \
		void *sp = raw_stack(top, child);                                         \
		__asm__ volatile(CHILD_OR_PARENT(how)                                     \
				 : "+a"(ret)                                              \
				 : "D"(flags), "S"(sp), "d"(ptid), "r"(r10), "r"(r8)      \
				 : "rcx", "r11", "memory", "cc");                         \
		return ret;                                                               \
	}

DEFINE_RAW_CLONE(raw_clone_trap, ASM_TRAP)
DEFINE_RAW_CLONE(raw_clone_gate, ASM_GATE)

#define DEFINE_RAW_CLONE3(name, how)                                                      \
	T_UNUSED static __attribute__((noinline)) long name(                              \
		struct clone_args *ca, void *stack, size_t size, struct raw_child child)  \
	{                                                                                 \
		long ret = SYS_clone3;                                                    \
		void *sp = raw_stack((char *)stack + size, child);                        \
		ca->stack = (uintptr_t)stack;                                             \
		ca->stack_size = (uintptr_t)sp - (uintptr_t)stack;                        \
		__asm__ volatile(CHILD_OR_PARENT(how)                                     \
				 : "+a"(ret)                                              \
				 : "D"(ca), "S"(sizeof(*ca))                              \
				 : "rcx", "r11", "memory", "cc", "rdx", "r8");            \
		return ret;                                                               \
	}

DEFINE_RAW_CLONE3(raw_clone3_trap, ASM_TRAP)
DEFINE_RAW_CLONE3(raw_clone3_gate, ASM_GATE)

/* vfork whose child stores 1 to *mark and ends with the code. */
#define DEFINE_RAW_VFORK(name, how)                                                       \
	T_UNUSED static __attribute__((noinline)) long name(volatile int *mark, int code)   \
	{                                                                                 \
		long ret = SYS_vfork;                                                     \
		__asm__ volatile(how "testq %%rax, %%rax\n\tjnz 772f\n\t"                 \
				 "movl $1, (%%rbx)\n\tmovl $60, %%eax\n\t"                \
				 how "hlt\n772:\n\t"                                      \
				 : "+a"(ret)                                              \
				 : "b"(mark), "D"(code)                                   \
				 : "rcx", "r11", "memory", "cc");                         \
		return ret;                                                               \
	}

DEFINE_RAW_VFORK(raw_vfork_trap, ASM_TRAP)
DEFINE_RAW_VFORK(raw_vfork_gate, ASM_GATE)

#endif
