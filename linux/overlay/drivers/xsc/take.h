/* SPDX-License-Identifier: GPL-2.0-only */
/* The submitter takes a request, from the slot or from its registers. */
#ifndef _DRIVERS_XSC_TAKE_H
#define _DRIVERS_XSC_TAKE_H

#include <asm/xsc_frame.h>

#include "ring.h"
#include "trace.h"

/**
 * xsc_take() - the submitter takes the request of the gate it stands in
 * @regs:	user registers, at a bell
 * @win:	its window
 * @claim:	the claim, with nobody running anything
 * @seq:	number of the request
 * @flags:	what this gate stores in the slot
 * @sqe:	set to a private copy of the request
 *
 * The slot may hold something else by now: a handler or a debugger has used the
 * gate in between, or another thread writes there.  The registers still hold
 * what this gate wants, and they are its own.
 *
 * Return: false if somebody else was faster.
 */
static __always_inline bool xsc_take(struct pt_regs *regs, struct xsc_window *win,
				     s64 claim, u32 seq, u16 flags,
				     struct xsc_sqe *sqe)
{
	struct xsc_sqe asked __uninitialized;

	xsc_snapshot(sqe, win->sr);
	if (unlikely(!xsc_claim(win, claim, XSC_CLAIM(XSC_CALLER, seq))))
		return false;
	xsc_arch_request(regs, seq, flags, &asked);
	if (unlikely(!xsc_sqe_same(sqe, &asked))) {
		*sqe = asked;
		xsc_count(current, rebuilt, 1);
		xsc_trace_rebuild(seq);
	}
	return true;
}

#endif /* _DRIVERS_XSC_TAKE_H */
