// SPDX-License-Identifier: GPL-2.0-only
/*
 * Who gets a worker, and for how long it looks at the window.
 *
 * A worker pays when calls follow each other so fast that it would be woken in
 * vain each time, when it finds a CPU that has nothing else to do, and when the
 * calls do not sleep.  So: a submitter earns a polling period by a run of calls
 * in quick succession; the period ends when nothing has come for a while or
 * when anybody else wants the CPU; and a period that served little, or calls
 * that slept, is followed by a rest that grows.
 */
#include <linux/cgroup.h>
#include <linux/cpumask.h>
#include <linux/cred.h>
#include <linux/hash.h>
#include <linux/kobject.h>
#include <linux/random.h>
#include <linux/sched/clock.h>
#include <linux/sched/rt.h>
#include <linux/sched/signal.h>
#include <linux/sysfs.h>

#include "ring.h"
#include "trace.h"

static const char * const xsc_workers_names[] = {
	[XSC_WORKERS_OFF]	= "off",
	[XSC_WORKERS_AUTO]	= "auto",
	[XSC_WORKERS_FORCE]	= "force",
	[XSC_WORKERS_RANDOM]	= "random",
};

int xsc_workers_value __read_mostly =
	IS_ENABLED(CONFIG_XSC_ADAPTIVE_POLL) ? XSC_WORKERS_AUTO : XSC_WORKERS_OFF;

/* Tunables, in the units of their names; /sys/kernel/xsc/ */
static unsigned int xsc_poll_window_us __read_mostly = 100;
static unsigned int xsc_poll_window_max_us __read_mostly = 400;
static unsigned int xsc_hot_gap_us __read_mostly = 20;
static unsigned int xsc_hot_calls __read_mostly = 64;
static unsigned int xsc_spin_max_us __read_mostly = 200;
static unsigned int xsc_worker_idle_ms __read_mostly = 5000;
static unsigned int xsc_max_pollers __read_mostly;
static unsigned int xsc_max_cgroup_pollers __read_mostly;

/* A period that served fewer calls was not worth the wake-up. */
#define XSC_SERVED_MIN		64
/* Nor is one in which more than one call in so many slept, or was given back. */
#define XSC_VAIN_SHARE		16
/* After so many such calls it is time to ask. */
#define XSC_VAIN_MIN		64

/* A submitter looks at the clock once in so many calls; a power of two. */
#define XSC_CLOCK_BATCH		16

/* So many calls fit into a window if they are just hot, where waking is slow. */
#define XSC_HOT_IN_WINDOW	5

/* Rests after periods that did not pay, in milliseconds. */
static const unsigned int xsc_rest_ms[] = { 0, 1, 10, 100, 500 };

#define XSC_REST_LONGEST	(ARRAY_SIZE(xsc_rest_ms) - 1)

/* Who polls: in all, and by cgroup. Cgroups that meet in a slot share its budget. */
#define XSC_CGROUP_BITS	6
static atomic_t xsc_pollers = ATOMIC_INIT(0);
static atomic_t xsc_cgroup_pollers[1 << XSC_CGROUP_BITS];

/* What it takes to wake a parked submitter: a moving average, and all of them. */
static unsigned int xsc_wake_ns __read_mostly = 50 * NSEC_PER_USEC;
#define XSC_WAKE_BUCKETS	16
static DEFINE_PER_CPU(u64, xsc_wakes[XSC_WAKE_BUCKETS]);

/* What one round of the gate's loop takes. */
static unsigned int xsc_spin_ns __ro_after_init = 10;
static bool xsc_pause_is_dear __ro_after_init;

static int __init xsc_workers_setup(char *arg)
{
	int mode = match_string(xsc_workers_names, ARRAY_SIZE(xsc_workers_names), arg);

	if (mode < 0) {
		pr_err("xsc: xsc.workers=%s is unknown, use off, auto, force or random; staying %s\n",
		       arg, xsc_workers_names[xsc_workers()]);
		return -EINVAL;
	}
	xsc_workers_value = mode;
	return 0;
}
early_param("xsc.workers", xsc_workers_setup);

