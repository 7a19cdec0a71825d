/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The gate: write the request, ring the bell.
 *
 * In: number in rax, arguments in rdi rsi rdx r10 r8 r9, return address in
 * rcx.  Only r11 is used, flags included nothing else changes: the code may be
 * started again at any point, and the kernel starts it again where the comment
 * in drivers/xsc/core.c says.  No stack: it may be anybody's.
 */
#include <linux/linkage.h>
#include <uapi/linux/xsc.h>

/* Offsets of struct xsc_sqe and xsc_cqe; core.c asserts them. */
#define SQE_SEQ		(XSC_OFF_SR + 0)
#define SQE_NR		(XSC_OFF_SR + 4)
#define SQE_FLAGS	(XSC_OFF_SR + 6)
#define SQE_ARG(n)	(XSC_OFF_SR + 8 + 8 * (n))
#define SQE_USER_DATA	(XSC_OFF_SR + 56)
#define CQE_SEQ		(XSC_OFF_CR + 0)

	.text
	.globl	__kernel_xsc, __kernel_xsc_return, xsc_bell, xsc_landing_pad
	.type	__kernel_xsc, @function
	.type	__kernel_xsc_return, @function
	.balign	64
	.cfi_startproc
	/* The caller's frame: nothing pushed, return address in rcx. */
	.cfi_def_cfa	%rsp, 0
	.cfi_register	%rip, %rcx
	/*
	 * A symbol of its own: a debugger tells this frame from that of a signal
	 * handler, which has the same CFA, by the function it is in.
	 */
__kernel_xsc_return:
	/* jmp .Lstart, in two bytes: a restart is ip -= 2 from the landing pad. */
	.byte	0xeb, .Lstart - xsc_landing_pad
xsc_landing_pad:
	jmp	*%rcx
	int3
	.size	__kernel_xsc_return, . - __kernel_xsc_return
	.balign	16, 0xcc
__kernel_xsc:
.Lstart:
	endbr64
	movl	%gs:CQE_SEQ, %r11d
	leal	1(%r11), %r11d
	movw	%ax, %gs:SQE_NR
	movw	$0, %gs:SQE_FLAGS
	movq	%rdi, %gs:SQE_ARG(0)
	movq	%rsi, %gs:SQE_ARG(1)
	movq	%rdx, %gs:SQE_ARG(2)
	movq	%r10, %gs:SQE_ARG(3)
	movq	%r8, %gs:SQE_ARG(4)
	movq	%r9, %gs:SQE_ARG(5)
	movq	%rax, %gs:SQE_USER_DATA
	/* Publishes: x86 keeps stores in order.  Pairs with (A) in ring.c. */
	movl	%r11d, %gs:SQE_SEQ
xsc_bell:
	/* Faults; the kernel goes on at the landing pad or back at the start. */
	movl	%r11d, %gs:XSC_OFF_BELL
	ud2
	.cfi_endproc
	.size	__kernel_xsc, . - __kernel_xsc
