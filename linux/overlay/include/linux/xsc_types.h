/* SPDX-License-Identifier: GPL-2.0-only */
/* What task_struct, signal_struct and mm_struct hold for XSC. */
#ifndef _LINUX_XSC_TYPES_H
#define _LINUX_XSC_TYPES_H

#include <linux/types.h>

struct xsc_window;
struct xsc_mm;

/**
 * struct xsc_counts - what a task did
 * @calls:	requests executed
 * @rewinds:	bells that found no complete request and sent the gate back to
 *		its start (a handler or a debugger used the slot in between)
 * @traps:	syscall, sysenter and int 0x80 instructions executed
 */
struct xsc_counts {
	u64 calls;
	u64 rewinds;
	u64 traps;
};

/**
 * struct xsc_task - per-task state, embedded in task_struct
 * @bell:	user address of the window's BELL page, 0 without a gate; first, for
 *		the page fault path compares every fault with it
 * @win:	the window, NULL for a task without a gate; only the task itself
 *		or its creator before it runs may change it
 * @counts:	written by the task itself only
 * @seq:	last request consumed
 * @stale:	bells in a row without a complete request
 * @inflight:	a request of this task is being executed and owes a CQE
 */
struct xsc_task {
	unsigned long bell;
	struct xsc_window *win;
	struct xsc_counts counts;
	u32 seq;
	u16 stale;
	bool inflight;
};

#endif /* _LINUX_XSC_TYPES_H */
