// SPDX-License-Identifier: GPL-2.0-only
/* What XSC needs to know of x86: the gate's place, user registers, GS base. */
#include <linux/audit.h>
#include <linux/mm.h>
#include <linux/nospec.h>
#include <linux/randomize_kstack.h>
#include <linux/sched/signal.h>
#include <linux/syscalls.h>

#include <asm/alternative.h>
#include <asm/fsgsbase.h>
#include <asm/nospec-branch.h>
#include <asm/segment.h>
#include <asm/syscall.h>
#include <asm/xsc.h>
#include <asm/xsc_auxv.h>

#include "../../../drivers/xsc/xsc.h"

static unsigned long vdso_addr(const struct mm_struct *mm, long sym)
{
	return (unsigned long)mm->context.vdso + sym;
}

/** xsc_auxv_base() - AT_XSC_BASE of current, 0 without a gate */
u64 xsc_auxv_base(void)
{
	return xsc_task_gated(current) ? current->xsc.win->addr : 0;
}

/** xsc_arch_gate() - user address of the gate */
unsigned long xsc_arch_gate(const struct mm_struct *mm)
{
	return vdso_addr(mm, vdso_image_xsc.sym___kernel_xsc);
}

/**
 * xsc_vdso_moved() - mremap() moves the vDSO of current to @to
 *
 * Called before mm->context says so.  The mremap() itself may have come
 * through the gate, whose landing pad moves with it.
 */
void xsc_vdso_moved(unsigned long to)
{
	struct pt_regs *regs = current_pt_regs();
	struct mm_struct *mm = current->mm;

	if (mm->context.vdso_image != &vdso_image_xsc)
		return;
	if (regs->ip == vdso_addr(mm, vdso_image_xsc.sym_xsc_landing_pad))
		regs->ip = to + vdso_image_xsc.sym_xsc_landing_pad;
	xsc_window_set_gates(mm, to + vdso_image_xsc.sym___kernel_xsc);
}

/** xsc_arch_at_bell() - does the user stand at the gate's store to BELL? */
bool xsc_arch_at_bell(const struct pt_regs *regs)
{
	return user_64bit_mode((struct pt_regs *)regs) &&
	       regs->ip == vdso_addr(current->mm, vdso_image_xsc.sym_xsc_bell);
}

/** xsc_arch_rewind() - build the request again */
void xsc_arch_rewind(struct pt_regs *regs)
{
	regs->ip = xsc_arch_gate(current->mm);
}

/**
 * xsc_arch_enter() - make the user frame that of a system call
 * @regs:	the frame; the argument registers get what the copy says, which
 *		differs from what they hold only if somebody rewrote the slot
 * @sqe:	private copy of the request
 */
void xsc_arch_enter(struct pt_regs *regs, const struct xsc_sqe *sqe)
{
	regs->di = sqe->args[0];
	regs->si = sqe->args[1];
	regs->dx = sqe->args[2];
	regs->r10 = sqe->args[3];
	regs->r8 = sqe->args[4];
	regs->r9 = sqe->args[5];
	regs->orig_ax = sqe->user_data;
	regs->ax = -ENOSYS;
	regs->ip = vdso_addr(current->mm, vdso_image_xsc.sym_xsc_landing_pad);
	/* A fault sets RF in the saved flags, a system call does not. */
	regs->flags &= ~X86_EFLAGS_RF;
}

/*
 * An exception does not clear the branch history as the SYSCALL entry does,
 * and the call table must not be reached with one that user space has shaped.
 */
static __always_inline void clear_branch_history(void)
{
	asm volatile(ALTERNATIVE("", "call clear_bhb_loop", X86_FEATURE_CLEAR_BHB_LOOP)
		     : ASM_CALL_CONSTRAINT : : "rax", "rcx", "cc", "memory");
}

/**
 * xsc_arch_dispatch() - run the call through the kernel's own table
 * @regs:	frame as of xsc_arch_enter() or as a tracer left it
 * @nr:		from the entry work; -1 when a tracer or filter skipped the call
 */
void xsc_arch_dispatch(struct pt_regs *regs, long nr)
{
	unsigned int unr = (int)nr;

	clear_branch_history();
	add_random_kstack_offset();
	if (likely(unr < NR_syscalls)) {
		unr = array_index_nospec(unr, NR_syscalls);
		regs->ax = x64_sys_call(regs, unr);
	} else if ((int)nr != -1) {
		regs->ax = __x64_sys_ni_syscall(regs);
	}
}

/** xsc_arch_set_base() - set the GS base of current, or of a task not yet running */
void xsc_arch_set_base(struct task_struct *p, unsigned long base)
{
	if (p != current) {
		p->thread.gsindex = 0;
		p->thread.gsbase = base;
		return;
	}
	preempt_disable();
	load_gs_index(0);
	current->thread.gsindex = 0;
	x86_gsbase_write_cpu_inactive(base);
	/* save_base_legacy() keeps what it finds here when FSGSBASE is absent. */
	current->thread.gsbase = base;
	preempt_enable();
}

/** xsc_arch_refuse_trap() - undo the entry of a trap and raise SIGSYS for it */
void xsc_arch_refuse_trap(struct pt_regs *regs)
{
	struct kernel_siginfo info;

	clear_siginfo(&info);
	info.si_signo = SIGSYS;
	info.si_code = SYS_XSC;
	info.si_call_addr = (void __user *)instruction_pointer(regs);
	info.si_arch = syscall_get_arch(current);
	info.si_syscall = syscall_get_nr(current, regs);
	syscall_rollback(current, regs);
	force_sig_info(&info);
}
