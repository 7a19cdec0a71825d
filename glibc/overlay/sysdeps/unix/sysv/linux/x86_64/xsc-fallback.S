/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* System calls on a kernel without the XSC gate.

   These are the only syscall instructions of the C library.  They fill whole
   pages of their own, which _dl_xsc_init takes out of the address space where
   the kernel has a gate.  Keep the name of the section: trapfree.data and the
   scanner that proves the absence of the instruction elsewhere rely on it.  */

#include <sysdep.h>
#include <asm/prctl.h>

#ifndef __ILP32__

	.section .xsc_fallback, "ax", @progbits
	.p2align 12
	.globl	__xsc_fallback_start
	.hidden	__xsc_fallback_start
__xsc_fallback_start:

/* Reached by XSC_ENTER: return address in rcx, which the instruction
   destroys.  It goes to the stack, below the red zone of the caller, which
   may be a leaf function.  A signal may arrive at any point here and its
   handler may unwind, so the unwind information describes each step.  */
ENTRY (__xsc_fallback_entry)
	.hidden	__xsc_fallback_entry
	cfi_def_cfa (%rsp, 0)
	cfi_register (%rip, %rcx)
	leaq	-128(%rsp), %rsp
	cfi_adjust_cfa_offset (128)
	pushq	%rcx
	cfi_adjust_cfa_offset (8)
	cfi_offset (%rip, -136)
	syscall
	popq	%rcx
	cfi_adjust_cfa_offset (-8)
	cfi_register (%rip, %rcx)
	leaq	128(%rsp), %rsp
	cfi_adjust_cfa_offset (-128)
	jmp	*%rcx
END (__xsc_fallback_entry)

/* Reached by XSC_ENTER_RAW: return address in r9, nothing on the stack.  */
ENTRY (__xsc_fallback_entry_raw)
	.hidden	__xsc_fallback_entry_raw
	cfi_def_cfa (%rsp, 0)
	cfi_register (%rip, %r9)
	syscall
	jmp	*%r9
END (__xsc_fallback_entry_raw)

/* void __xsc_fallback_set_gs (const struct xsc_table *table)  */
ENTRY (__xsc_fallback_set_gs)
	.hidden	__xsc_fallback_set_gs
	movq	%rdi, %rsi
	movl	$ARCH_SET_GS, %edi
	movl	$SYS_ify (arch_prctl), %eax
	syscall
	testq	%rax, %rax
	jne	1f
	ret
	/* No system call can be made, not even to say so.  */
1:	hlt
END (__xsc_fallback_set_gs)

	/* Nothing else may be placed into these pages.  */
	.p2align 12, 0xcc
	.globl	__xsc_fallback_end
	.hidden	__xsc_fallback_end
__xsc_fallback_end:

#endif /* !__ILP32__ */
