// SPDX-License-Identifier: GPL-2.0-only
/* A task's window over clone and exit. */
#include <linux/mm.h>
#include <linux/sched/signal.h>
#include <linux/sched/task.h>

#include "xsc.h"

/** xsc_attach() - make @win the window of @p, which is current or not yet running */
void xsc_attach(struct task_struct *p, struct xsc_window *win)
{
	p->xsc.win = win;
	p->xsc.bell = win->addr + XSC_OFF_BELL;
	p->xsc.inflight = false;
}

static void xsc_detach(struct task_struct *p)
{
	p->xsc.win = NULL;
	p->xsc.bell = 0;
	p->xsc.inflight = false;
}

/**
 * xsc_leave() - the window of current is being unmapped
 *
 * It cannot make requests, and neither can its children.  Traps of theirs are
 * those of a tagged program for all that: counted, or refused.
 */
void xsc_leave(void)
{
	xsc_detach(current);
	current->xsc.left = true;
}

/*
 * The slow half of xsc_copy_task(): after copy_mm() and copy_thread().
 *
 * A child in the same address space gets a window of its own.  A child in a
 * copy gets a fresh one at the parent's address: VM_DONTCOPY has kept that
 * place free, and the GS base is right already.  A program that has GS base for
 * itself passes it on, as on any Linux.
 */
int __xsc_copy_task(struct task_struct *p, u64 clone_flags,
		    const struct kernel_clone_args *args)
{
	struct xsc_window *win;

	if (args->fn == xsc_worker_main)
		p->xsc.serves = args->fn_arg;
	if (args->io_thread || args->kthread || !p->mm)
		return 0;
	if (clone_flags & CLONE_VM) {
		win = xsc_window_get(p->mm);
	} else {
		mmap_write_lock(p->mm);
		win = xsc_window_map(p->mm, current->xsc.win->addr);
		mmap_write_unlock(p->mm);
	}
	if (IS_ERR(win))
		return PTR_ERR(win);
	xsc_attach(p, win);
	if (xsc_arch_has_base(p, current->xsc.win->addr))
		xsc_arch_set_base(p, win->addr);
	return 0;
}

/*
 * The slow half of xsc_mm_release(): @p runs no user code in @mm any more.  A
 * request that is still in flight (exit, execve) has nowhere to complete to.
 */
void __xsc_put_window(struct task_struct *p, struct mm_struct *mm)
{
	struct xsc_window *win = p->xsc.win;

	xsc_detach(p);
	xsc_window_put(mm, win);
}

/*
 * A thread has left its group; under siglock and stats_lock.  Its counts outlive
 * it here.
 */
void xsc_thread_gone(struct signal_struct *sig, struct task_struct *p)
{
	xsc_add_counts(&sig->xsc, &p->xsc.counts);
	sig->xsc_workers -= xsc_is_worker(p);
}