/* Keys and counters of this very thread, which a worker would be without. */
static bool xsc_has_private_state(void)
{
	bool private = false;

#ifdef CONFIG_KEYS
	private |= !!current_cred()->thread_keyring;
#endif
#ifdef CONFIG_PERF_EVENTS
	private |= current->perf_event_ctxp[perf_hw_context] ||
		   current->perf_event_ctxp[perf_sw_context];
#endif
	return private;
}

/*
 * A worker would run at its submitter's priority: below a real-time one nobody
 * else on that CPU could ask for it back, and one that no new thread inherits
 * it cannot have.
 */
static bool xsc_may_have_worker(void)
{
	return !current_thread_info()->syscall_work && !current->ptrace &&
	       !(current->flags & PF_EXITING) && !rt_task(current) &&
	       !current->sched_reset_on_fork &&
	       !xsc_has_private_state() && xsc_arch_worker_allowed();
}

/** xsc_worker_patience() - how long a worker without orders stays, in jiffies */
unsigned long xsc_worker_patience(void)
{
	unsigned int ms = READ_ONCE(xsc_worker_idle_ms);

	return ms ? msecs_to_jiffies(ms) : MAX_SCHEDULE_TIMEOUT;
}

/* The worker of current, or a new one, or NULL if there can be none. */
static struct xsc_worker *xsc_some_worker(void)
{
	if (current->xsc.worker && !xsc_worker_fits(current->xsc.worker))
		xsc_retire();
	return current->xsc.worker ?: xsc_hire();
}

/**
 * xsc_forced_worker() - shall a worker run this request that current has?
 *
 * Asked in the lanes for tests only.
 *
 * Return: the worker, or NULL.
 */
struct xsc_worker *xsc_forced_worker(const struct xsc_sqe *sqe)
{
	struct xsc_worker *w;

	if (!xsc_toss() || !xsc_class_worker(sqe) || !xsc_may_have_worker())
		return NULL;
	w = xsc_some_worker();
	/* It would have to stop looking, and the next request is for it anyway. */
	return w && READ_ONCE(w->task->xsc.polling) ? NULL : w;
}

/* A CPU for a worker of current: allowed, another one, and idle unless @anywhere. */
static int xsc_other_cpu(bool anywhere)
{
	int here = raw_smp_processor_id();
	int other = -1;
	int cpu;

	for_each_cpu_and(cpu, current->cpus_ptr, cpu_online_mask) {
		if (cpu == here)
			continue;
		if (available_idle_cpu(cpu))
			return cpu;
		other = cpu;
	}
	return anywhere ? other : -1;
}

static atomic_t *xsc_cgroup_slot(struct task_struct *task)
{
	u64 id = 0;

#ifdef CONFIG_CGROUPS
	rcu_read_lock();
	id = cgroup_id(task_dfl_cgroup(task));
	rcu_read_unlock();
#endif
	return &xsc_cgroup_pollers[hash_64(id, XSC_CGROUP_BITS)];
}

static bool xsc_take_one(atomic_t *taken, int most)
{
	int now = atomic_read(taken);

	do {
		if (now >= most)
			return false;
	} while (!atomic_try_cmpxchg(taken, &now, now + 1));
	return true;
}

/* Room for one more poller, in all and in the cgroup of @slot; lanes for tests have no bound. */
static bool xsc_take_budget(atomic_t *slot)
{
	bool bounded = xsc_workers() <= XSC_WORKERS_AUTO;

	if (!xsc_take_one(&xsc_pollers, bounded ? READ_ONCE(xsc_max_pollers) : INT_MAX))
		return false;
	if (xsc_take_one(slot, bounded ? READ_ONCE(xsc_max_cgroup_pollers) : INT_MAX))
		return true;
	atomic_dec(&xsc_pollers);
	return false;
}

static void xsc_return_budget(atomic_t *slot)
{
	atomic_dec(slot);
	atomic_dec(&xsc_pollers);
}

