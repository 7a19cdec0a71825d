// SPDX-License-Identifier: GPL-2.0-only
/*
 * Workers: a thread that runs requests of one submitter.
 *
 * A worker is a create_io_thread() thread of the submitter's process, created
 * by the submitter, so that it shares or has inherited all that makes the
 * process what it is: address space, files, directories, credentials, limits,
 * namespaces, cgroup.  A request that would change what was inherited retires
 * the worker first.
 *
 * The worker belongs to its submitter, which alone creates, orders and retires
 * it.  It outlives no execve and no exit of the submitter.  Programs do not see
 * it: /proc leaves it out, and no signal is ever delivered to it.
 */
#include <linux/cgroup.h>
#include <linux/cred.h>
#include <linux/freezer.h>
#include <linux/pid.h>
#include <linux/resume_user_mode.h>
#include <linux/sched/clock.h>
#include <linux/sched/cputime.h>
#include <linux/sched/signal.h>
#include <linux/sched/task.h>
#include <linux/slab.h>
#include <linux/task_work.h>
#include <linux/user_namespace.h>

#include <asm/xsc_frame.h>

#include "ring.h"
#include "trace.h"

/*
 * Waiting for a worker, and for no signal: one is often what brought us here.
 * But the worker may be frozen where it sleeps, and then the submitter must not
 * hold up the freezer.
 */
#define XSC_WAIT	(TASK_UNINTERRUPTIBLE | TASK_FREEZABLE)

/* How often to look after a worker that shall end, in jiffies. */
#define XSC_GONE_PATIENCE	msecs_to_jiffies(10)

/*
 * The request in hand is about to sleep: the submitter shall stop spinning.
 * Called from schedule(), so nothing here may sleep.
 */
void __xsc_worker_sleeping(struct task_struct *task)
{
	struct xsc_worker *w = task->xsc.serves;

	if (w->busy && !w->called_in) {
		w->called_in = true;
		xsc_publish_ring(w->win, w->running);
	}
}

static noinline bool __xsc_forward_signals(struct xsc_worker *w)
{
	kernel_siginfo_t info;
	enum pid_type type;
	bool any = false;
	sigset_t others;
	int sig;

	while (!sigisemptyset(&current->pending.signal)) {
		sigset_t here;

		spin_lock_irq(&current->sighand->siglock);
		here = current->pending.signal;
		sigdelsetmask(&here, sigmask(SIGKILL) | sigmask(SIGSTOP));
		/* dequeue_signal() takes what is not in the mask. */
		sigfillset(&others);
		sigandnsets(&others, &others, &here);
		sig = sigisemptyset(&here) ? 0 :
			dequeue_signal(current, &others, &info, &type);
		spin_unlock_irq(&current->sighand->siglock);
		if (!sig)
			break;
		send_sig_info(sig, &info, w->owner);
		any = true;
	}
	return any;
}

/*
 * Signals that a request has sent to its thread, such as SIGPIPE: they are for
 * the submitter.  All are blocked here, so they wait in the private queue.
 *
 * Return: whether there was one.
 */
static __always_inline bool xsc_forward_signals(struct xsc_worker *w)
{
	return unlikely(!sigisemptyset(&current->pending.signal)) &&
	       __xsc_forward_signals(w);
}

/* What a system call leaves for the way back to user mode. */
static void xsc_exit_work(void)
{
	if (test_thread_flag(TIF_NOTIFY_RESUME))
		resume_user_mode_work(NULL);
	/* close() is done when its result is there: the last fput() is in here. */
	if (task_work_pending(current))
		task_work_run();
}

static __always_inline long xsc_execute(struct xsc_worker *w, const struct xsc_sqe *sqe)
{
	long res;

	/* What came too late for the request before this one is not for this one. */
	if (unlikely(test_thread_flag(TIF_NOTIFY_SIGNAL)))
		clear_notify_signal();
	if (READ_ONCE(w->cancel))
		set_thread_flag(TIF_NOTIFY_SIGNAL);
	xsc_trace_dispatch(sqe->seq, sqe->user_data);
	res = xsc_arch_call(sqe);
	xsc_exit_work();
	/* The block is this thread's, nobody could go on with it. */
	if (res == -ERESTART_RESTARTBLOCK)
		res = -EINTR;
	return res;
}

static void xsc_wake_owner(struct xsc_window *win)
{
	if (likely(!wq_has_sleeper(&win->parked)))
		return;
	WRITE_ONCE(win->woken_ns, local_clock());
	wake_up(&win->parked);
}

