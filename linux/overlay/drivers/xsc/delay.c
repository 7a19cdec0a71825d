// SPDX-License-Identifier: GPL-2.0-only
/*
 * Delays at the points where requests change hands, for tests: a race that
 * takes a nanosecond to lose takes a millisecond instead.
 *
 * /sys/kernel/debug/xsc/delay_{claim,complete,reap}_us; each delay is of random
 * length up to the given one, and of no length in half of the cases.
 */
#include <linux/debugfs.h>
#include <linux/delay.h>
#include <linux/init.h>
#include <linux/random.h>

#include "xsc.h"

#define XSC_DELAY_MAX_US	1000

static const char * const xsc_delay_names[XSC_DELAY_POINTS] = {
	[XSC_DELAY_CLAIM]	= "delay_claim_us",
	[XSC_DELAY_COMPLETE]	= "delay_complete_us",
	[XSC_DELAY_REAP]	= "delay_reap_us",
};

static u32 xsc_delays[XSC_DELAY_POINTS] __read_mostly;

/* Set once a delay is: before that, the points cost nothing. */
DEFINE_STATIC_KEY_FALSE(xsc_delays_used);

/* The slow half of xsc_delay(). */
void __xsc_delay(enum xsc_delay_point point)
{
	u32 most = READ_ONCE(xsc_delays[point]);

	if (!most || get_random_u32() & 1)
		return;
	udelay(prandom_u32_max(most) + 1);
}

static int xsc_delay_get(void *data, u64 *value)
{
	*value = READ_ONCE(*(u32 *)data);
	return 0;
}

static int xsc_delay_set(void *data, u64 value)
{
	if (value > XSC_DELAY_MAX_US)
		return -ERANGE;
	WRITE_ONCE(*(u32 *)data, value);
	static_branch_enable(&xsc_delays_used);
	return 0;
}
DEFINE_DEBUGFS_ATTRIBUTE(xsc_delay_fops, xsc_delay_get, xsc_delay_set, "%llu\n");

static int __init xsc_delay_init(void)
{
	struct dentry *dir = debugfs_create_dir("xsc", NULL);
	int point;

	for (point = 0; point < XSC_DELAY_POINTS; point++)
		debugfs_create_file_unsafe(xsc_delay_names[point], 0600, dir,
					   &xsc_delays[point], &xsc_delay_fops);
	return 0;
}
late_initcall(xsc_delay_init);
