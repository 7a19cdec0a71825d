// SPDX-License-Identifier: GPL-2.0-only
/*
 * Exception-less system calls, start of reading.
 *
 * PROTOCOL (caller context)
 *
 * Each task with a gate owns a window: CTRL tells where the gate is, SR holds
 * one request, CR the last result, BELL faults.  The gate is vDSO code
 * (arch/x86/entry/vdso/vxsc.S); k is the number of the last request that the
 * kernel consumed from this window.
 *
 *	gate (user mode)			kernel
 *
 *	[1] s = CR.seq + 1
 *	[2] SR.nr, flags, args, user_data
 *	[3] SR.seq = s
 *	[4] store to BELL -> page fault		[5] copy SR once		(A)
 *						[6] copy.seq == k + 1, well
 *						    formed?  no: back to [1]
 *						[7] k = copy.seq; run the copy
 *						    on the user's registers
 *						[8] CR.res, ..., CR.seq = k	(B)
 *						[9] exit work: signals, ptrace
 *	    rax = result, back to rcx	<-
 *
 * Exactly once: a request runs only in [7], and [6] admits each number once.
 * The gate can be interrupted anywhere in [1]..[4] by a signal handler, or
 * diverted by a debugger, that makes requests of its own in the same slot.
 * They advance k and CR.seq, so the interrupted gate rings with an old number
 * and is sent back to [1], where it builds the request again from the
 * registers, all of which it preserves.  If nothing ran in between, the slot
 * still holds what it stored.
 *
 * Restarting an interrupted call is the ordinary ip -= 2: the landing pad to
 * which every request returns lies two bytes behind a jump to [1].
 *
 * SR is writable by every thread of the process at every moment.  ring.c reads
 * it, once; whatever that copy says is what ptrace, seccomp, audit and
 * tracepoints see and what is executed.
 *
 * BARRIERS
 * (A) acquire of SR.seq, pairs with the gate's last store [3]
 * (B) release of CR.seq, pairs with a reader that loads CR.seq first
 *
 * LOCKING, outermost first
 *  1. mmap_lock		maps windows, creates and frees mm->xsc
 *  2. xsc_mm.lock		lists of windows
 * task_struct.xsc belongs to the task itself, or to its creator until it runs.
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
	register_sysctl_init("kernel", xsc_sysctls);
	register_reboot_notifier(&xsc_reboot_nb);
	pr_info("xsc: mode %s, ABI %u\n", xsc_mode_name(xsc_mode()), XSC_ABI_VERSION);
	return xsc_stats_init();
}
core_initcall(xsc_init);
