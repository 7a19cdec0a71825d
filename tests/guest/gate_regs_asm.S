/* SPDX-License-Identifier: MIT */
/*
 * probe_trap, probe_gate: load every register from probe_in, fill the red zone, execute one call,
 * and store every register to probe_out. Only static storage is used around the call, so that no
 * register and no byte of stack is needed for the bookkeeping.
 *
 * Layout of both areas, in 8-byte words: 0 rax, 1 rbx, 2 rcx, 3 rdx, 4 rsi, 5 rdi, 6 rbp, 7 r8,
 * 8 r9, 9 r10, 10 r11, 11 r12, 12 r13, 13 r14, 14 r15, 15 rflags, 16 rsp, 17 unused,
 * 18..33 red zone (from -128(%rsp) up), 34..97 ymm0-15 (four words each; xmm only without AVX),
 * 98 mxcsr, 99 x87 control word.
 */
	.macro	probe name, transport
	.globl	\name
	.type	\name, @function
	.p2align 6
\name:
	push	%rbx
	push	%rbp
	push	%r12
	push	%r13
	push	%r14
	push	%r15
	mov	%rsp, saved_rsp(%rip)

	/* Vectors first: they need no general register. */
	cmpl	$0, probe_avx(%rip)
	je	1f
	.irp	n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
	vmovdqu	probe_in+272+32*\n(%rip), %ymm\n
	.endr
	jmp	2f
1:
	.irp	n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
	movdqu	probe_in+272+32*\n(%rip), %xmm\n
	.endr
2:
	/* Red zone. */
	lea	probe_in+144(%rip), %rsi
	lea	-128(%rsp), %rdi
	mov	$16, %ecx
	cld
	rep movsq

	lea	-256(%rsp), %rsp
	push	probe_in+120(%rip)
	popfq
	lea	256(%rsp), %rsp

	mov	probe_in+0(%rip), %rax
	mov	probe_in+8(%rip), %rbx
	mov	probe_in+16(%rip), %rcx
	mov	probe_in+24(%rip), %rdx
	mov	probe_in+32(%rip), %rsi
	mov	probe_in+40(%rip), %rdi
	mov	probe_in+48(%rip), %rbp
	mov	probe_in+56(%rip), %r8
	mov	probe_in+64(%rip), %r9
	mov	probe_in+72(%rip), %r10
	mov	probe_in+80(%rip), %r11
	mov	probe_in+88(%rip), %r12
	mov	probe_in+96(%rip), %r13
	mov	probe_in+104(%rip), %r14
	mov	probe_in+112(%rip), %r15

	.if	\transport
4:	lea	3f(%rip), %rcx
	jmp	*%gs:0
	jmp	4b
3:
	.else
	syscall
	.endif

	mov	%rax, probe_out+0(%rip)
	mov	%rbx, probe_out+8(%rip)
	mov	%rcx, probe_out+16(%rip)
	mov	%rdx, probe_out+24(%rip)
	mov	%rsi, probe_out+32(%rip)
	mov	%rdi, probe_out+40(%rip)
	mov	%rbp, probe_out+48(%rip)
	mov	%r8, probe_out+56(%rip)
	mov	%r9, probe_out+64(%rip)
	mov	%r10, probe_out+72(%rip)
	mov	%r11, probe_out+80(%rip)
	mov	%r12, probe_out+88(%rip)
	mov	%r13, probe_out+96(%rip)
	mov	%r14, probe_out+104(%rip)
	mov	%r15, probe_out+112(%rip)
	mov	%rsp, probe_out+128(%rip)
	/* The probes never ask for a moved stack: from here on use the known one. */
	mov	saved_rsp(%rip), %rsp
	lea	-256(%rsp), %rsp
	pushfq
	pop	probe_out+120(%rip)
	lea	256(%rsp), %rsp
	cld
	lea	-128(%rsp), %rsi
	lea	probe_out+144(%rip), %rdi
	mov	$16, %ecx
	rep movsq
	cmpl	$0, probe_avx(%rip)
	je	4f
	.irp	n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
	vmovdqu	%ymm\n, probe_out+272+32*\n(%rip)
	.endr
	vzeroupper
	jmp	5f
4:
	.irp	n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
	movdqu	%xmm\n, probe_out+272+32*\n(%rip)
	.endr
5:
	stmxcsr	probe_out+784(%rip)
	fnstcw	probe_out+792(%rip)
	/* AC and DF may still be set: give the caller the flags the ABI promises. */
	push	$0x202
	popfq
	pop	%r15
	pop	%r14
	pop	%r13
	pop	%r12
	pop	%rbp
	pop	%rbx
	ret
	.size	\name, .-\name
	.endm

	.text
	probe	probe_trap, 0
	probe	probe_gate, 1

	.bss
	.p2align 6
	.globl	probe_in, probe_out, probe_avx
probe_in:
	.skip	832
probe_out:
	.skip	832
probe_avx:
	.skip	8
saved_rsp:
	.skip	8
	.section .note.GNU-stack, "", @progbits
