/* SPDX-License-Identifier: GPL-2.0-only */
/* What task_struct, signal_struct and mm_struct hold for XSC. */
#ifndef _LINUX_XSC_TYPES_H
#define _LINUX_XSC_TYPES_H

#include <linux/types.h>

struct xsc_window;
struct xsc_worker;
struct xsc_mm;

/**
 * struct xsc_counts - what a task did
 * @calls:	requests executed, by whomever
 * @worker:	of these, executed by the worker while the task spun or parked
 * @caller_class: of these, executed by the task, for its class says so
 * @caller_idle: of these, executed by the task, for no worker looked
 * @handed:	of these, handed to the worker by the bell (lanes force, random)
 * @bells:	stores to BELL that were served
 * @spins:	of these, by a gate that had waited for a worker
 * @punted:	requests that a worker gave back unexecuted
 * @parks:	waits for the worker that slept in the kernel
 * @cancels:	requests cut short because a signal had come
 * @taken_back:	requests withdrawn for a signal before anybody had them
 * @rebuilt:	requests taken from the registers, for the slot held something
 *		else (a handler or a debugger used it in between)
 * @astray:	requests of a site that did not find the gate, for GS base is the
 *		program's own
 * @starts:	times a worker began to poll
 * @retirements: workers ended
 * @poll_ns:	time for which workers polled, in nanoseconds
 * @traps:	syscall, sysenter and int 0x80 instructions executed
 */
struct xsc_counts {
	u64 calls;
	u64 worker;
	u64 caller_class;
	u64 caller_idle;
	u64 handed;
	u64 bells;
	u64 spins;
	u64 punted;
	u64 parks;
	u64 cancels;
	u64 taken_back;
	u64 rebuilt;
	u64 astray;
	u64 starts;
	u64 retirements;
	u64 poll_ns;
	u64 traps;
};

/**
 * struct xsc_task - per-task state, embedded in task_struct
 * @bell:	user address of the window's BELL page, 0 without a gate; first, for
 *		the page fault path compares every fault with it
 * @win:	the window, NULL for a task without a gate; only the task itself
 *		or its creator before it runs may change it
 * @worker:	the worker that serves @win; the task itself creates and retires it
 * @serves:	for a worker's own task, what it serves; fixed from creation on
 * @charged_ns:	for a worker's own task, the run time that its process is charged for
 * @polling:	for a worker's own task, it looks at its submitter's window
 * @awaited:	for a worker's own task, the submitter sleeps until it is done
 * @hiring:	the task makes its worker: a copy of it that has this set will be one
 * @left:	the task had a window and has unmapped it, or its creator has
 * @counts:	each field is written by one task only: worker, punted, starts
 *		and poll_ns by the worker, the others by the task itself
 * @last_bell:	clock at one of the last bells that a worker could have answered
 * @rest_until:	jiffies before which no worker starts to poll again
 * @hot:	such bells in quick succession
 * @failures:	polling periods in a row that were not worth it
 * @inflight:	a request of this task is being executed and owes a CQE
 */
struct xsc_task {
	unsigned long bell;
	struct xsc_window *win;
	struct xsc_worker *worker;
	struct xsc_worker *serves;
	u64 charged_ns;
	struct xsc_counts counts;
	u64 last_bell;
	unsigned long rest_until;
	u16 hot;
	u16 failures;
	bool inflight;
	bool polling;
	bool awaited;
	bool hiring;
	bool left;
};

#endif /* _LINUX_XSC_TYPES_H */
