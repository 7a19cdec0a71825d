/* SPDX-License-Identifier: GPL-2.0-only */
/* Private to drivers/xsc and arch/x86/entry/xsc.c. */
#ifndef _DRIVERS_XSC_H
#define _DRIVERS_XSC_H

#include <linux/atomic.h>
#include <linux/completion.h>
#include <linux/jump_label.h>
#include <linux/list.h>
#include <linux/mm_types.h>
#include <linux/random.h>
#include <linux/spinlock.h>
#include <linux/wait.h>
#include <linux/xsc.h>
#include <uapi/linux/xsc.h>

#include <asm/unistd.h>

struct kobject;
struct pt_regs;

/* Ordered: a higher mode is a tighter one. */
enum xsc_mode {
	XSC_OFF,
	XSC_PERMISSIVE,
	XSC_ENFORCING,
};

/*
 * Who has the request: xsc_window.claim is a state and the number that it is
 * about, in one word.  A number is never claimed twice.
 */
enum xsc_claim {
	XSC_IDLE,	/* finished; the next number is free to be claimed */
	XSC_WORKER,	/* the worker runs it */
	XSC_CALLER,	/* the submitter runs it, in the kernel */
	XSC_PUNTED,	/* the worker gave it back; only the submitter may claim it */
};

#define XSC_CLAIM(state, seq)	((s64)((u64)(state) << 32 | (u32)(seq)))

static inline enum xsc_claim xsc_claim_state(s64 claim)
{
	return (u64)claim >> 32;
}

static inline u32 xsc_claim_seq(s64 claim)
{
	return (u32)claim;
}

/**
 * struct xsc_window - one window
 * @addr:	user address of CTRL, the GS base
 * @ctrl:	kernel address of the page at XSC_OFF_CTRL
 * @sr:		kernel address of the page at XSC_OFF_SR; user space writes it
 *		at any time, only ring.h touches it
 * @cr:		kernel address of the page at XSC_OFF_CR
 * @wait:	kernel address of struct xsc_wait behind @cr
 * @gates:	user addresses of gate B for even and for odd numbers
 * @claim:	XSC_CLAIM() of the last number that was claimed
 * @res:	what the worker's last request returned, -ERESTART* included; valid
 *		for the submitter after it has seen XSC_IDLE
 * @nr:		system call number of that request
 * @woken_ns:	local_clock() when the worker woke the parked submitter, or 0
 * @parked:	the submitter sleeps here for its worker
 * @all:	in xsc_mm.all; protected by xsc_mm.lock
 * @idle:	in xsc_mm.idle while no task owns it; protected by xsc_mm.lock
 */
struct xsc_window {
	unsigned long addr;
	struct xsc_ctrl *ctrl;
	struct xsc_sqe *sr;
	struct xsc_cqe *cr;
	struct xsc_wait *wait;
	unsigned long gates[2];
	atomic64_t claim;
	long res;
	long nr;
	u64 woken_ns;
	wait_queue_head_t parked;
	struct list_head all;
	struct list_head idle;
};

/**
 * struct xsc_worker - a thread that runs requests of one submitter
 * @task:	the thread
 * @owner:	the submitter; it cannot go before it has retired the worker
 * @win:	the submitter's window
 * @pid:	the thread's own; current's is that of @owner while it serves
 * @gone:	completed when @task has left its thread group for good
 * @order:	what the owner wants, XSC_ORDER_* bits
 * @cancel:	the owner wants the request in hand to end early
 * @dead:	the worker runs no request any more: the process is ending, or it
 *		had nothing to do for long
 * @busy:	a request of the window is in hand
 * @unfit:	others have given the submitter another group or other credentials
 * @called_in:	it has slept, and the gate has been told to ring
 * @running:	its number
 * @handed:	copy of a request that the owner handed over
 * @handed_res:	its result, valid when @handed_done
 * @handed_done: set by the worker, cleared by the owner
 * @served:	requests served in the current polling period
 * @vain:	requests in it that slept or were given back
 */
