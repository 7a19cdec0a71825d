// SPDX-License-Identifier: GPL-2.0-only
/* Caller context: a bell has rung, execute the request in this very task. */
#include <linux/entry-common.h>
#include <linux/irqflags.h>
#include <linux/nospec.h>
#include <linux/ptrace.h>
#include <linux/sched/signal.h>
#include <linux/seccomp.h>

#include "xsc.h"
#include "trace.h"

/*
 * A complete request is missing this often in a row only when another thread
 * keeps rewriting the slot: a handler that interrupts the gate completes
 * requests of its own in between.
 */
#define XSC_STALE_MAX	1024

static bool xsc_sqe_valid(const struct xsc_sqe *sqe, u32 seq)
{
	return sqe->seq == seq && !sqe->flags && sqe->nr == (u16)sqe->user_data;
}

static void xsc_rewind(struct pt_regs *regs, struct xsc_task *xt)
{
	xt->counts.rewinds++;
	this_cpu_inc(xsc_totals.rewinds);
	xsc_trace_rewind(xt->seq, ++xt->stale);
	xsc_arch_rewind(regs);
	if (xt->stale < XSC_STALE_MAX)
		return;
	xt->stale = 0;
	force_sig_fault(SIGSEGV, SEGV_ACCERR,
			(void __user *)(xt->win->addr + XSC_OFF_SR));
}

static void xsc_complete(struct pt_regs *regs, struct xsc_task *xt,
			 const struct xsc_sqe *sqe)
{
	long res = syscall_get_return_value(current, regs);
	u32 flags = 0;

	/* exec has given the task a new window, which knows of no request. */
	if (!xt->inflight)
		return;
	xt->inflight = false;
	switch (res) {
	case -ERESTARTSYS:
	case -ERESTARTNOINTR:
	case -ERESTARTNOHAND:
	case -ERESTART_RESTARTBLOCK:
		/* Whether it is EINTR or another round is the signal code's to say. */
		flags = XSC_CQE_RESTARTED;
		res = -EINTR;
	}
	xsc_trace_complete(sqe->seq, sqe->user_data, res, flags);
	xsc_publish(xt->win->cr, sqe->seq, flags, res, sqe->user_data);
}

static bool xsc_seccomp_refused(void)
{
	if (IS_ENABLED(CONFIG_XSC_SECCOMP) ||
	    current->seccomp.mode == SECCOMP_MODE_DISABLED)
		return false;
	force_fatal_sig(SIGSYS);
	return true;
}

/**
 * __xsc_bell() - serve the bell
 * @regs:	user registers, as current_pt_regs()
 *
 * Called with interrupts off from the page fault path, before any look at a
 * VMA.  From here on everything is as in a system call: the entry work, the
 * kernel's own table and the exit work of generic entry code run on the user
 * frame, so ptrace, seccomp, audit, tracepoints, clone, execve, rt_sigreturn
 * and restarts need nothing of ours.
 *
 * Return: false when this store to BELL was not the gate's.
 */
bool __xsc_bell(struct pt_regs *regs)
{
	struct xsc_task *xt = &current->xsc;
	struct xsc_sqe sqe;
	long nr;

	if (!xt->win || !user_mode(regs) || !xsc_arch_at_bell(regs))
		return false;

	local_irq_enable();
	xsc_snapshot(&sqe, xt->win->sr);
	if (unlikely(!xsc_sqe_valid(&sqe, xt->seq + 1))) {
		xsc_rewind(regs, xt);
		goto out;
	}
	xt->stale = 0;
	xt->seq = sqe.seq;
	xt->inflight = true;
	xt->counts.calls++;
	this_cpu_inc(xsc_totals.calls);
	xsc_trace_dispatch(sqe.seq, sqe.user_data);

	xsc_arch_enter(regs, &sqe);
	if (unlikely(xsc_seccomp_refused()))
		goto out;
	nr = syscall_enter_from_user_mode_work(regs, (int)sqe.user_data);
	xsc_arch_dispatch(regs, nr);
	xsc_complete(regs, xt, &sqe);
	syscall_exit_to_user_mode_work(regs);
	return true;
out:
	local_irq_disable();
	return true;
}
