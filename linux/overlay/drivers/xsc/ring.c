// SPDX-License-Identifier: GPL-2.0-only
/* The only code that touches shared slots: copy a request, publish a result. */
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
void xsc_snapshot(struct xsc_sqe *to, const struct xsc_sqe *shared)
{
	unsigned int i;

	to->seq = smp_load_acquire(&shared->seq);	/* (A) */
	to->nr = READ_ONCE(shared->nr);
	to->flags = READ_ONCE(shared->flags);
	for (i = 0; i < ARRAY_SIZE(to->args); i++)
		to->args[i] = READ_ONCE(shared->args[i]);
	to->user_data = READ_ONCE(shared->user_data);
}

/**
 * xsc_publish() - write a result
 * @shared:	slot that user space can only read
 *
 * The release (B) pairs with a reader that loads seq first and the result
 * after it.
 */
void xsc_publish(struct xsc_cqe *shared, u32 seq, u32 flags, s64 res,
		 u64 user_data)
{
	WRITE_ONCE(shared->flags, flags);
	WRITE_ONCE(shared->res, res);
	WRITE_ONCE(shared->user_data, user_data);
	smp_store_release(&shared->seq, seq);		/* (B) */
}
