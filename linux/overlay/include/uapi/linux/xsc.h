/* SPDX-License-Identifier: (GPL-2.0 WITH Linux-syscall-note) OR MIT */
/*
 * Exception-less system calls: the user ABI.
 *
 * A task of a tagged program owns a window of four pages at its GS base.  It
 * enters the kernel with
 *
 * 0:	lea  1f(%rip), %rcx
 *	mov  $XSC_SITE, %r11d
 *	jmp  *%gs:0
 *	jmp  0b
 * 1:
 *
 * and the register contract of the SYSCALL instruction: number in rax,
 * arguments in rdi rsi rdx r10 r8 r9, result in rax, rcx and r11 clobbered.
 * What lies behind the jump is the kernel's own code and may change.  The jump
 * back has two bytes: the kernel restarts an interrupted call at ip - 2.  The
 * word in r11 is for programs that change GS base, see below.
 */
#ifndef _UAPI_LINUX_XSC_H
#define _UAPI_LINUX_XSC_H

#ifndef __ASSEMBLY__
#include <linux/types.h>
#endif

#define XSC_ABI_VERSION		1

/* Offsets into the window; one page each. */
#define XSC_OFF_CTRL		0x0000	/* struct xsc_ctrl, read only */
#define XSC_OFF_SR		0x1000	/* struct xsc_sqe, the submission slot */
#define XSC_OFF_CR		0x2000	/* struct xsc_cqe, read only */
#define XSC_OFF_BELL		0x3000	/* no access: a store asks for service */
#define XSC_WINDOW_SIZE		0x4000

#define XSC_CTRL_MAGIC		0x43535858u

/*
 * Auxiliary vector entries of a task that has a window.  They lie far outside
 * the range that any architecture has assigned.
 */
#define AT_XSC_BASE		0x58534301	/* address of the first window */
#define AT_XSC_ABI		0x58534302	/* XSC_ABI_VERSION */
#define AT_XSC_FEATURES		0x58534303	/* XSC_FEAT_* */

#define XSC_FEAT_CALLER		0x1	/* requests run in the caller */
#define XSC_FEAT_WORKER		0x2	/* requests may run in a worker */

/*
 * In r11 at the jump of a site, and never when a call has returned: the kernel
 * serves a jump that went astray, for GS base is the program's own by now.  It
 * can be no value of the flags, which is what a call leaves in r11 mostly.
 */
#define XSC_SITE		0x58534350

/* ELF note that tags a program: owner, type, descriptor (one __u32). */
#define XSC_NOTE_OWNER		"XSC"
#define NT_XSC_ABI		1

/* xsc_sqe.flags: the gate waits for the result without a bell */
#define XSC_SQE_POLL		0x1

/* xsc_cqe.flags */
#define XSC_CQE_RESTARTED	0x1	/* interrupted; the gate runs it again */
#define XSC_CQE_WORKER		0x2	/* a worker has run the request */

/* Offsets behind the two slots, for the gate. */
#define XSC_OFF_SPIN		(XSC_OFF_SR + 128)	/* __u32, the gate's own */
#define XSC_OFF_WAIT		(XSC_OFF_CR + 32)	/* struct xsc_wait */

#ifndef __ASSEMBLY__

/**
 * struct xsc_ctrl - start of the control page
 * @entry:	the gate; read by ``jmp *%gs:0``
 * @entry_raw:	the gate for calls after which the stack is another one; the
 *		same address here, another one in a libc's own fallback table
 * @magic:	XSC_CTRL_MAGIC
 * @abi:	XSC_ABI_VERSION
 * @features:	XSC_FEAT_*
 */
struct xsc_ctrl {
	__u64 entry;
	__u64 entry_raw;
	__u32 magic;
	__u32 abi;
	__u64 features;
};

/**
 * struct xsc_sqe - one request
 * @seq:	number of the request; written last, it publishes the others
 * @nr:		low 16 bits of the system call number
 * @flags:	XSC_SQE_POLL or zero
 * @args:	the six arguments
 * @user_data:	the gate stores all 64 bits of rax here, so that a number
 *		beyond 16 bits is refused as that number and not as another
 */
struct xsc_sqe {
	__u32 seq;
	__u16 nr;
	__u16 flags;
	__u64 args[6];
	__u64 user_data;
};

/**
 * struct xsc_cqe - one result
 * @seq:	the request it belongs to; written last
 * @flags:	XSC_CQE_*
 * @res:	result, or a negative errno
 * @user_data:	from the request
 * @ts:		reserved, zero
 */
struct xsc_cqe {
	__u32 seq;
	__u32 flags;
	__s64 res;
	__u64 user_data;
	__u64 ts;
};

/**
 * struct xsc_wait - how the gate waits for a worker; behind the result, in the
 * same cache line
 * @wait:	by the lowest bit of the request's number: not zero while a gate
 *		has to go on waiting
 * @gate:	the code that waits for the next number
 * @spins:	rounds to wait before the bell
 * @ring:	not zero: the result is to be had by the bell only
 */
struct xsc_wait {
	__u32 wait[2];
	__u64 gate;
	__u32 spins;
	__u32 ring;
};

#endif /* __ASSEMBLY__ */
#endif /* _UAPI_LINUX_XSC_H */