/*
 * Result first, then the claim: between them the gate may already go on.  It is
 * counted there, while the submitter does something else, but before its next
 * request can look at the counters.
 */
static void xsc_complete_worker(struct xsc_worker *w, const struct xsc_sqe *sqe,
				long res, bool ring)
{
	struct xsc_window *win = w->win;

	xsc_trace_complete(sqe->seq, sqe->user_data, res, XSC_CQE_WORKER);
	xsc_delay(XSC_DELAY_COMPLETE);
	preempt_disable();
	win->res = res;
	win->nr = sqe->nr;
	if (ring)
		xsc_publish_late(win, sqe->seq);
	else
		xsc_publish(win, sqe->seq, XSC_CQE_WORKER, res, sqe->user_data);
	xsc_count(w->owner, calls, 1);
	xsc_count(w->owner, worker, 1);
	w->served++;
	w->vain += w->called_in;
	xsc_release(win, XSC_CLAIM(XSC_IDLE, sqe->seq));
	preempt_enable();
	xsc_wake_owner(win);
}

/* The gate first, for with the claim the right to write to it goes as well. */
static void xsc_punt(struct xsc_worker *w, u32 seq)
{
	struct xsc_window *win = w->win;

	xsc_count(w->owner, punted, 1);
	w->vain++;
	xsc_publish_ring(win, seq);
	xsc_release(win, XSC_CLAIM(XSC_PUNTED, seq));
	xsc_wake_owner(win);
}

/* Others can move one of them to a cgroup, or give it another session keyring. */
static bool xsc_same_subject(const struct task_struct *one,
			     const struct task_struct *other)
{
#ifdef CONFIG_CGROUPS
	if (rcu_access_pointer(one->cgroups) != rcu_access_pointer(other->cgroups))
		return false;
#endif
	return rcu_access_pointer(one->cred) == rcu_access_pointer(other->cred);
}

/* May this request run here, as far as the submitter's state goes? */
static bool xsc_owner_allows(const struct xsc_worker *w)
{
	return !READ_ONCE(task_thread_info(w->owner)->syscall_work) &&
	       xsc_same_subject(w->owner, current);
}

/**
 * xsc_serve() - take the request that xsc_waiting() has seen, and run it
 * @w:		current
 * @claim:	what the request comes after
 *
 * Return: false if it is gone, or not to be begun now.
 */
bool xsc_serve(struct xsc_worker *w, s64 claim)
{
	struct xsc_window *win = w->win;
	u32 seq = xsc_claim_seq(claim) + 1;
	struct xsc_sqe sqe __uninitialized;
	bool ring;
	long res;

	/* What was meant for an earlier request must not interrupt this one. */
	if (signal_pending(current))
		return false;
	xsc_delay(XSC_DELAY_CLAIM);
	if (!xsc_claim(win, claim, XSC_CLAIM(XSC_WORKER, seq)))		/* (D) */
		return false;
	xsc_snapshot(&sqe, win->sr);
	if (!xsc_sqe_valid(&sqe, seq) || !xsc_owner_allows(w) ||
	    !xsc_class_worker(&sqe) || !xsc_toss()) {
		w->unfit = !xsc_same_subject(w->owner, current);
		xsc_punt(w, seq);
		return true;
	}
	w->running = seq;
	w->called_in = false;
	w->busy = true;
	res = xsc_execute(w, &sqe);
	w->busy = false;
	ring = xsc_forward_signals(w) || xsc_must_ring(res);
	xsc_complete_worker(w, &sqe, res, ring);
	return true;
}

static void xsc_serve_handed(struct xsc_worker *w)
{
	long res = xsc_execute(w, &w->handed);

	xsc_forward_signals(w);
	w->handed_res = res;
	xsc_delay(XSC_DELAY_COMPLETE);
	smp_store_release(&w->handed_done, true);	/* (F) */
	wake_up(&w->win->parked);
}

/* Sleep until there is an order; one that nobody has had one for ends itself. */
static void xsc_rest(struct xsc_worker *w)
{
	long left = 1;

	set_current_state(TASK_INTERRUPTIBLE | TASK_FREEZABLE);
	if (!READ_ONCE(w->order) && !signal_pending(current))
		left = schedule_timeout(xsc_worker_patience());
	__set_current_state(TASK_RUNNING);
	/* With an order in hand it stays; the owner sees an order that came too late. */
	if (!left)
		cmpxchg(&w->order, 0, BIT(XSC_ORDER_STOP));
}