/* A hint, before anybody is woken for it. */
static bool xsc_have_budget(void)
{
	return atomic_read(&xsc_pollers) < READ_ONCE(xsc_max_pollers) &&
	       atomic_read(xsc_cgroup_slot(current)) < READ_ONCE(xsc_max_cgroup_pollers);
}

static void xsc_rest_for(struct xsc_task *xt, unsigned int failures)
{
	WRITE_ONCE(xt->rest_until, jiffies + msecs_to_jiffies(xsc_rest_ms[failures]));
}

/* Where and when it pays; with @anywhere, wherever and whenever it can be done. */
static void xsc_start_polling(bool anywhere)
{
	int cpu = xsc_other_cpu(anywhere);
	struct xsc_worker *w;

	if (!anywhere && (cpu < 0 || time_before(jiffies, READ_ONCE(current->xsc.rest_until)) ||
			  !xsc_have_budget()))
		return;
	if (!xsc_may_have_worker())
		return;
	w = xsc_some_worker();
	if (!w) {
		xsc_rest_for(&current->xsc, XSC_REST_LONGEST);
		return;
	}
#ifdef CONFIG_SMP
	/* A wish, not a bond: if that CPU goes offline, nobody shall hear of it. */
	if (cpu >= 0)
		WRITE_ONCE(w->task->wake_cpu, cpu);
#endif
	xsc_order_polling(w);
}

/*
 * How long to look before it is cheaper to sleep and be woken, in ns: both sides
 * of a hand-over would sleep.  A window that is shorter than waking ends before
 * a submitter that was parked is back, and the period with it.
 */
static u64 xsc_worth_looking(void)
{
	return min_t(u64, 2 * READ_ONCE(xsc_wake_ns),
		     READ_ONCE(xsc_poll_window_max_us) * (u64)NSEC_PER_USEC);
}

/* A tunable as it applies, in ns: not less than @ns, unless it is turned off. */
static u64 xsc_stretched(unsigned int us, u64 ns)
{
	return us ? max_t(u64, us * (u64)NSEC_PER_USEC, ns) : 0;
}

static u64 xsc_hot_gap(void)
{
	return xsc_stretched(READ_ONCE(xsc_hot_gap_us),
			     xsc_worth_looking() / XSC_HOT_IN_WINDOW);
}

/** xsc_earn_worker() - current has run a request that a worker might better have run */
void xsc_earn_worker(void)
{
	enum xsc_workers_mode mode = xsc_workers();
	struct xsc_task *xt = &current->xsc;
	unsigned int enough = READ_ONCE(xsc_hot_calls);
	unsigned int batch = enough < XSC_CLOCK_BATCH ? 1 : XSC_CLOCK_BATCH;
	u64 now, gap;

	if (++xt->hot & (batch - 1))
		return;
	now = local_clock();
	gap = now - xt->last_bell;
	xt->last_bell = now;
	if (gap > batch * xsc_hot_gap() && mode == XSC_WORKERS_AUTO) {
		xt->hot = 0;
		return;
	}
	if (xt->hot < enough)
		return;
	xt->hot = 0;
	xsc_start_polling(mode != XSC_WORKERS_AUTO);
}

/** xsc_measured_wake() - a parked submitter ran @ns after it was woken */
void xsc_measured_wake(u64 ns)
{
	unsigned int old = READ_ONCE(xsc_wake_ns);
	unsigned int us = min_t(u64, div_u64(ns, NSEC_PER_USEC), U32_MAX);

	ns = min_t(u64, ns, NSEC_PER_MSEC);
	WRITE_ONCE(xsc_wake_ns, old - old / 8 + (unsigned int)ns / 8);
	this_cpu_inc(xsc_wakes[min_t(unsigned int, fls(us), XSC_WAKE_BUCKETS - 1)]);
}

/* As long as going to sleep would take: never more than twice the best choice. */
static unsigned int xsc_spins(void)
{
	unsigned int ns = clamp_t(unsigned int, 2 * READ_ONCE(xsc_wake_ns),
				  2 * NSEC_PER_USEC,
				  READ_ONCE(xsc_spin_max_us) * NSEC_PER_USEC);

	return max(1u, ns / xsc_spin_ns);
}

