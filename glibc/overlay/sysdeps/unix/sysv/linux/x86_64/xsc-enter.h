/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* How x86-64 code enters the kernel through the XSC gate.

   The gate has the contract of the syscall instruction: number in rax,
   arguments in rdi, rsi, rdx, r10, r8, r9, result in rax; rcx and r11
   are clobbered, every other register, the stack and the red zone are
   preserved.  It returns to the address in rcx, so it needs no stack.

   %gs:0 and %gs:8 are the first two words of the control page the kernel
   maps for each task, or, without such a kernel, of the table that
   _dl_xsc_init installs (see xsc-init.c).

   XSC_ENTER		everywhere but where XSC_ENTER_RAW is needed.
   XSC_ENTER_RAW	for calls after which the stack pointer is not the one
			of the caller (clone, clone3, rt_sigreturn) or whose
			stack is borrowed (vfork).  Without the kernel's gate
			XSC_ENTER keeps its return address on the stack, which
			those cannot afford; XSC_ENTER_RAW passes it in r9 as
			well, an argument register that none of them uses.

   The jump back in front of the return address has two bytes.  It is never
   run but to make an interrupted call again: the kernel and tracers do that
   by going back two bytes, for SYSCALL has two.

   XSC_SITE in r11 tells the kernel's gate that a jump comes from here, if it
   did not get there because the program has set GS base itself.

   Labels are numeric, so that they may be inlined any number of times, and
   unlikely, so that they do not come between a jump and its own label.  */

#ifndef _XSC_ENTER_H
#define _XSC_ENTER_H 1

#ifdef __ILP32__
/* x32 programs are not tagged; they keep the instruction.  */
# ifdef __ASSEMBLER__
#  define XSC_ENTER		syscall
#  define XSC_ENTER_RAW		syscall
# else
#  define XSC_ENTER_INSN	"syscall\n\t"
#  define XSC_ENTER_RAW_INSN	"syscall\n\t"
# endif
#else
/* As in linux/xsc.h, which not every host of a build has.  */
# define XSC_SITE 0x58534350
# define XSC_SITE_TEXT "0x58534350"
# ifdef __ASSEMBLER__
#  define XSC_ENTER						\
5842:	leaq	5843f(%rip), %rcx;				\
	movl	$XSC_SITE, %r11d;				\
	jmp	*%gs:0;						\
	jmp	5842b;						\
5843:
#  define XSC_ENTER_RAW						\
5842:	leaq	5843f(%rip), %r9;				\
	movq	%r9, %rcx;					\
	movl	$XSC_SITE, %r11d;				\
	jmp	*%gs:8;						\
	jmp	5842b;						\
5843:
# else
/* For asm statements with operands, where a register is spelled %%.  */
#  define XSC_ENTER_INSN					\
	"5842:\n\t"						\
	"leaq	5843f(%%rip), %%rcx\n\t"			\
	"movl	$" XSC_SITE_TEXT ", %%r11d\n\t"			\
	"jmp	*%%gs:0\n\t"					\
	"jmp	5842b\n"					\
	"5843:\n\t"
/* For asm outside of functions, where a register is spelled %.  */
#  define XSC_ENTER_RAW_INSN					\
	"5842:\n\t"						\
	"leaq	5843f(%rip), %r9\n\t"				\
	"movq	%r9, %rcx\n\t"					\
	"movl	$" XSC_SITE_TEXT ", %r11d\n\t"			\
	"jmp	*%gs:8\n\t"					\
	"jmp	5842b\n"					\
	"5843:\n\t"
# endif
#endif

#endif /* xsc-enter.h */
