/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What is shared with user space, and the claim: nothing else touches them.
 *
 * Inline, for a worker goes through here for every request.
 */
#ifndef _DRIVERS_XSC_RING_H
#define _DRIVERS_XSC_RING_H

#include <linux/errno.h>

#include <asm/barrier.h>

#include "xsc.h"

/**
 * xsc_snapshot() - copy a request once
 * @to:		private copy
 * @shared:	slot that any thread of the process may be rewriting
 *
 * The acquire (A) pairs with the gate, which stores seq last: a copy whose seq
 * is the expected one holds what was stored before it.  A hostile writer can
 * still tear the rest; nobody looks at @shared again, so what is checked is
 * what runs.
 */
static inline void xsc_snapshot(struct xsc_sqe *to, const struct xsc_sqe *shared)
{
	unsigned int i;

	to->seq = smp_load_acquire(&shared->seq);	/* (A) */
	to->nr = READ_ONCE(shared->nr);
	to->flags = READ_ONCE(shared->flags);
#pragma GCC unroll 6
	for (i = 0; i < ARRAY_SIZE(to->args); i++)
		to->args[i] = READ_ONCE(shared->args[i]);
	to->user_data = READ_ONCE(shared->user_data);
}

/**
 * xsc_fresh() - is there a request @seq that a worker may take?
 *
 * A hint only.  What counts is read again after the claim.
 */
static inline bool xsc_fresh(const struct xsc_sqe *shared, u32 seq)
{
	/*
	 * Number, call and flags in one load: taken one after the other they
	 * could be the number of one gate and the flags of another.
	 */
	u64 head = smp_load_acquire((const u64 *)shared);	/* (A) */

	return (u32)head == seq && head >> 48 == XSC_SQE_POLL;
}

/**
 * xsc_waiting() - is there a request that a worker may take next?  A hint.
 * @win:	window
 * @claim:	set to the claim that the request comes after
 */
static inline bool xsc_waiting(struct xsc_window *win, s64 *claim)
{
	*claim = atomic64_read_acquire(&win->claim);		/* (E) */
	return xsc_claim_state(*claim) == XSC_IDLE &&
	       xsc_fresh(win->sr, xsc_claim_seq(*claim) + 1);
}

/** xsc_sqe_valid() - is the copy request @seq, and one that a worker may take? */
static inline bool xsc_sqe_valid(const struct xsc_sqe *sqe, u32 seq)
{
	return sqe->seq == seq && sqe->flags == XSC_SQE_POLL &&
	       sqe->nr == (u16)sqe->user_data;
}

/** xsc_sqe_same() - are two copies the same request? */
static inline bool xsc_sqe_same(const struct xsc_sqe *one, const struct xsc_sqe *other)
{
	/* Eight words without a hole; memcmp() would be a call on the hot path. */
	const u64 *a = (const u64 *)one, *b = (const u64 *)other;
	u64 diff = 0;
	int i;

#pragma GCC unroll 8
	for (i = 0; i < sizeof(*one) / sizeof(*a); i++)
		diff |= a[i] ^ b[i];
	return !diff;
}

/* The gate of the next number shall wait, and in its own code. */
static inline void xsc_arm_next(struct xsc_window *win, u32 seq)
{
	bool next = (seq + 1) & 1;

	WRITE_ONCE(win->wait->wait[next], 1);
	WRITE_ONCE(win->wait->gate, READ_ONCE(win->gates[next]));
}

static inline void xsc_publish_as(struct xsc_window *win, u32 seq, u32 flags,
				  s64 res, u64 user_data, bool ring)
{
	struct xsc_cqe *cr = win->cr;

	WRITE_ONCE(cr->flags, flags);
	WRITE_ONCE(cr->res, res);
	WRITE_ONCE(cr->user_data, user_data);
	xsc_arm_next(win, seq);
	smp_store_release(&cr->seq, seq);			/* (B) */
	/*
	 * After the number: a gate that was called in and finds no need to ring
	 * any more goes on at once, and must not get this number again.
	 */
	smp_store_release(&win->wait->ring, ring);		/* (C) */
	smp_store_release(&win->wait->wait[seq & 1], 0);	/* (C) */
}

/**
 * xsc_publish() - write a result
 * @win:	window whose CR user space can only read
 * @seq:	request that it belongs to
 * @flags:	XSC_CQE_*
 * @res:	result or negative errno
 * @user_data:	from the request
 *
 * The release (B) pairs with a reader that loads CR.seq first and the result
 * after it, (C) with a gate that waits for @seq.
 */
static inline void xsc_publish(struct xsc_window *win, u32 seq, u32 flags,
			       s64 res, u64 user_data)
{
	xsc_publish_as(win, seq, flags, res, user_data, false);
}

/**
 * xsc_publish_late() - request @seq is finished, but user code cannot have its
 * result from CR: the gate has to ring, or it was never made
 */
static inline void xsc_publish_late(struct xsc_window *win, u32 seq)
{
	xsc_publish_as(win, seq, XSC_CQE_RESTARTED, -EINTR, 0, true);
}

/**
 * xsc_publish_ring() - tell the gate that waits for @seq to ring the bell
 *
 * Its result will not come soon, or is not one that user code can take.
 */
static inline void xsc_publish_ring(struct xsc_window *win, u32 seq)
{
	WRITE_ONCE(win->wait->ring, 1);
	smp_store_release(&win->wait->wait[seq & 1], 0);	/* (C) */
}

/** xsc_must_ring() - is @res no result, but a question to the signal code? */
static inline bool xsc_must_ring(long res)
{
	return res == -ERESTARTSYS || res == -ERESTARTNOINTR ||
	       res == -ERESTARTNOHAND;
}

/**
 * xsc_claim() - take a number, or give back one that was taken
 *
 * Fully ordered (D): what the winner then reads of the slot is no older than
 * what made it try.
 *
 * Return: false when somebody else was faster.
 */
static inline bool xsc_claim(struct xsc_window *win, s64 from, s64 to)
{
	return atomic64_try_cmpxchg(&win->claim, &from, to);
}

/**
 * xsc_release() - the owner of a claim passes it on
 *
 * The release (E) pairs with the acquire of who reads the claim: the private
 * result and everything the request did come before.
 */
static inline void xsc_release(struct xsc_window *win, s64 to)
{
	atomic64_set_release(&win->claim, to);		/* (E) */
}

#endif /* _DRIVERS_XSC_RING_H */
