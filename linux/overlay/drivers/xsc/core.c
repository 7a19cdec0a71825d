// SPDX-License-Identifier: GPL-2.0-only
/*
 * Exception-less system calls, start of reading.
 *
 * PROTOCOL
 *
 * Each task with a gate owns a window: CTRL tells where the gate is, SR holds
 * one request, CR the last result, BELL faults.  The gates are vDSO code
 * (arch/x86/entry/vdso/vxsc.S).  Who may run a request says the claim, a number
 * and a state in one word that user space cannot reach; k is its number.
 *
 *	IDLE(k)		everything up to k is over
 *	CALLER(k)	the submitter runs k, in the kernel
 *	WORKER(k)	its worker runs k
 *	PUNTED(k)	the worker gave k back, unrun
 *
 * Gate A, while nobody looks at the window:
 *
 *	gate (user mode)			kernel
 *
 *	[1] s = CR.seq + 1
 *	[2] SR.nr, flags = 0, args, user_data
 *	[3] SR.seq = s
 *	[4] store to BELL -> page fault		[5] copy SR once		(A)
 *						[6] IDLE(k) -> CALLER(k + 1)	(D)
 *						[7] not k + 1, or not what the
 *						    registers say?  Take those;
 *						    run the copy
 *						[8] CR.res, ..., CR.seq		(B)
 *						[9] IDLE(k + 1)			(E)
 *						[10] exit work: signals, ptrace
 *	    rax = result, back to rcx	<-
 *
 * Exactly once: [7] runs once for each store to BELL, behind which the user goes
 * on at the return address.  The gate can be interrupted anywhere in [1]..[4] by
 * a signal handler, or diverted by a debugger, that makes requests of its own in
 * the same slot.  Then the slot holds one of theirs, or a mixture, and an old
 * number.  The registers still hold the request of the gate that rings, for it
 * preserves them all; nobody else has made it, for a number is claimed once, and
 * a worker takes none that was published without POLL.
 *
 * A program with a GS base of its own gets to no gate; the fault that its call
 * ends in is taken for the bell of gate A, with a slot that holds something else.
 *
 * Gate B, while a worker looks:
 *
 *	gate (user mode)			worker
 *
 *	[1] SR.seq = CR.seq			[a] SR.seq == k + 1, flags == POLL?	(A)
 *	[2] SR.nr, flags = POLL, args, ...	[b] IDLE(k) -> WORKER(k + 1)	(D)
 *	[3] SR.seq = CR.seq + 1			[c] copy SR once; not k + 1, or not
 *	[4] wait until wait[bit 0 of s] == 0	    for a worker: ring, PUNTED(k + 1)
 *						[d] run the copy; if it sleeps: ring
 *						[e] CR.res, wait[other] = 1, ring,
 *						    CR.seq, wait[bit 0 of s] = 0  (B)(C)
 *						[f] IDLE(k + 1)			(E)
 *	[5] ring == 0: rax = CR.res
 *	    else, or tired of waiting: BELL
 *
 * "Ring" means ring = 1, wait[bit 0 of s] = 0.  What the bell finds:
 *	IDLE, s == k + 1	nobody has it: claim and run it, as in [6] and [7]
 *	PUNTED(s)		the same
 *	WORKER(s)		sleep until the claim changes
 *	IDLE(s)			done: put the result into the registers
 * Gate B exists twice, for even and for odd numbers, so the place of the fault
 * says bit 0 of s; s is k or k + 1, so that tells which.
 *
 * Exactly once: by the claim, and what a bell runs is in the registers.  [1] makes sure that a number which
 * an interrupted gate A has left in the slot is gone before flags == POLL can be
 * seen there: a worker that has seen POLL copies the new request or none.
 *
 * Signals.  Gate B waits for a number, and a handler's request could have that
 * very number.  Instead settle.c takes the user out of it
 * before anything else can run there, be it a handler or a tracer:
 *	before [3] is done	flags = 0; back to gate A
 *	IDLE, s == k + 1	taken back: claim and finish s unrun; back to gate A
 *	PUNTED(s)		finish s unrun; back to gate A
 *	WORKER(s)		interrupt the worker, wait for [f]
 *	IDLE(s)			the result goes into the registers as from a system
 *				call, for the signal code to restart or not
 *
 * A worker that goes to rest points CTRL.entry to gate A and looks at SR once
 * more (G).  A request that even so nobody takes comes in by the bell when its
 * gate is tired of waiting: the time is lost, the request is not.
 *
 * Restarting an interrupted call is the ordinary ip -= 2: in front of each return
 * address is a jump of two bytes, back to the code that enters the gate.
 *
 * SR is writable by every thread of the process at every moment.  ring.h copies
 * it, once; whatever that copy says, or the registers of the task if they say
 * something else, is what ptrace, seccomp, audit and tracepoints see and what is
 * executed.
 *
 * The model in linux/model/xsc.pml is checked with spin.
 *
 * BARRIERS
 * (A) acquire of SR.seq, pairs with the gate's last store [3]
 * (B) release of CR.seq, pairs with a reader that loads CR.seq first
 * (C) releases of ring and wait[], pair with the gate's loads in [4] and [5];
 *     x86 keeps loads in order, and stores
 * (D) full order of the claim: the copy is no older than what [a] saw
 * (E) release of the claim, pairs with every acquire of it: results and effects
 *     of the request come before
 * (F) release of handed_done, pairs with the submitter's acquire
 * (G) full barrier between the store of CTRL.entry and the last look at SR
 *
 * LOCKING, outermost first
 *  1. mmap_lock		maps windows, creates and frees mm->xsc
 *  2. xsc_mm.lock		lists of windows
 * task_struct.xsc belongs to the task itself, or to its creator until it runs.
 * A worker belongs to its submitter, and lives shorter.
 */
