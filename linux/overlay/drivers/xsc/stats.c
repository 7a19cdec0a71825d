// SPDX-License-Identifier: GPL-2.0-only
/* Counters: /proc/<pid>/xsc, /proc/<pid>/task/<tid>/xsc and /sys/kernel/xsc/. */
#include <linux/kobject.h>
#include <linux/percpu.h>
#include <linux/sched/signal.h>
#include <linux/seq_file.h>
#include <linux/sysfs.h>

#include "xsc.h"

DEFINE_PER_CPU(struct xsc_counts, xsc_totals);
DEFINE_PER_CPU(u64, xsc_untagged_calls);
DEFINE_PER_CPU(u64, xsc_execs_refused);

static void xsc_add(struct xsc_counts *to, const struct xsc_counts *from)
{
	to->calls += READ_ONCE(from->calls);
	to->rewinds += READ_ONCE(from->rewinds);
	to->traps += READ_ONCE(from->traps);
}

/** xsc_sum_totals() - what all tasks did since boot */
void xsc_sum_totals(struct xsc_counts *to)
{
	int cpu;

	*to = (struct xsc_counts){};
	for_each_possible_cpu(cpu)
		xsc_add(to, per_cpu_ptr(&xsc_totals, cpu));
}

static u64 xsc_sum(u64 __percpu *counter)
{
	u64 sum = 0;
	int cpu;

	for_each_possible_cpu(cpu)
		sum += READ_ONCE(*per_cpu_ptr(counter, cpu));
	return sum;
}

static int xsc_show(struct seq_file *m, struct task_struct *task,
		    const struct xsc_counts *counts)
{
	seq_printf(m, "mode: %s\n", xsc_mode_name(xsc_mode()));
	seq_printf(m, "tagged: %d\n", xsc_task_gated(task));
	seq_printf(m, "calls: %llu\n", counts->calls);
	seq_printf(m, "rewinds: %llu\n", counts->rewinds);
	seq_printf(m, "traps: %llu\n", counts->traps);
	return 0;
}

/** proc_pid_xsc() - one thread */
int proc_pid_xsc(struct seq_file *m, struct pid_namespace *ns,
		 struct pid *pid, struct task_struct *task)
{
	struct xsc_counts counts = {};

	xsc_add(&counts, &task->xsc.counts);
	return xsc_show(m, task, &counts);
}

/** proc_tgid_xsc() - a process: its live threads and those that have exited */
int proc_tgid_xsc(struct seq_file *m, struct pid_namespace *ns,
		  struct pid *pid, struct task_struct *task)
{
	struct xsc_counts counts = {};
	struct task_struct *t = task;
	unsigned long flags;

	if (lock_task_sighand(task, &flags)) {
		counts = task->signal->xsc;
		do {
			xsc_add(&counts, &t->xsc.counts);
		} while_each_thread(task, t);
		unlock_task_sighand(task, &flags);
	}
	return xsc_show(m, task, &counts);
}

#define XSC_ATTR(name, fmt, ...)						\
static ssize_t name##_show(struct kobject *kobj, struct kobj_attribute *attr,	\
			   char *buf)						\
{										\
	struct xsc_counts totals;						\
										\
	xsc_sum_totals(&totals);						\
	return sysfs_emit(buf, fmt "\n", __VA_ARGS__);				\
}										\
static struct kobj_attribute name##_attr = __ATTR_RO(name)

XSC_ATTR(mode, "%s", xsc_mode_name(xsc_mode()));
XSC_ATTR(abi, "%u", XSC_ABI_VERSION);
XSC_ATTR(calls, "%llu", totals.calls);
XSC_ATTR(rewinds, "%llu", totals.rewinds);
XSC_ATTR(traps, "%llu", totals.traps);
XSC_ATTR(untagged_calls, "%llu", xsc_sum(&xsc_untagged_calls));
XSC_ATTR(execs_refused, "%llu", xsc_sum(&xsc_execs_refused));

static struct attribute *xsc_attrs[] = {
	&mode_attr.attr,
	&abi_attr.attr,
	&calls_attr.attr,
	&rewinds_attr.attr,
	&traps_attr.attr,
	&untagged_calls_attr.attr,
	&execs_refused_attr.attr,
	NULL,
};

static const struct attribute_group xsc_group = {
	.attrs = xsc_attrs,
};

int __init xsc_stats_init(void)
{
	struct kobject *kobj = kobject_create_and_add("xsc", kernel_kobj);

	if (!kobj)
		return -ENOMEM;
	return sysfs_create_group(kobj, &xsc_group);
}
