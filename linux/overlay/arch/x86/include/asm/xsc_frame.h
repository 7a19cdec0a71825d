/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What each call does to a frame of user registers; inline, for a call and a
 * return cost more than most of it where returns are made safe.
 */
#ifndef _ASM_X86_XSC_FRAME_H
#define _ASM_X86_XSC_FRAME_H

#include <linux/nospec.h>
#include <linux/ptrace.h>
#include <linux/sched/task_stack.h>
#include <uapi/linux/xsc.h>

#include <asm/syscall.h>
#include <asm/xsc.h>

/** xsc_arch_at_bell() - does the user stand at gate A's store to BELL? */
static __always_inline bool xsc_arch_at_bell(const struct pt_regs *regs)
{
	return user_64bit_mode((struct pt_regs *)regs) &&
	       regs->ip == (unsigned long)current->mm->context.vdso +
			   vdso_image_xsc.sym_xsc_bell;
}

/**
 * xsc_arch_request() - the request that a user at a bell has in the registers
 * @regs:	user registers
 * @seq:	its number
 * @flags:	what the gate stores in the slot
 * @sqe:	set
 */
static __always_inline void xsc_arch_request(const struct pt_regs *regs, u32 seq,
					     u16 flags, struct xsc_sqe *sqe)
{
	sqe->seq = seq;
	sqe->nr = regs->ax;
	sqe->flags = flags;
	sqe->args[0] = regs->di;
	sqe->args[1] = regs->si;
	sqe->args[2] = regs->dx;
	sqe->args[3] = regs->r10;
	sqe->args[4] = regs->r8;
	sqe->args[5] = regs->r9;
	sqe->user_data = regs->ax;
}

/**
 * xsc_arch_leave() - the user is where a SYSCALL before the return address had
 * left it: rcx and r11 included
 * @regs:	user registers, with the return address in rcx
 *
 * An interrupted call is made again by the usual ip -= 2, for there is a jump
 * back to the call in front of each return address.
 */
static __always_inline void xsc_arch_leave(struct pt_regs *regs)
{
	/* A fault sets RF in the saved flags, a system call does not. */
	regs->flags &= ~X86_EFLAGS_RF;
	regs->ip = regs->cx;
	regs->r11 = regs->flags;
}

/**
 * xsc_arch_enter() - make the user frame that of a system call
 * @regs:	the frame, which holds number and arguments already
 */
static __always_inline void xsc_arch_enter(struct pt_regs *regs)
{
	regs->orig_ax = regs->ax;
	regs->ax = -ENOSYS;
	xsc_arch_leave(regs);
}

/** xsc_arch_arg0() - first argument of the call in the frame of a system call */
static inline unsigned long xsc_arch_arg0(const struct pt_regs *regs)
{
	return regs->di;
}

/** xsc_arch_arg1() - second argument of the call in the frame of a system call */
static inline unsigned long xsc_arch_arg1(const struct pt_regs *regs)
{
	return regs->si;
}

/**
 * xsc_arch_call() - run a call in a worker
 * @sqe:	private copy of a request whose number is in the call table
 *
 * Return: what the call returns.
 */
static __always_inline long xsc_arch_call(const struct xsc_sqe *sqe)
{
	/* Its own frame of user registers has no other use. */
	struct pt_regs *regs = current_pt_regs();

	regs->di = sqe->args[0];
	regs->si = sqe->args[1];
	regs->dx = sqe->args[2];
	regs->r10 = sqe->args[3];
	regs->r8 = sqe->args[4];
	regs->r9 = sqe->args[5];
	regs->orig_ax = sqe->user_data;
	regs->ax = -ENOSYS;
	return x64_sys_call(regs, array_index_nospec(sqe->nr, NR_syscalls));
}

#endif /* _ASM_X86_XSC_FRAME_H */