/*
 * Who asks for the thread behind a request (FUSE, fanotify, /proc/thread-self)
 * hears of the submitter.
 */
static void xsc_take_pid(struct xsc_worker *w)
{
	w->pid = task_pid(current);
	WRITE_ONCE(current->thread_pid, task_pid(w->owner));
}

static void xsc_return_pid(struct xsc_worker *w)
{
	WRITE_ONCE(current->thread_pid, w->pid);
}

/** xsc_worker_main() - body of a worker; @data is its struct xsc_worker */
int xsc_worker_main(void *data)
{
	struct xsc_worker *w = data;

	xsc_take_pid(w);
	while (!test_bit(XSC_ORDER_STOP, &w->order)) {
		struct ksignal ksig;

		if (signal_pending(current)) {
			/* Stops, the freezer, and the end of the process. */
			if (get_signal(&ksig))
				break;
		} else if (test_and_clear_bit(XSC_ORDER_HANDED, &w->order)) {
			xsc_serve_handed(w);
		} else if (test_and_clear_bit(XSC_ORDER_POLL, &w->order)) {
			xsc_poll_window(w);
		} else {
			xsc_rest(w);
		}
	}
	xsc_return_pid(w);
	WRITE_ONCE(w->dead, true);
	wake_up(&w->win->parked);
	/*
	 * A core dump has no place for a thread that is not the program's, and who
	 * waits for this one may free what tells it when it sleeps.
	 */
	current->flags &= ~(PF_SIGNALED | PF_IO_WORKER);
	do_exit(0);
}

static void xsc_order(struct xsc_worker *w, unsigned int order)
{
	set_bit(order, &w->order);
	wake_up_process(w->task);
}

/** xsc_order_polling() - the worker shall look at the window for a while */
void xsc_order_polling(struct xsc_worker *w)
{
	xsc_order(w, XSC_ORDER_POLL);
}

/**
 * xsc_worker_fits() - is what a worker of current has inherited still true?
 *
 * What current itself changes retires the worker; this is about what others do
 * to current, and about a worker that has ended by itself.
 */
bool xsc_worker_fits(const struct xsc_worker *w)
{
	const struct task_struct *task = w->task;

#ifdef CONFIG_SCHED_CORE
	if (task->core_cookie != current->core_cookie)
		return false;
#endif
	return !READ_ONCE(w->dead) && xsc_same_subject(current, task) &&
	       task->policy == current->policy &&
	       task->static_prio == current->static_prio &&
	       cpumask_subset(task->cpus_ptr, current->cpus_ptr);
}

/**
 * xsc_hire() - create a worker for current
 *
 * Return: the worker, or NULL if there can be none.
 */
struct xsc_worker *xsc_hire(void)
{
	struct xsc_worker *w = kzalloc(sizeof(*w), GFP_KERNEL_ACCOUNT);
	unsigned int exceeded = current->flags & PF_NPROC_EXCEEDED;
	struct task_struct *task;

	if (!w)
		return NULL;
	w->owner = current;
	w->win = current->xsc.win;
	init_completion(&w->gone);
	current->xsc.hiring = true;
	task = create_io_thread(xsc_worker_main, w, NUMA_NO_NODE);
	current->xsc.hiring = false;
	if (IS_ERR(task)) {
		kfree(w);
		return NULL;
	}
	/* A thread that the program makes clears it, for it shows that there is room. */
	current->flags |= exceeded;
	w->task = task;
	get_task_struct(task);
	current->xsc.worker = w;
	wake_up_new_task(task);
	return w;
}

/*
 * The worker may have stopped for a SIGSTOP that current is to obey yet, or be
 * about to: it has read its orders then, and sleeps over a new one.  Or it is
 * frozen; then who waits for it here counts as frozen, too.
 */
static void xsc_await_gone(struct xsc_worker *w)
{
	bool patient = true;

	wake_up_state(w->task, __TASK_STOPPED);
	while (!wait_for_completion_timeout(&w->gone, XSC_GONE_PATIENCE)) {
		if (patient)
			cgroup_enter_frozen();
		patient = false;
		__set_current_state(XSC_WAIT);
		schedule_timeout(1);
		wake_up_state(w->task, __TASK_STOPPED);
	}
	if (!patient)
		cgroup_leave_frozen(true);
}

/**
 * xsc_retire() - end the worker of current and wait until it has gone
 *
 * Nothing is in flight, or current is exiting: then what is in flight is cut
 * short.
 */
