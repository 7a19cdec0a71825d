// SPDX-License-Identifier: GPL-2.0-only
/* A tagged task has executed a trap instruction: count it, or refuse it. */
#include <linux/audit.h>
#include <linux/ptrace.h>
#include <linux/sched/signal.h>

#include "xsc.h"

#define CREATE_TRACE_POINTS
#include "trace.h"

static void xsc_audit_trap(struct pt_regs *regs, long nr)
{
	struct audit_buffer *ab;

	if (!IS_ENABLED(CONFIG_XSC_AUDIT) || !audit_enabled)
		return;
	ab = audit_log_start(audit_context(), GFP_KERNEL, AUDIT_KERNEL_OTHER);
	if (!ab)
		return;
	audit_log_format(ab, "op=xsc_trap res=0 syscall=%ld ip=0x%lx", nr,
			 instruction_pointer(regs));
	audit_log_task_info(ab);
	audit_log_end(ab);
}

/* A trap may change what a worker has inherited as a request may. */
static void xsc_trap_identity(struct pt_regs *regs, long nr)
{
	unsigned long args[6];

	if (!current->xsc.worker)
		return;
	syscall_get_arguments(current, regs, args);
	if (xsc_arch_compat_trap() || xsc_class_identity(nr, args[0], args[1]))
		xsc_retire();
}

/*
 * The slow half of xsc_trap().  ptrace and seccomp have seen the call and may
 * have skipped it (-1); it was a trap all the same.
 */
long __xsc_trap(struct pt_regs *regs, long nr)
{
	long trapped = syscall_get_nr(current, regs);

	xsc_count(current, traps, 1);
	xsc_trace_trap(trapped, instruction_pointer(regs));
	if (xsc_mode() != XSC_ENFORCING) {
		xsc_trap_identity(regs, nr);
		return nr;
	}
	xsc_audit_trap(regs, trapped);
	xsc_arch_refuse_trap(regs);
	return -1;
}