#include <linux/build_bug.h>
#include <linux/cache.h>
#include <linux/init.h>
#include <linux/printk.h>
#include <linux/reboot.h>
#include <linux/string.h>
#include <linux/sysctl.h>

#include "xsc.h"

static int xsc_mode_value __read_mostly = XSC_PERMISSIVE;

static const char * const xsc_mode_names[] = {
	[XSC_OFF]		= "off",
	[XSC_PERMISSIVE]	= "permissive",
	[XSC_ENFORCING]		= "enforcing",
};

/** xsc_mode() - the mode in force; it only ever rises */
enum xsc_mode xsc_mode(void)
{
	return READ_ONCE(xsc_mode_value);
}

const char *xsc_mode_name(enum xsc_mode mode)
{
	return xsc_mode_names[mode];
}

static int __init xsc_setup(char *arg)
{
	int mode = match_string(xsc_mode_names, ARRAY_SIZE(xsc_mode_names), arg);

	if (mode < 0) {
		pr_err("xsc: xsc=%s is unknown, use off, permissive or enforcing; staying %s\n",
		       arg, xsc_mode_name(xsc_mode()));
		return -EINVAL;
	}
	xsc_mode_value = mode;
	return 0;
}
early_param("xsc", xsc_setup);

/* Writes may tighten the mode, never loosen it. */
static int xsc_mode_sysctl(struct ctl_table *table, int write, void *buffer,
			   size_t *lenp, loff_t *ppos)
{
	int mode = xsc_mode();
	struct ctl_table copy = {
		.data	= &mode,
		.maxlen	= sizeof(mode),
		.mode	= table->mode,
		.extra1	= SYSCTL_ZERO,
		.extra2	= SYSCTL_TWO,
	};
	int old = mode;
	int err = proc_dointvec_minmax(&copy, write, buffer, lenp, ppos);

	if (err || !write || mode == old)
		return err;
	if (mode < old)
		return -EPERM;
	while (old < mode) {
		int seen = cmpxchg(&xsc_mode_value, old, mode);

		if (seen == old)
			break;
		old = seen;
	}
	return 0;
}

static struct ctl_table xsc_sysctls[] = {
	{
		.procname	= "xsc_mode",
		.maxlen		= sizeof(int),
		.mode		= 0644,
		.proc_handler	= xsc_mode_sysctl,
	},
	{ }
};

/* The last word of a boot: what its programs did, after they have all gone. */
static int xsc_reboot(struct notifier_block *nb, unsigned long action, void *data)
{
	struct xsc_counts totals;

	xsc_sum_totals(&totals);
	pr_info("xsc: shutdown: calls %llu traps %llu\n", totals.calls, totals.traps);
	return NOTIFY_DONE;
}

static struct notifier_block xsc_reboot_nb = {
	.notifier_call = xsc_reboot,
};

#define XSC_CHECK(type, field, off) \
	BUILD_BUG_ON(offsetof(struct type, field) != (off))

static void __init xsc_build_check_abi(void)
{
	BUILD_BUG_ON(sizeof(struct xsc_sqe) != 64);
	XSC_CHECK(xsc_sqe, seq, 0);
	XSC_CHECK(xsc_sqe, nr, 4);
	XSC_CHECK(xsc_sqe, flags, 6);
	XSC_CHECK(xsc_sqe, args, 8);
	XSC_CHECK(xsc_sqe, user_data, 56);
	BUILD_BUG_ON(sizeof(struct xsc_cqe) != 32);
	XSC_CHECK(xsc_cqe, seq, 0);
	XSC_CHECK(xsc_cqe, flags, 4);
	XSC_CHECK(xsc_cqe, res, 8);
	XSC_CHECK(xsc_cqe, user_data, 16);
	XSC_CHECK(xsc_cqe, ts, 24);
	BUILD_BUG_ON(sizeof(struct xsc_wait) != 24);
	XSC_CHECK(xsc_wait, wait, 0);
	XSC_CHECK(xsc_wait, gate, 8);
	XSC_CHECK(xsc_wait, spins, 16);
	XSC_CHECK(xsc_wait, ring, 20);
	/* The gate reads one cache line and the worker writes one. */
	BUILD_BUG_ON(XSC_OFF_WAIT - XSC_OFF_CR + sizeof(struct xsc_wait) > 64);
	BUILD_BUG_ON(sizeof(struct xsc_ctrl) != 32);
	XSC_CHECK(xsc_ctrl, entry, 0);
	XSC_CHECK(xsc_ctrl, entry_raw, 8);
	XSC_CHECK(xsc_ctrl, magic, 16);
	XSC_CHECK(xsc_ctrl, abi, 20);
	XSC_CHECK(xsc_ctrl, features, 24);
	BUILD_BUG_ON(PAGE_SIZE != XSC_OFF_SR - XSC_OFF_CTRL);
}

static int __init xsc_init(void)
{
	xsc_build_check_abi();
	xsc_class_init();
	register_sysctl_init("kernel", xsc_sysctls);
	register_reboot_notifier(&xsc_reboot_nb);
	pr_info("xsc: mode %s, ABI %u\n", xsc_mode_name(xsc_mode()), XSC_ABI_VERSION);
	return xsc_stats_init();
}
core_initcall(xsc_init);
