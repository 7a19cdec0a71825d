// SPDX-License-Identifier: GPL-2.0-only
/* A bell has rung: execute the request, in this very task or by its worker. */
#include <linux/entry-common.h>
#include <linux/irqflags.h>
#include <linux/nospec.h>
#include <linux/printk.h>
#include <linux/ptrace.h>
#include <linux/sched/signal.h>
#include <linux/seccomp.h>

#include "take.h"

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

/* The gate that rings has rung: its request gets the next number. */
static __always_inline enum xsc_answer xsc_bell_next(struct pt_regs *regs,
						      struct xsc_window *win,
						      struct xsc_sqe *sqe)
{
	s64 claim = atomic64_read_acquire(&win->claim);		/* (E) */

	if (unlikely(xsc_claim_state(claim) != XSC_IDLE))
		return xsc_bell_early(win, claim);
	return xsc_take(regs, win, claim, xsc_claim_seq(claim) + 1, 0, sqe) ?
		XSC_ANSWER_RUN : XSC_ANSWER_AGAIN;
}

/*
 * Ptrace, seccomp, audit, tracepoints: mostly there is none of it to do, and
 * that is all that generic entry code would find out, at the price of two calls.
 */
static long xsc_enter_work(struct pt_regs *regs, long nr)
{
	if (likely(!(READ_ONCE(current_thread_info()->syscall_work) & SYSCALL_WORK_ENTER)))
		return nr;
	return syscall_enter_from_user_mode_work(regs, nr);
}

/* Signals, rseq and rescheduling come with the end of the exception. */
static void xsc_exit_work(struct pt_regs *regs)
{
	if (IS_ENABLED(CONFIG_DEBUG_RSEQ) || IS_ENABLED(CONFIG_PROVE_LOCKING) ||
	    unlikely(READ_ONCE(current_thread_info()->syscall_work) & SYSCALL_WORK_EXIT))
		syscall_exit_to_user_mode_work(regs);
	else
		local_irq_disable();
}

/*
 * As a system call: the entry work, the kernel's own table and the exit work
 * of generic entry code run on the user frame, so ptrace, seccomp, audit,
 * tracepoints, clone, execve, rt_sigreturn and restarts need nothing of ours.
 */
static void xsc_run(struct pt_regs *regs, struct xsc_task *xt,
		    const struct xsc_sqe *sqe)
{
	bool suits = xsc_class_suits(sqe->nr);
	struct xsc_worker *worker = NULL;
	long nr, res;

	xt->inflight = true;
	xsc_count(current, calls, 1);
	xsc_trace_dispatch(sqe->seq, sqe->user_data);

	xsc_arch_enter(regs);
	if (unlikely(xsc_seccomp_refused())) {
		local_irq_disable();
		return;
	}
	nr = xsc_enter_work(regs, (int)sqe->user_data);
	if (unlikely(xt->worker) &&
	    xsc_class_identity(nr, xsc_arch_arg0(regs), xsc_arch_arg1(regs)))
		xsc_retire();
	if (unlikely(xsc_workers() >= XSC_WORKERS_FORCE) && nr == (int)sqe->user_data)
		worker = xsc_forced_worker(sqe);
	if (worker && xsc_hand_over(worker, sqe, &res)) {
		syscall_set_return_value(current, regs, 0, res);
	} else {
		if (suits)
			xsc_count(current, caller_idle, 1);
		else
			xsc_count(current, caller_class, 1);
		xsc_arch_dispatch(regs, nr);
	}
	xsc_complete(regs, xt, sqe);
	if (suits && xsc_workers() != XSC_WORKERS_OFF && xt->win)
		xsc_earn_worker();
	xsc_exit_work(regs);
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
	struct xsc_sqe sqe __uninitialized;
	enum xsc_answer answer;

	if (!xt->win || !user_mode(regs))
		return false;
	if (!xsc_arch_at_bell(regs)) {
		place = xsc_arch_place(regs);
		if (!place.bell)
			return false;
	}

	local_irq_enable();
	xsc_count(current, bells, 1);
	if (likely(!place.bell)) {
		answer = xsc_bell_next(regs, xt->win, &sqe);
	} else {
		xsc_count(current, spins, 1);
		answer = xsc_bell_waiting(regs, place, &sqe);
	}
	if (likely(answer == XSC_ANSWER_RUN))
		xsc_run(regs, xt, &sqe);
	else
		local_irq_disable();
	return true;
}

/**
 * __xsc_astray() - serve a call that did not get to the gate
 * @regs:	user registers, as current_pt_regs()
 *
 * Called where an exception of user mode would become a signal.  The request is in
 * the registers, as it is at a bell.  If it cannot be taken yet, the user comes
 * here once more.
 *
 * Return: false when it was no call.
 */
bool __xsc_astray(struct pt_regs *regs)
{
	struct xsc_task *xt = &current->xsc;
	struct xsc_sqe sqe;

	if (!xsc_arch_astray(regs))
		return false;
	pr_info_once("xsc: %s[%d] has GS base for itself; each of its calls is a fault\n",
		     current->comm, task_pid_nr(current));
	if (xsc_bell_next(regs, xt->win, &sqe) != XSC_ANSWER_RUN)
		return true;
	xsc_count(current, astray, 1);
	xsc_run(regs, xt, &sqe);
	return true;
}
