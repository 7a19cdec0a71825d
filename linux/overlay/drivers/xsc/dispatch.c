// SPDX-License-Identifier: GPL-2.0-only
/* A bell has rung: execute the request, in this very task or by its worker. */
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

static void xsc_rewind(struct pt_regs *regs, struct xsc_place place)
{
	struct xsc_task *xt = &current->xsc;

	xt->stale++;
	xsc_count(current, rewinds, 1);
	xsc_trace_rewind(xsc_claim_seq(atomic64_read(&xt->win->claim)), xt->stale);
	xsc_arch_rewind(regs, place);
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
	xsc_publish(xt->win, sqe->seq, flags, res, sqe->user_data);
	xsc_release(xt->win, XSC_CLAIM(XSC_IDLE, sqe->seq));
}

static bool xsc_seccomp_refused(void)
{
	if (IS_ENABLED(CONFIG_XSC_SECCOMP) ||
	    current->seccomp.mode == SECCOMP_MODE_DISABLED)
		return false;
	force_fatal_sig(SIGSYS);
	return true;
}

/*
 * The gate that rings has rung: its request is the next number, or nothing.
 *
 * The number alone does not say that the slot holds what this gate stored.  A
 * handler may have built a request of the same number over it, and have been
 * left by siglongjmp() to a handler below before it rang.  The registers still
 * hold what this gate wants.
 */
static enum xsc_answer xsc_bell_next(struct pt_regs *regs, struct xsc_window *win,
				     struct xsc_sqe *sqe)
{
	s64 claim = atomic64_read_acquire(&win->claim);		/* (E) */
	u32 seq = xsc_claim_seq(claim) + 1;

	if (unlikely(xsc_claim_state(claim) != XSC_IDLE))
		return xsc_bell_early(win, claim);
	xsc_snapshot(sqe, win->sr);
	if (unlikely(!xsc_sqe_valid(sqe, seq, 0) || !xsc_arch_asks(regs, sqe)))
		return XSC_ANSWER_REWIND;
	return xsc_claim(win, claim, XSC_CLAIM(XSC_CALLER, seq)) ?
		XSC_ANSWER_RUN : XSC_ANSWER_REWIND;
}

/*
 * As a system call: the entry work, the kernel's own table and the exit work
 * of generic entry code run on the user frame, so ptrace, seccomp, audit,
 * tracepoints, clone, execve, rt_sigreturn and restarts need nothing of ours.
 */
static void xsc_run(struct pt_regs *regs, struct xsc_task *xt,
		    const struct xsc_sqe *sqe)
{
	struct xsc_worker *worker;
	long nr, res;

	xt->stale = 0;
	xt->inflight = true;
	xsc_count(current, calls, 1);
	xsc_trace_dispatch(sqe->seq, sqe->user_data);

	xsc_arch_enter(regs, sqe);
	if (unlikely(xsc_seccomp_refused())) {
		local_irq_disable();
		return;
	}
	nr = syscall_enter_from_user_mode_work(regs, (int)sqe->user_data);
	if (unlikely(xt->worker) && xsc_class_identity(nr, sqe->args[0]))
		xsc_retire();
	worker = nr == (int)sqe->user_data ? xsc_worker_wanted(sqe) : NULL;
	if (worker && xsc_hand_over(worker, sqe, &res))
		syscall_set_return_value(current, regs, 0, res);
	else
		xsc_arch_dispatch(regs, nr);
	xsc_complete(regs, xt, sqe);
	xsc_consider_worker(sqe);
	syscall_exit_to_user_mode_work(regs);
}

/**
 * __xsc_bell() - serve the bell
 * @regs:	user registers, as current_pt_regs()
 *
 * Called with interrupts off from the page fault path, before any look at a
 * VMA.
 *
 * Return: false when this store to BELL was not a gate's.
 */
bool __xsc_bell(struct pt_regs *regs)
{
	struct xsc_task *xt = &current->xsc;
	struct xsc_place place = { .stage = XSC_OUTSIDE };
	struct xsc_sqe sqe;
	enum xsc_answer answer;

	if (!xt->win || !user_mode(regs))
		return false;
	if (!xsc_arch_at_bell(regs)) {
		place = xsc_arch_place(regs);
		if (!place.bell)
			return false;
	}

	local_irq_enable();
	if (likely(!place.bell))
		answer = xsc_bell_next(regs, xt->win, &sqe);
	else
		answer = xsc_bell_waiting(regs, place, &sqe);
	switch (answer) {
	case XSC_ANSWER_RUN:
		xsc_run(regs, xt, &sqe);
		return true;
	case XSC_ANSWER_REWIND:
		xsc_rewind(regs, place);
		break;
	case XSC_ANSWER_DELIVERED:
		break;
	}
	local_irq_disable();
	return true;
}