/* Somebody wants this CPU, or this worker, for something else. */
static bool xsc_poll_disturbed(const struct xsc_worker *w)
{
	int here = raw_smp_processor_id();

	return need_resched() || READ_ONCE(w->order) || signal_pending(current) ||
	       task_cpu(w->owner) == here ||
	       !cpumask_test_cpu(here, READ_ONCE(w->owner->cpus_ptr));
}

/*
 * Calls keep coming, but not such that it pays, or no longer for this worker: the
 * period need not wait for a pause.
 */
static bool xsc_poll_vain(const struct xsc_worker *w)
{
	if (unlikely(w->unfit))
		return true;
	return unlikely(w->vain >= XSC_VAIN_MIN) && w->vain * XSC_VAIN_SHARE > w->served &&
	       xsc_workers() <= XSC_WORKERS_AUTO;
}

/* A few looks at the window; what disturbs a worker can wait as long as these take. */
static __always_inline bool xsc_look_closely(struct xsc_window *win, s64 *claim)
{
	int i;

#pragma GCC unroll 4
	for (i = 0; i < 4; i++)
		if (xsc_waiting(win, claim))
			return true;
	return false;
}

static void xsc_look(struct xsc_worker *w)
{
	u64 window = xsc_stretched(READ_ONCE(xsc_poll_window_us), xsc_worth_looking());
	struct xsc_window *win = w->win;
	unsigned int round = 0;
	u64 since = 0;
	s64 claim;

	while (!xsc_poll_disturbed(w)) {
		if (xsc_look_closely(win, &claim) && xsc_serve(w, claim)) {
			round = 0;
			since = 0;
			if (xsc_poll_vain(w))
				return;
			continue;
		}
		/* The clock costs as much as many looks: never on the way of a request. */
		if (!(++round & 7)) {
			u64 now = local_clock();

			if (!since)
				since = now;
			else if (now - since > window)
				return;
		}
		if (!xsc_pause_is_dear)
			cpu_relax();
	}
}

static void xsc_judge_period(struct xsc_worker *w)
{
	struct xsc_task *xt = &w->owner->xsc;

	if (w->served >= XSC_SERVED_MIN && w->vain * XSC_VAIN_SHARE <= w->served)
		xt->failures = 0;
	else if (xt->failures < XSC_REST_LONGEST)
		xt->failures++;
	xsc_rest_for(xt, xt->failures);
}

/** xsc_poll_window() - a polling period: look at the window until it is no use */
void xsc_poll_window(struct xsc_worker *w)
{
	atomic_t *slot = xsc_cgroup_slot(w->owner);
	struct xsc_window *win = w->win;
	u64 start = local_clock();
	s64 claim;

	if (!xsc_take_budget(slot))
		return;
	w->served = 0;
	w->vain = 0;
	w->unfit = false;
	xsc_count(w->owner, starts, 1);
	xsc_trace_poll(w->owner, true);
	WRITE_ONCE(win->wait->spins, xsc_spins());
	xsc_recharge(current, &current->xsc.polling, true);
	xsc_open_polling(win, true);
	xsc_look(w);
	xsc_open_polling(win, false);
	/*
	 * (G) pairs with nothing but the gate's bounded patience: a request that
	 * is published after this look finds its own way to the bell.
	 */
	smp_mb();
	if (xsc_waiting(win, &claim))
		xsc_serve(w, claim);
	xsc_recharge(current, &current->xsc.polling, false);
	xsc_return_budget(slot);
	xsc_count(w->owner, poll_ns, local_clock() - start);
	xsc_trace_poll(w->owner, false);
	xsc_judge_period(w);
}

static void __init xsc_calibrate_spin(void)
{
	u32 words[9] = { [8] = 1000 };
	unsigned int i;
	u64 start;

	preempt_disable();
	start = local_clock();
	while (READ_ONCE(words[8])) {
		for (i = 0; i < 8; i++)
			READ_ONCE(words[i]);
		WRITE_ONCE(words[8], words[8] - 1);
	}
	xsc_spin_ns = max_t(u64, 1, div_u64(local_clock() - start, 1000));
	preempt_enable();
}

