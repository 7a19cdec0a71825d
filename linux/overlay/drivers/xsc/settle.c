// SPDX-License-Identifier: GPL-2.0-only
/*
 * The submitter's side of a request that a worker may have: waiting for it, and
 * coming to terms about it before a signal.
 *
 * Only number and parity decide.  The user stands in a gate that waits for
 * numbers of one parity, and the last claim is for k: so what it waits for is
 * k, if the parity is that of k, else k + 1.  It can be no other, for a signal
 * or a tracer takes the user out of the gate before anything else can use it.
 */
#include <linux/sched/signal.h>

#include <asm/irq_regs.h>

#include "take.h"

/* Nobody runs @seq, whose claim is ours; the next number is free. */
static void xsc_finish_unrun(struct xsc_window *win, u32 seq)
{
	xsc_publish_late(win, seq);
	xsc_release(win, XSC_CLAIM(XSC_IDLE, seq));
}

static bool xsc_take_back(struct pt_regs *regs, struct xsc_window *win, s64 claim,
			  u32 seq, struct xsc_sqe *sqe)
{
	if (!xsc_take(regs, win, claim, seq, XSC_SQE_POLL, sqe))
		return false;
	xsc_arch_leave_wait(regs);
	return true;
}

/* While current is in user mode it runs nothing in the kernel. */
static enum xsc_answer xsc_impossible(s64 claim)
{
	WARN_ONCE(1, "xsc: bell during request %u", xsc_claim_seq(claim));
	force_sig(SIGSEGV);
	return XSC_ANSWER_AGAIN;
}

/**
 * xsc_bell_waiting() - gate B has rung: it waited in vain, or shall come in
 * @regs:	user registers; changed if a result is delivered
 * @place:	where the user stands, a bell
 * @sqe:	set if the request is to be run
 */
enum xsc_answer xsc_bell_waiting(struct pt_regs *regs, struct xsc_place place,
				 struct xsc_sqe *sqe)
{
	struct xsc_window *win = current->xsc.win;
	bool done;

	for (;;) {
		s64 claim = atomic64_read_acquire(&win->claim);	/* (E) */
		u32 k = xsc_claim_seq(claim);
		bool next = (k & 1) != place.odd;

		switch (xsc_claim_state(claim)) {
		case XSC_IDLE:
			/*
			 * An interrupted call asks the signal code what to do;
			 * without a signal it is simply made again.
			 */
			if (!next && (signal_pending(current) ||
				      !xsc_must_ring(win->res))) {
				xsc_arch_deliver(regs, win->nr, win->res);
				return XSC_ANSWER_DELIVERED;
			}
			if (xsc_take_back(regs, win, claim, k + 1, sqe))
				return XSC_ANSWER_RUN;
			break;		/* the worker was faster */
		case XSC_PUNTED:
			if (!next && xsc_take_back(regs, win, claim, k, sqe))
				return XSC_ANSWER_RUN;
			/* Somebody else had written into the slot. */
			xsc_finish_unrun(win, k);
			break;
		case XSC_WORKER:
			xsc_arch_show_call(regs, true);
			done = xsc_park(win, claim);
			xsc_arch_show_call(regs, false);
			/* For a signal the exit work settles, from this very place. */
			if (!done)
				return XSC_ANSWER_AGAIN;
			break;
		case XSC_CALLER:
			return xsc_impossible(claim);
		}
	}
}

/**
 * xsc_bell_early() - gate A has rung while the worker still has the claim
 *
 * It has published a result and is about to give up the claim; or it has taken
 * a number that no gate published, which takes a hostile thread.
 */
enum xsc_answer xsc_bell_early(struct xsc_window *win, s64 claim)
{
	switch (xsc_claim_state(claim)) {
	case XSC_WORKER:
		xsc_park(win, claim);
		break;
	case XSC_PUNTED:
		xsc_finish_unrun(win, xsc_claim_seq(claim));
		break;
	case XSC_IDLE:
		break;
	case XSC_CALLER:
		return xsc_impossible(claim);
	}
	return XSC_ANSWER_AGAIN;
}

/**
 * __xsc_settle() - take the user out of gate B, for something else comes first
 * @regs:	user registers
 *
 * Called before signals are looked at, and so before a tracer can stop the
 * task.  Afterwards nothing of this task is in flight, and the user stands
 * before a call that has not been made or behind one that has: what follows is
 * as on any Linux.
 */
void __xsc_settle(struct pt_regs *regs)
{
	struct xsc_place place = xsc_arch_place(regs);
	struct xsc_window *win = current->xsc.win;
	struct xsc_worker *worker = current->xsc.worker;

	if (place.stage == XSC_OUTSIDE || !win)
		return;
	xsc_delay(XSC_DELAY_REAP);
	while (place.stage == XSC_PUBLISHED) {
		s64 claim = atomic64_read_acquire(&win->claim);	/* (E) */
		u32 k = xsc_claim_seq(claim);
		bool next = (k & 1) != place.odd;

		switch (xsc_claim_state(claim)) {
		case XSC_IDLE:
			if (!next) {
				xsc_arch_deliver(regs, win->nr, win->res);
				return;
			}
			if (!xsc_claim(win, claim, XSC_CLAIM(XSC_CALLER, k + 1)))
				continue;
			xsc_count(current, taken_back, 1);
			xsc_finish_unrun(win, k + 1);
			break;
		case XSC_PUNTED:
			xsc_finish_unrun(win, k);
			break;
		case XSC_WORKER:
			xsc_cancel(worker, claim);
			continue;
		case XSC_CALLER:
			break;
		}
		break;
	}
	/*
	 * The number has not advanced.  A gate A further down may have read it and
	 * stored its flags already: what it publishes must not look like gate B's.
	 */
	if (place.stage == XSC_BUILDING)
		xsc_unpoll(win);
	xsc_arch_rewind(regs);
}

/**
 * __xsc_tick_in_wait() - the slow half of xsc_tick_in_wait(), from a timer interrupt
 *
 * Where a trap would have been in the kernel, this gate waits in user mode: for
 * the statistics, it is in the kernel.
 */
bool __xsc_tick_in_wait(void)
{
	return xsc_arch_place(get_irq_regs()).stage == XSC_PUBLISHED;
}
