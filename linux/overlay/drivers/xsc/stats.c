// SPDX-License-Identifier: GPL-2.0-only
/* Counters: /proc/<pid>/xsc, /proc/<pid>/task/<tid>/xsc and /sys/kernel/xsc/. */
#include <linux/kernel_stat.h>
#include <linux/kobject.h>
#include <linux/percpu.h>
#include <linux/sched/signal.h>
#include <linux/seq_file.h>
#include <linux/sysfs.h>

#include "xsc.h"

DEFINE_PER_CPU(struct xsc_counts, xsc_totals);
DEFINE_PER_CPU(u64, xsc_untagged_calls);
DEFINE_PER_CPU(u64, xsc_execs_refused);

static const struct {
	const char *name;
	size_t offset;
} xsc_fields[] = {
#define XSC_FIELD(field)	{ #field, offsetof(struct xsc_counts, field) }
	XSC_FIELD(calls),
	XSC_FIELD(worker),
	XSC_FIELD(caller_class),
	XSC_FIELD(caller_idle),
	XSC_FIELD(handed),
	XSC_FIELD(bells),
	XSC_FIELD(spins),
	XSC_FIELD(punted),
	XSC_FIELD(parks),
	XSC_FIELD(cancels),
	XSC_FIELD(taken_back),
	XSC_FIELD(rebuilt),
	XSC_FIELD(astray),
	XSC_FIELD(starts),
	XSC_FIELD(retirements),
	XSC_FIELD(poll_ns),
	XSC_FIELD(traps),
};

static u64 *xsc_field(const struct xsc_counts *counts, int i)
{
	return (void *)counts + xsc_fields[i].offset;
}

/** xsc_add_counts() - @from may be written to at the same time */
void xsc_add_counts(struct xsc_counts *to, const struct xsc_counts *from)
{
	int i;

	BUILD_BUG_ON(sizeof(*to) != ARRAY_SIZE(xsc_fields) * sizeof(u64));
	for (i = 0; i < ARRAY_SIZE(xsc_fields); i++)
		*xsc_field(to, i) += READ_ONCE(*xsc_field(from, i));
}

/** xsc_sum_totals() - what all tasks did since boot */
void xsc_sum_totals(struct xsc_counts *to)
{
	int cpu;

	*to = (struct xsc_counts){};
	for_each_possible_cpu(cpu)
		xsc_add_counts(to, per_cpu_ptr(&xsc_totals, cpu));
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
	int i;

	seq_printf(m, "mode: %s\n", xsc_mode_name(xsc_mode()));
	seq_printf(m, "tagged: %d\n", xsc_task_gated(task));
	for (i = 0; i < ARRAY_SIZE(xsc_fields); i++)
		seq_printf(m, "%s: %llu\n", xsc_fields[i].name, *xsc_field(counts, i));
	return 0;
}

/** proc_pid_xsc() - one thread */
int proc_pid_xsc(struct seq_file *m, struct pid_namespace *ns,
		 struct pid *pid, struct task_struct *task)
{
	struct xsc_counts counts = {};

	xsc_add_counts(&counts, &task->xsc.counts);
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
			xsc_add_counts(&counts, &t->xsc.counts);
		} while_each_thread(task, t);
		unlock_task_sighand(task, &flags);
	}
	return xsc_show(m, task, &counts);
}

/* The slow half of xsc_account_tick(): the processor was busy, and nobody pays. */
void __xsc_account_tick(u64 cputime, int index)
{
	__this_cpu_add(kernel_cpustat.cpustat[index], cputime);
}

#define XSC_ATTR(name, fmt, value)						\
static ssize_t name##_show(struct kobject *kobj, struct kobj_attribute *attr,	\
			   char *buf)						\
{										\
	return sysfs_emit(buf, fmt "\n", value);				\
}										\
static struct kobj_attribute name##_attr = __ATTR_RO(name)

XSC_ATTR(mode, "%s", xsc_mode_name(xsc_mode()));
XSC_ATTR(abi, "%u", XSC_ABI_VERSION);
XSC_ATTR(untagged_calls, "%llu", xsc_sum(&xsc_untagged_calls));
XSC_ATTR(execs_refused, "%llu", xsc_sum(&xsc_execs_refused));

/* The totals of struct xsc_counts, one file each. */
static struct kobj_attribute xsc_total_attrs[ARRAY_SIZE(xsc_fields)];

static ssize_t xsc_total_show(struct kobject *kobj, struct kobj_attribute *attr,
			      char *buf)
{
	struct xsc_counts totals;

	xsc_sum_totals(&totals);
	return sysfs_emit(buf, "%llu\n", *xsc_field(&totals, attr - xsc_total_attrs));
}

static int __init xsc_create_totals(struct kobject *kobj)
{
	int i, err;

	for (i = 0; i < ARRAY_SIZE(xsc_fields); i++) {
		struct kobj_attribute *attr = &xsc_total_attrs[i];

		sysfs_attr_init(&attr->attr);
		attr->attr.name = xsc_fields[i].name;
		attr->attr.mode = 0444;
		attr->show = xsc_total_show;
		err = sysfs_create_file(kobj, &attr->attr);
		if (err)
			return err;
	}
	return 0;
}

static struct attribute *xsc_attrs[] = {
	&mode_attr.attr,
	&abi_attr.attr,
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
	return sysfs_create_group(kobj, &xsc_group) ?: xsc_create_totals(kobj) ?:
	       xsc_poll_init(kobj);
}