static ssize_t workers_show(struct kobject *kobj, struct kobj_attribute *attr, char *buf)
{
	return sysfs_emit(buf, "%s\n", xsc_workers_names[xsc_workers()]);
}

static ssize_t workers_store(struct kobject *kobj, struct kobj_attribute *attr,
			     const char *buf, size_t count)
{
	int mode = sysfs_match_string(xsc_workers_names, buf);

	if (mode < 0)
		return mode;
	WRITE_ONCE(xsc_workers_value, mode);
	return count;
}
static struct kobj_attribute workers_attr = __ATTR_RW(workers);

static ssize_t wake_ns_show(struct kobject *kobj, struct kobj_attribute *attr, char *buf)
{
	return sysfs_emit(buf, "%u\n", READ_ONCE(xsc_wake_ns));
}
static struct kobj_attribute wake_ns_attr = __ATTR_RO(wake_ns);

static ssize_t wake_latency_show(struct kobject *kobj, struct kobj_attribute *attr, char *buf)
{
	ssize_t len = 0;
	int bucket, cpu;

	for (bucket = 0; bucket < XSC_WAKE_BUCKETS; bucket++) {
		u64 sum = 0;

		for_each_possible_cpu(cpu)
			sum += READ_ONCE(per_cpu(xsc_wakes, cpu)[bucket]);
		len += sysfs_emit_at(buf, len, "%lu %llu\n", BIT(bucket), sum);
	}
	return len;
}
static struct kobj_attribute wake_latency_attr = __ATTR_RO(wake_latency);

/* Tunable @name, at most @limit; 0 is allowed and turns off what it bounds. */
#define XSC_TUNABLE(name, limit)						\
static ssize_t name##_show(struct kobject *kobj, struct kobj_attribute *attr,	\
			   char *buf)						\
{										\
	return sysfs_emit(buf, "%u\n", READ_ONCE(xsc_##name));			\
}										\
static ssize_t name##_store(struct kobject *kobj, struct kobj_attribute *attr,	\
			    const char *buf, size_t count)			\
{										\
	unsigned int value;							\
	int err = kstrtouint(buf, 0, &value);					\
										\
	if (err)								\
		return err;							\
	if (value > (limit))							\
		return -ERANGE;							\
	WRITE_ONCE(xsc_##name, value);						\
	return count;								\
}										\
static struct kobj_attribute name##_attr = __ATTR_RW(name)

XSC_TUNABLE(poll_window_us, 1000000);
XSC_TUNABLE(poll_window_max_us, 1000000);
XSC_TUNABLE(hot_gap_us, 1000000);
XSC_TUNABLE(hot_calls, U16_MAX);
XSC_TUNABLE(spin_max_us, 10000);
XSC_TUNABLE(worker_idle_ms, 1000000);
XSC_TUNABLE(max_pollers, NR_CPUS);
XSC_TUNABLE(max_cgroup_pollers, NR_CPUS);

static struct attribute *xsc_poll_attrs[] = {
	&workers_attr.attr,
	&wake_latency_attr.attr,
	&wake_ns_attr.attr,
	&poll_window_us_attr.attr,
	&poll_window_max_us_attr.attr,
	&hot_gap_us_attr.attr,
	&hot_calls_attr.attr,
	&spin_max_us_attr.attr,
	&worker_idle_ms_attr.attr,
	&max_pollers_attr.attr,
	&max_cgroup_pollers_attr.attr,
	NULL,
};

static const struct attribute_group xsc_poll_group = {
	.attrs = xsc_poll_attrs,
};

/** xsc_poll_init() - measure, and offer the tunables below @kobj */
int __init xsc_poll_init(struct kobject *kobj)
{
	xsc_pause_is_dear = xsc_arch_emulated();
	/* Half of the machine may poll; on a single CPU nobody does. */
	xsc_max_pollers = num_possible_cpus() / 2;
	xsc_max_cgroup_pollers = xsc_max_pollers;
	xsc_calibrate_spin();
	return sysfs_create_group(kobj, &xsc_poll_group);
}
