/* SPDX-License-Identifier: MIT */
/*
 * The guest of one boot sector with which accel.py tries KVM out: what an ordinary guest needs first and
 * a poor hypervisor has not. It enters long mode with pages, executes an instruction of BMI2 there, as
 * Linux does to unpack itself, and runs long enough to tell who executes from who emulates. Then it
 * writes to isa-debug-exit: QEMU ends with 2 * 0x20 + 1.
 *
 *	as --64 -o probe.o probe.S && ld -Ttext 0x7c00 -e 0 --oformat binary -o probe.bin probe.o
 */
	.code16
	cli
	cld
	xorl	%eax, %eax
	movw	%ax, %ds
	movw	%ax, %es
	movw	$0x1000, %di
	movw	$0xc00, %cx
	rep stosl
	/* One page of 2 MB at address 0, by tables at 0x1000, 0x2000, 0x3000. */
	movw	$0x2003, 0x1000
	movw	$0x3003, 0x2000
	movb	$0x83, 0x3000
	movb	$0x20, %al
	movl	%eax, %cr4
	movw	$0x1000, %ax
	movl	%eax, %cr3
	/* EFER.LME, CR0.PG and PE. */
	movl	$0xc0000080, %ecx
	rdmsr
	orw	$0x100, %ax
	wrmsr
	movl	%cr0, %eax
	orl	$0x80000001, %eax
	movl	%eax, %cr0
	lgdtw	gdtr
	ljmpw	$8, $long
	.code64
long:
	xorl	%eax, %eax
	cpuid
	cmpl	$7, %eax
	jb	1f
	movl	$7, %eax
	xorl	%ecx, %ecx
	cpuid
	/* BMI2 */
	testb	$1, %bh
	jz	1f
	shlxl	%ecx, %edi, %eax
1:	movl	$50000000, %ecx
2:	decl	%ecx
	jnz	2b
	movb	$0x20, %al
	outb	%al, $0xf4
3:	hlt
	jmp	3b
gdt:	.quad	0
	.quad	0x00209a0000000000
gdtr:	.word	15
	.long	gdt