struct xsc_worker {
	struct task_struct *task;
	struct task_struct *owner;
	struct xsc_window *win;
	struct pid *pid;
	struct completion gone;
	unsigned long order;
	bool cancel;
	bool dead;
	bool busy;
	bool unfit;
	bool called_in;
	u32 running;
	struct xsc_sqe handed;
	long handed_res;
	bool handed_done;
	u64 served;
	u64 vain;
};

enum {
	XSC_ORDER_POLL,		/* start to look at the window */
	XSC_ORDER_HANDED,	/* run .handed */
	XSC_ORDER_STOP,		/* end */
};

/* Where an interrupted or faulting user stands in gate B. */
enum xsc_stage {
	XSC_OUTSIDE,		/* not in gate B */
	XSC_BUILDING,		/* the number is not published yet */
	XSC_PUBLISHED,		/* it is */
};

/**
 * struct xsc_place - a place in gate B
 * @stage:	XSC_OUTSIDE and nothing else valid, or what has been done there
 * @bell:	the place is the store to BELL
 * @odd:	lowest bit of the number that this gate waits for
 */
struct xsc_place {
	enum xsc_stage stage;
	bool bell;
	bool odd;
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

#define XSC_FEATURES	(XSC_FEAT_CALLER | XSC_FEAT_WORKER)

/* core.c */
enum xsc_mode xsc_mode(void);
const char *xsc_mode_name(enum xsc_mode mode);

/* window.c */
struct xsc_window *xsc_window_map(struct mm_struct *mm, unsigned long addr);
struct xsc_window *xsc_window_get(struct mm_struct *mm);
void xsc_window_put(struct mm_struct *mm, struct xsc_window *win);
void xsc_window_set_gates(struct mm_struct *mm);

/* ring.c */
void xsc_reset_rings(struct xsc_window *win, struct mm_struct *mm);
void xsc_move_gates(struct xsc_window *win, struct mm_struct *mm);
void xsc_unpoll(struct xsc_window *win);
void xsc_open_polling(struct xsc_window *win, bool poll);

/* What a bell turns out to be. */
enum xsc_answer {
	XSC_ANSWER_RUN,		/* a request that the submitter now owns */
	XSC_ANSWER_AGAIN,	/* the store to BELL is made again, or a signal comes */
	XSC_ANSWER_DELIVERED,	/* the result is in the registers */
};

/* settle.c */
enum xsc_answer xsc_bell_waiting(struct pt_regs *regs, struct xsc_place place,
				 struct xsc_sqe *sqe);

enum xsc_answer xsc_bell_early(struct xsc_window *win, s64 claim);

/* worker.c */
int xsc_worker_main(void *data);
bool xsc_serve(struct xsc_worker *w, s64 claim);
bool xsc_worker_fits(const struct xsc_worker *w);
struct xsc_worker *xsc_hire(void);
void xsc_retire(void);
void xsc_order_polling(struct xsc_worker *w);
void xsc_recharge(struct task_struct *task, bool *rule, bool value);
bool xsc_park(struct xsc_window *win, s64 claim);
void xsc_cancel(struct xsc_worker *w, s64 claim);
bool xsc_hand_over(struct xsc_worker *w, const struct xsc_sqe *sqe, long *res);

/* poll.c */
unsigned long xsc_worker_patience(void);
struct xsc_worker *xsc_forced_worker(const struct xsc_sqe *sqe);
void xsc_earn_worker(void);
void xsc_poll_window(struct xsc_worker *w);
void xsc_measured_wake(u64 ns);
int xsc_poll_init(struct kobject *kobj);

enum xsc_workers_mode {
	XSC_WORKERS_OFF,	/* the submitter runs each request */
	XSC_WORKERS_AUTO,	/* a worker runs it where that pays */
	XSC_WORKERS_FORCE,	/* a worker runs it wherever the class allows */
	XSC_WORKERS_RANDOM,	/* as force, or not, by the toss of a coin */
};

extern int xsc_workers_value;

static inline enum xsc_workers_mode xsc_workers(void)
{
	return READ_ONCE(xsc_workers_value);
}

/** xsc_toss() - may a worker run the request it has before it? */
static inline bool xsc_toss(void)
{
	return likely(xsc_workers() != XSC_WORKERS_RANDOM) || get_random_u32() & 1;
}

/* class.c */
bool xsc_class_checks(const struct xsc_sqe *sqe);
void xsc_class_init(void);
bool xsc_class_identity(long nr, unsigned long arg0, unsigned long arg1);

extern unsigned long xsc_worker_calls[];
extern unsigned long xsc_unchecked_calls[];

/** xsc_class_suits() - may a worker run call @nr, with the right arguments? */
static inline bool xsc_class_suits(unsigned int nr)
{
	return nr < NR_syscalls && test_bit(nr, xsc_worker_calls);
}

/** xsc_class_worker() - may a worker run this very request? */
static inline bool xsc_class_worker(const struct xsc_sqe *sqe)
{
	return sqe->user_data < NR_syscalls &&
	       (test_bit(sqe->nr, xsc_unchecked_calls) || xsc_class_checks(sqe));
}

/* delay.c */
enum xsc_delay_point {
	XSC_DELAY_CLAIM,	/* a worker has seen a request */
	XSC_DELAY_COMPLETE,	/* a worker has a result */
	XSC_DELAY_REAP,		/* a signal meets a gate that waits */
	XSC_DELAY_POINTS,
};

#ifdef CONFIG_XSC_DELAY_INJECTION
DECLARE_STATIC_KEY_FALSE(xsc_delays_used);
void __xsc_delay(enum xsc_delay_point point);

/** xsc_delay() - let others overtake at @point, if a test has asked for it */
static inline void xsc_delay(enum xsc_delay_point point)
{
	if (static_branch_unlikely(&xsc_delays_used))
		__xsc_delay(point);
}
#else
static inline void xsc_delay(enum xsc_delay_point point) { }
#endif

/* task.c */
void xsc_attach(struct task_struct *p, struct xsc_window *win);
void xsc_leave(void);

/* stats.c */
DECLARE_PER_CPU(struct xsc_counts, xsc_totals);
DECLARE_PER_CPU(u64, xsc_execs_refused);
int xsc_stats_init(void);
void xsc_add_counts(struct xsc_counts *to, const struct xsc_counts *from);
void xsc_sum_totals(struct xsc_counts *to);

/* Count for task @p and for all. */
#define xsc_count(p, field, n)				\
do {							\
	(p)->xsc.counts.field += (n);			\
	this_cpu_add(xsc_totals.field, (n));		\
} while (0)

/* arch/x86/entry/xsc.c */
struct xsc_place xsc_arch_place(const struct pt_regs *regs);
void xsc_arch_rewind(struct pt_regs *regs);
void xsc_arch_deliver(struct pt_regs *regs, long nr, long res);
void xsc_arch_leave_wait(struct pt_regs *regs);
void xsc_arch_show_call(struct pt_regs *regs, bool show);
void xsc_arch_dispatch(struct pt_regs *regs, long nr);
unsigned long xsc_arch_gate(const struct mm_struct *mm);
unsigned long xsc_arch_gate_poll(const struct mm_struct *mm);
unsigned long xsc_arch_gate_wait(const struct mm_struct *mm, bool odd);
bool xsc_arch_emulated(void);
bool xsc_arch_worker_allowed(void);
bool xsc_arch_is_vdso(unsigned long addr);
bool xsc_arch_compat_trap(void);
bool xsc_arch_has_base(const struct task_struct *p, unsigned long base);
void xsc_arch_set_base(struct task_struct *p, unsigned long base);
bool xsc_arch_astray(const struct pt_regs *regs);
void xsc_arch_refuse_trap(struct pt_regs *regs);

#endif /* _DRIVERS_XSC_H */
