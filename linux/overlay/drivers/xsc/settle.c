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

#include "xsc.h"
#include "trace.h"

static bool xsc_is_restart(long res)
{
	return res == -ERESTARTSYS || res == -ERESTARTNOINTR ||
	       res == -ERESTARTNOHAND;
}

/*
 * The worker has finished what this gate waits for.  An interrupted call asks
 * the signal code what to do; without a signal it is simply made again.
 */
static enum xsc_answer xsc_deliver(struct pt_regs *regs, struct xsc_place place)
{
	struct xsc_window *win = current->xsc.win;

	if (xsc_is_restart(win->res) && !signal_pending(current)) {
		regs->ax = win->nr;
		return XSC_ANSWER_REWIND;
	}
	xsc_arch_deliver(regs, win->nr, win->res);
	return XSC_ANSWER_DELIVERED;
}

/* Nobody runs @seq, whose claim is ours; the next number is free. */
static void xsc_finish_unrun(struct xsc_window *win, u32 seq)
{
	xsc_publish_late(win, seq);
	xsc_release(win, XSC_CLAIM(XSC_IDLE, seq));
}

/* Take the request of this gate, number @seq, out of @claim. */
static bool xsc_take(struct pt_regs *regs, struct xsc_window *win, s64 claim,
		     u32 seq, struct xsc_sqe *sqe)
{
	xsc_snapshot(sqe, win->sr);
	if (!xsc_sqe_valid(sqe, seq, XSC_SQE_POLL) ||
	    !xsc_claim(win, claim, XSC_CLAIM(XSC_CALLER, seq)))
		return false;
	xsc_arch_leave_wait(regs);
	return true;
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

	for (;;) {
		s64 claim = atomic64_read_acquire(&win->claim);	/* (E) */
		u32 k = xsc_claim_seq(claim);
		bool next = (k & 1) != place.odd;

		switch (xsc_claim_state(claim)) {
		case XSC_IDLE:
			if (!next)
				return xsc_deliver(regs, place);
			if (xsc_take(regs, win, claim, k + 1, sqe))
				return XSC_ANSWER_RUN;
			if (atomic64_read(&win->claim) == claim)
				return XSC_ANSWER_REWIND;
			break;		/* the worker was faster */
		case XSC_PUNTED:
			if (!next && xsc_take(regs, win, claim, k, sqe))
				return XSC_ANSWER_RUN;
			/* Somebody else wrote into the slot. */
			xsc_finish_unrun(win, k);
			return XSC_ANSWER_REWIND;
		case XSC_WORKER:
			/* For a signal the exit work settles, from this very place. */
			if (!xsc_park(win, claim))
				return XSC_ANSWER_DELIVERED;
			break;
		case XSC_CALLER:
			return XSC_ANSWER_REWIND;
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
		/* The store to BELL is made again, or a signal comes first. */
		xsc_park(win, claim);
		return XSC_ANSWER_DELIVERED;
	case XSC_PUNTED:
		xsc_finish_unrun(win, xsc_claim_seq(claim));
		break;
	case XSC_IDLE:
	case XSC_CALLER:
		break;
	}
	return XSC_ANSWER_REWIND;
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
	xsc_arch_rewind(regs, place);
}
