/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The gate: write the request, and ring the bell or wait for a worker.
 *
 * In: number in rax, arguments in rdi rsi rdx r10 r8 r9, return address in
 * rcx.  Until there is a result only rcx and r11 are used; flags included,
 * nothing else changes: the code may be started again at any point, and the
 * kernel starts it again where the comment in drivers/xsc/core.c says.  No
 * stack: it may be anybody's.
 *
 * CTRL.entry is __kernel_xsc (gate A of that comment) or, while a worker looks
 * at this window, __kernel_xsc_poll (gate B).
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
#define CQE_RES		(XSC_OFF_CR + 8)
#define WAIT(n)		(XSC_OFF_WAIT + 4 * (n))
#define WAIT_GATE	(XSC_OFF_WAIT + 8)
#define WAIT_SPINS	(XSC_OFF_WAIT + 16)
#define WAIT_RING	(XSC_OFF_WAIT + 20)

/* Everything of a request but its number; the same in each gate. */
.macro SUBMIT flags
	movw	%ax, %gs:SQE_NR
	movw	$\flags, %gs:SQE_FLAGS
	movq	%rdi, %gs:SQE_ARG(0)
	movq	%rsi, %gs:SQE_ARG(1)
	movq	%rdx, %gs:SQE_ARG(2)
	movq	%r10, %gs:SQE_ARG(3)
	movq	%r8, %gs:SQE_ARG(4)
	movq	%r9, %gs:SQE_ARG(5)
	movq	%rax, %gs:SQE_USER_DATA
.endm

	.text
	.globl	__kernel_xsc, xsc_bell
	.type	__kernel_xsc, @function
	.balign	64
	.cfi_startproc
	/* The caller's frame: nothing pushed, return address in rcx. */
	.cfi_def_cfa	%rsp, 0
	.cfi_register	%rip, %rcx
__kernel_xsc:
	endbr64
	movl	%gs:CQE_SEQ, %r11d
	leal	1(%r11), %r11d
	SUBMIT	0
	/* Publishes: x86 keeps stores in order.  Pairs with (A) in ring.h. */
	movl	%r11d, %gs:SQE_SEQ
xsc_bell:
	/* Faults; the kernel goes on at the return address. */
	movl	%r11d, %gs:XSC_OFF_BELL
	ud2
	.cfi_endproc
	.size	__kernel_xsc, . - __kernel_xsc

/*
 * The gate that waits for requests whose lowest bit is \n.  jrcxz is the only
 * branch that neither reads nor writes flags.  That the copies differ in the
 * bit tells the kernel which number an interrupted gate waits for, whatever
 * the slot says.
 */
.macro POLL n
	.balign	64, 0xcc
	.cfi_startproc
	.cfi_def_cfa	%rsp, 0
	.cfi_register	%rip, %rcx
.Lpoll\n:
	endbr64
	movq	%rcx, %r11
.Lsaved\n:
	.cfi_register	%rip, %r11
	movl	%gs:CQE_SEQ, %ecx
	/*
	 * A gate A that this one interrupts may have left the very number that
	 * comes now.  It must be gone before a worker can see XSC_SQE_POLL.
	 */
	movl	%ecx, %gs:SQE_SEQ
	SUBMIT	XSC_SQE_POLL
	leal	1(%rcx), %ecx
	/* Publishes.  Pairs with (A) in ring.h. */
	movl	%ecx, %gs:SQE_SEQ
.Lpublished\n:
	movl	%gs:WAIT_SPINS, %ecx
	movl	%ecx, %gs:XSC_OFF_SPIN
.Lspin\n:
	.rept	8
	movl	%gs:WAIT(\n), %ecx
	jrcxz	.Ldone\n
	.endr
	/* Not in each round: under emulation PAUSE costs a microsecond. */
	movl	%gs:XSC_OFF_SPIN, %ecx
	leal	-1(%rcx), %ecx
	movl	%ecx, %gs:XSC_OFF_SPIN
	jrcxz	.Lbell\n
	jmp	.Lspin\n
.Ldone\n:
	/* Pairs with (C): the result is that of this request. */
	movl	%gs:WAIT_RING, %ecx
	jrcxz	.Ltake\n
.Lbell\n:
	movl	%ecx, %gs:XSC_OFF_BELL
	ud2
.Ltake\n:
	movq	%gs:CQE_RES, %rax
	jmp	*%r11
	int3
.Lend\n:
	.cfi_endproc
.endm

	.globl	__kernel_xsc_poll, xsc_poll_map
	.type	__kernel_xsc_poll, @function
	.balign	64, 0xcc
__kernel_xsc_poll:
	.cfi_startproc
	.cfi_def_cfa	%rsp, 0
	.cfi_register	%rip, %rcx
	endbr64
	jmp	*%gs:WAIT_GATE
	int3
	.cfi_endproc
	POLL	0
	POLL	1
	.size	__kernel_xsc_poll, . - __kernel_xsc_poll

/* Where the kernel finds what in gate B: struct xsc_poll_map, from here. */
	.section .rodata, "a", @progbits
	.balign	4
xsc_poll_map:
	.long	__kernel_xsc_poll - xsc_poll_map
	.irp	n, 0, 1
	.long	.Lpoll\n - xsc_poll_map, .Lsaved\n - xsc_poll_map
	.long	.Lpublished\n - xsc_poll_map, .Lbell\n - xsc_poll_map
	.long	.Lend\n - xsc_poll_map
	.endr
