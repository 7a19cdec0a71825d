// SPDX-License-Identifier: GPL-2.0-only
/* A window's start, and the choice of its gate. */
#include <linux/string.h>

#include "ring.h"

static void xsc_find_gates(struct xsc_window *win, const struct mm_struct *mm)
{
	WRITE_ONCE(win->gates[0], xsc_arch_gate_wait(mm, false));
	WRITE_ONCE(win->gates[1], xsc_arch_gate_wait(mm, true));
}

/** xsc_reset_rings() - as before the first request; nobody uses @win */
void xsc_reset_rings(struct xsc_window *win, struct mm_struct *mm)
{
	memset(win->sr, 0, sizeof(*win->sr));
	memset(win->cr, 0, sizeof(*win->cr));
	memset(win->wait, 0, sizeof(*win->wait));
	xsc_find_gates(win, mm);
	WRITE_ONCE(win->wait->spins, 1);
	xsc_arm_next(win, 0);
	atomic64_set(&win->claim, XSC_CLAIM(XSC_IDLE, 0));
}

/** xsc_move_gates() - the gates of @win move to where @mm has them now */
void xsc_move_gates(struct xsc_window *win, struct mm_struct *mm)
{
	bool next = (xsc_claim_seq(atomic64_read(&win->claim)) + 1) & 1;

	WRITE_ONCE(win->ctrl->entry, xsc_arch_gate(mm));
	WRITE_ONCE(win->ctrl->entry_raw, xsc_arch_gate(mm));
	xsc_find_gates(win, mm);
	WRITE_ONCE(win->wait->gate, win->gates[next]);
}

/**
 * xsc_unpoll() - what the slot holds is for no worker
 *
 * User space may be writing there, too: no harm, the gate that fills the slot
 * next stores its own flags.
 */
void xsc_unpoll(struct xsc_window *win)
{
	WRITE_ONCE(win->sr->flags, 0);
}

/**
 * xsc_open_polling() - choose the gate of the requests to come
 * @win:	window
 * @poll:	gate B; else gate A
 */
void xsc_open_polling(struct xsc_window *win, bool poll)
{
	struct mm_struct *mm = current->mm;

	WRITE_ONCE(win->ctrl->entry,
		   poll ? xsc_arch_gate_poll(mm) : xsc_arch_gate(mm));
}