void xsc_retire(void)
{
	struct xsc_worker *w = current->xsc.worker;

	WRITE_ONCE(w->cancel, true);
	xsc_order(w, XSC_ORDER_STOP);
	set_notify_signal(w->task);
	xsc_await_gone(w);
	xsc_open_polling(w->win, false);
	current->xsc.worker = NULL;
	xsc_count(current, retirements, 1);
	put_task_struct(w->task);
	kfree(w);
}

/**
 * xsc_worker_gone() - who waits for a worker to go may go on
 *
 * It has left the thread group and given back the signal handlers: unshare()
 * counts who has them.
 */
void xsc_worker_gone(struct task_struct *task)
{
	complete(&task->xsc.serves->gone);
}

/**
 * xsc_recharge() - change whether a process is charged for its worker's time
 * @task:	the worker
 * @rule:	.polling or .awaited of it
 *
 * What has been used up to now is accounted first, by the old rule.
 */
void xsc_recharge(struct task_struct *task, bool *rule, bool value)
{
	task_sched_runtime(task);
	WRITE_ONCE(*rule, value);
}

/* While the submitter sleeps for its worker, it is the worker that is charged. */
static void xsc_await(bool awaited)
{
	struct task_struct *task = current->xsc.worker->task;

	xsc_recharge(task, &task->xsc.awaited, awaited);
}

static bool xsc_claim_is(struct xsc_window *win, s64 claim)
{
	return atomic64_read_acquire(&win->claim) == claim;	/* (E) */
}

/**
 * xsc_park() - sleep until the worker has finished the request in @claim
 *
 * Return: false if a signal came first.
 */
bool xsc_park(struct xsc_window *win, s64 claim)
{
	bool done;
	u64 woken;

	if (!xsc_claim_is(win, claim))
		return true;
	xsc_count(current, parks, 1);
	xsc_trace_park(xsc_claim_seq(claim));
	WRITE_ONCE(win->woken_ns, 0);
	xsc_await(true);
	done = !wait_event_freezable(win->parked, !xsc_claim_is(win, claim));
	xsc_await(false);
	if (!done)
		return false;
	woken = READ_ONCE(win->woken_ns);
	if (woken)
		xsc_measured_wake(local_clock() - woken);
	return true;
}

static void xsc_hurry(struct xsc_worker *w)
{
	xsc_count(current, cancels, 1);
	WRITE_ONCE(w->cancel, true);
	set_notify_signal(w->task);
}

/**
 * xsc_cancel() - a signal has come: end the request in @claim early and wait
 *
 * It ends as it would have ended here: only an interruptible sleep is cut
 * short.
 */
void xsc_cancel(struct xsc_worker *w, s64 claim)
{
	xsc_hurry(w);
	xsc_await(true);
	wait_event_state(w->win->parked, !xsc_claim_is(w->win, claim), XSC_WAIT);
	xsc_await(false);
	WRITE_ONCE(w->cancel, false);
}

static bool xsc_handed_back(struct xsc_worker *w)
{
	return smp_load_acquire(&w->handed_done) || READ_ONCE(w->dead);	/* (F) */
}

/**
 * xsc_hand_over() - let the worker run a request of current, and wait for it
 * @w:		worker of current
 * @sqe:	private copy of the request
 * @res:	set to what the call returned
 *
 * Return: false if the worker has not begun it; current may run it.
 */
bool xsc_hand_over(struct xsc_worker *w, const struct xsc_sqe *sqe, long *res)
{
	struct xsc_window *win = w->win;

	w->handed = *sqe;
	w->handed_done = false;
	xsc_order(w, XSC_ORDER_HANDED);
	if (wait_event_freezable(win->parked, xsc_handed_back(w))) {
		/* Not begun: then it is made here, where a signal is pending. */
		if (test_and_clear_bit(XSC_ORDER_HANDED, &w->order))
			return false;
		xsc_hurry(w);
		wait_event_state(win->parked, xsc_handed_back(w), XSC_WAIT);
		WRITE_ONCE(w->cancel, false);
	}
	/* The worker has ended without it, for want of work or with the process. */
	if (!READ_ONCE(w->handed_done))
		return false;
	/*
	 * Interrupted there but not here, by the freezer: nothing has been done, and
	 * nobody here would make another call of it.
	 */
	if (xsc_must_ring(w->handed_res) && !signal_pending(current))
		return false;
	*res = w->handed_res;
	xsc_count(current, handed, 1);
	return true;
}
