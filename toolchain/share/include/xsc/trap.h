/* SPDX-License-Identifier: MIT */
/*
 * Allow a trap instruction, with the reason, in tests and in code that never runs on XSC.
 *
 * In C, before a function:       XSC_ALLOW_TRAP("compares gate and trap")
 * In assembly, with the CPP:     XSC_TRAP(syscall, "compares gate and trap")
 *
 * With other compilers the first means nothing and the second is the instruction.
 */
#ifndef XSC_TRAP_H
#define XSC_TRAP_H

#ifdef __ASSEMBLER__
#ifdef __XSC__
#define XSC_TRAP(instruction, reason)			\
5841:	instruction;					\
5842:	.pushsection .xsc_allow, "", @progbits;		\
	.balign 8;					\
	.quad 5841b, 5842b;				\
	.asciz reason;					\
	.balign 8;					\
	.popsection
#else
#define XSC_TRAP(instruction, reason) instruction
#endif
#elif defined(__XSC__)
#define XSC_ALLOW_TRAP(reason) __attribute__((xsc_allow_trap(reason)))
#else
#define XSC_ALLOW_TRAP(reason)
#endif

#endif
