/* SPDX-License-Identifier: GPL-2.0-only */
/* Private to drivers/xsc and arch/x86/entry/xsc.c. */
#ifndef _DRIVERS_XSC_H
#define _DRIVERS_XSC_H

#include <linux/list.h>
#include <linux/mm_types.h>
#include <linux/spinlock.h>
#include <linux/xsc.h>
#include <uapi/linux/xsc.h>

/* Ordered: a higher mode is a tighter one. */
enum xsc_mode {
	XSC_OFF,
	XSC_PERMISSIVE,
	XSC_ENFORCING,
};

/**
 * struct xsc_window - one window
 * @addr:	user address of CTRL, the GS base
 * @ctrl:	kernel address of the page at XSC_OFF_CTRL
 * @sr:		kernel address of the page at XSC_OFF_SR; user space writes it
 *		at any time, only xsc_snapshot() reads it
 * @cr:		kernel address of the page at XSC_OFF_CR
 * @all:	in xsc_mm.all; protected by xsc_mm.lock
 * @idle:	in xsc_mm.idle while no task owns it; protected by xsc_mm.lock
 */
struct xsc_window {
	unsigned long addr;
	struct xsc_ctrl *ctrl;
	struct xsc_sqe *sr;
	struct xsc_cqe *cr;
	struct list_head all;
	struct list_head idle;
};

/**
 * struct xsc_mm - the windows of one address space
 * @lock:	nests inside mmap_lock, nothing nests inside it
 * @all:	every window mapped here
 * @idle:	windows whose task has gone
 *
 * Created and freed under mmap_lock held for writing, or by exit_mmap() when
 * nobody else is left.
 */
struct xsc_mm {
	spinlock_t lock;
	struct list_head all;
	struct list_head idle;
};

/* core.c */
enum xsc_mode xsc_mode(void);
const char *xsc_mode_name(enum xsc_mode mode);

/* window.c */
struct xsc_window *xsc_window_map(struct mm_struct *mm, unsigned long addr);
struct xsc_window *xsc_window_get(struct mm_struct *mm);
void xsc_window_put(struct mm_struct *mm, struct xsc_window *win);
void xsc_window_set_gates(struct mm_struct *mm, u64 gate);

/* ring.c */
void xsc_snapshot(struct xsc_sqe *to, const struct xsc_sqe *shared);
void xsc_publish(struct xsc_cqe *shared, u32 seq, u32 flags, s64 res,
		 u64 user_data);

/* task.c */
void xsc_attach(struct task_struct *p, struct xsc_window *win);

/* stats.c */
DECLARE_PER_CPU(struct xsc_counts, xsc_totals);
DECLARE_PER_CPU(u64, xsc_execs_refused);
int xsc_stats_init(void);
void xsc_sum_totals(struct xsc_counts *to);

/* arch/x86/entry/xsc.c */
bool xsc_arch_at_bell(const struct pt_regs *regs);
void xsc_arch_rewind(struct pt_regs *regs);
void xsc_arch_enter(struct pt_regs *regs, const struct xsc_sqe *sqe);
void xsc_arch_dispatch(struct pt_regs *regs, long nr);
unsigned long xsc_arch_gate(const struct mm_struct *mm);
void xsc_arch_set_base(struct task_struct *p, unsigned long base);
void xsc_arch_refuse_trap(struct pt_regs *regs);

#endif /* _DRIVERS_XSC_H */
