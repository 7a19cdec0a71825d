// SPDX-License-Identifier: GPL-2.0-only
/* What XSC needs to know of x86: the gate's place, user registers, GS base. */
#include <linux/audit.h>
#include <linux/mm.h>
#include <linux/nospec.h>
#include <linux/randomize_kstack.h>
#include <linux/sched/signal.h>
#include <linux/pkeys.h>
#include <linux/syscalls.h>

#include <asm/alternative.h>
#include <asm/fsgsbase.h>
#include <asm/nospec-branch.h>
#include <asm/segment.h>
#include <asm/syscall.h>
#include <asm/xsc.h>
#include <asm/xsc_auxv.h>
#include <asm/xsc_frame.h>

#include "../../../drivers/xsc/xsc.h"

static unsigned long vdso_addr(const struct mm_struct *mm, long sym)
{
	return (unsigned long)mm->context.vdso + sym;
}

/** xsc_auxv_base() - AT_XSC_BASE of current, 0 without a gate */
u64 xsc_auxv_base(void)
{
	return xsc_task_gated(current) ? current->xsc.win->addr : 0;
}

/** xsc_arch_gate() - user address of the gate that rings (gate A) */
unsigned long xsc_arch_gate(const struct mm_struct *mm)
{
	return vdso_addr(mm, vdso_image_xsc.sym___kernel_xsc);
}

/*
 * What vxsc.S says of gate B, in bytes from the map itself.  [0] is the code
 * that waits for even numbers, [1] that for odd ones.
 */
struct xsc_poll_map {
	s32 poll;
	struct {
		s32 start;	/* return address in rcx */
		s32 saved;	/* from here in r11 */
		s32 published;	/* from here the number is in the slot */
		s32 bell;
		s32 end;
	} wait[2];
};

static const struct xsc_poll_map *poll_map(void)
{
	return vdso_image_xsc.data + vdso_image_xsc.sym_xsc_poll_map;
}

static unsigned long poll_addr(const struct mm_struct *mm, s32 offset)
{
	return vdso_addr(mm, vdso_image_xsc.sym_xsc_poll_map) + offset;
}

/** xsc_arch_gate_poll() - user address of the gate that waits (gate B) */
unsigned long xsc_arch_gate_poll(const struct mm_struct *mm)
{
	return poll_addr(mm, poll_map()->poll);
}

/** xsc_arch_gate_wait() - its code that waits for odd or for even numbers */
unsigned long xsc_arch_gate_wait(const struct mm_struct *mm, bool odd)
{
	return poll_addr(mm, poll_map()->wait[odd].start);
}

/** xsc_arch_place() - where in gate B does the user stand? */
struct xsc_place xsc_arch_place(const struct pt_regs *regs)
{
	const struct xsc_poll_map *map = poll_map();
	struct xsc_place place = { .stage = XSC_OUTSIDE };
	const struct mm_struct *mm = current->mm;
	unsigned long ip = regs->ip;
	int odd;

	if (ip < poll_addr(mm, map->poll) || ip >= poll_addr(mm, map->wait[1].end) ||
	    !user_64bit_mode((struct pt_regs *)regs))
		return place;
	place.stage = XSC_BUILDING;
	for (odd = 0; odd < 2; odd++) {
		if (ip < poll_addr(mm, map->wait[odd].published) ||
		    ip >= poll_addr(mm, map->wait[odd].end))
			continue;
		place.stage = XSC_PUBLISHED;
		place.odd = odd;
		place.bell = ip == poll_addr(mm, map->wait[odd].bell);
	}
	return place;
}

/* Where gate B keeps the return address. */
static unsigned long return_address(const struct pt_regs *regs)
{
	const struct xsc_poll_map *map = poll_map();
	const struct mm_struct *mm = current->mm;
	int odd;

	for (odd = 0; odd < 2; odd++)
		if (regs->ip >= poll_addr(mm, map->wait[odd].saved) &&
		    regs->ip < poll_addr(mm, map->wait[odd].end))
			return regs->r11;
	return regs->cx;
}

/**
 * xsc_vdso_moved() - mremap() moves the vDSO of current to @to
 */
void xsc_vdso_moved(unsigned long to)
{
	struct mm_struct *mm = current->mm;

	if (mm->context.vdso_image != &vdso_image_xsc)
		return;
	/* The caller's next statement; the gates are computed from it. */
	mm->context.vdso = (void __user *)to;
	xsc_window_set_gates(mm);
}

/** xsc_arch_rewind() - from gate B: build the request again, by the gate that rings */
void xsc_arch_rewind(struct pt_regs *regs)
{
	regs->cx = return_address(regs);
	regs->ip = xsc_arch_gate(current->mm);
}

/**
 * xsc_arch_deliver() - give a user in gate B the result of its request
 * @regs:	user registers; become those of a system call that has returned
 * @nr:		the call
 * @res:	result or negative errno, -ERESTART* if a signal is pending
 */
void xsc_arch_deliver(struct pt_regs *regs, long nr, long res)
{
	regs->cx = return_address(regs);
	regs->orig_ax = nr;
	regs->ax = res;
	xsc_arch_leave(regs);
}

/** xsc_arch_leave_wait() - from a bell of gate B on, return as gate A does */
void xsc_arch_leave_wait(struct pt_regs *regs)
{
	regs->cx = return_address(regs);
}

/**
 * xsc_arch_show_call() - a user at a bell waits in the kernel for a worker
 * @regs:	user registers
 * @show:	while it does, /proc/<pid>/syscall takes its call from them; before
 *		a signal is looked at they must be a fault's again
 */
void xsc_arch_show_call(struct pt_regs *regs, bool show)
{
	regs->orig_ax = show ? regs->ax : -1;
}

/*
 * An exception does not clear the branch history as the SYSCALL entry does,
 * and the call table must not be reached with one that user space has shaped.
 */
static __always_inline void clear_branch_history(void)
{
	asm volatile(ALTERNATIVE("", "call clear_bhb_loop", X86_FEATURE_CLEAR_BHB_LOOP)
		     : ASM_CALL_CONSTRAINT : : "rax", "rcx", "cc", "memory");
}

/**
 * xsc_arch_dispatch() - run the call through the kernel's own table
 * @regs:	frame as of xsc_arch_enter() or as a tracer left it
 * @nr:		from the entry work; -1 when a tracer or filter skipped the call
 */
void xsc_arch_dispatch(struct pt_regs *regs, long nr)
{
	unsigned int unr = (int)nr;

	clear_branch_history();
	add_random_kstack_offset();
	if (likely(unr < NR_syscalls)) {
		unr = array_index_nospec(unr, NR_syscalls);
		regs->ax = x64_sys_call(regs, unr);
	} else if ((int)nr != -1) {
		regs->ax = __x64_sys_ni_syscall(regs);
	}
}

/** xsc_arch_emulated() - does QEMU translate this code, with a dear PAUSE? */
bool xsc_arch_emulated(void)
{
	return boot_cpu_has(X86_FEATURE_HYPERVISOR) &&
	       hypervisor_cpuid_base("TCGTCGTCGTCG", 0);
}

/*
 * PKRU is a register of the submitter; a worker has another one.  A process
 * that uses protection keys makes its calls itself.
 */
bool xsc_arch_worker_allowed(void)
{
	return !cpu_feature_enabled(X86_FEATURE_OSPKE) ||
	       mm_pkey_allocation_map(current->mm) == 1;
}

/** xsc_arch_is_vdso() - does the vDSO of current begin at @addr? */
bool xsc_arch_is_vdso(unsigned long addr)
{
	return addr == vdso_addr(current->mm, 0);
}

/** xsc_arch_compat_trap() - is the trap being served from the 32-bit table? */
bool xsc_arch_compat_trap(void)
{
	return in_ia32_syscall();
}

/** xsc_arch_has_base() - has a task not yet running this GS base, beside whatever selector? */
bool xsc_arch_has_base(const struct task_struct *p, unsigned long base)
{
	return p->thread.gsbase == base;
}

/** xsc_arch_set_base() - set the GS base of current, or of a task not yet running */
void xsc_arch_set_base(struct task_struct *p, unsigned long base)
{
	if (p != current) {
		p->thread.gsindex = 0;
		p->thread.gsbase = base;
		return;
	}
	preempt_disable();
	load_gs_index(0);
	current->thread.gsindex = 0;
	x86_gsbase_write_cpu_inactive(base);
	/* save_base_legacy() keeps what it finds here when FSGSBASE is absent. */
	current->thread.gsbase = base;
	preempt_enable();
}

/* What is in front of a return address: jmp *%gs:entry, and the way back. */
struct xsc_site {
	u8	opcode[4];
	s32	entry;
	u8	back[2];
} __packed;

static bool read_site(unsigned long addr, struct xsc_site *site)
{
	static const u8 jump_by_gs[] = { 0x65, 0xff, 0x24, 0x25 };

	return !copy_from_user(site, (void __user *)addr, sizeof(*site)) &&
	       !memcmp(site->opcode, jump_by_gs, sizeof(jump_by_gs)) &&
	       (site->entry == offsetof(struct xsc_ctrl, entry) ||
		site->entry == offsetof(struct xsc_ctrl, entry_raw)) &&
	       site->back[0] == 0xeb;
}

/**
 * xsc_arch_astray() - is this exception what became of a site's jump?
 * @regs:	user registers; rcx says where the site is
 *
 * GS base is not the window's, and the word that it led to could not be read, or
 * is where the user cannot go.  Each call that returns has left something else
 * than XSC_SITE in r11, so a wild jump behind one is none of ours.
 */
bool xsc_arch_astray(const struct pt_regs *regs)
{
	unsigned long base = x86_gsbase_read_cpu_inactive();
	unsigned long addr = regs->cx - sizeof(struct xsc_site), target;
	struct xsc_site site;

	if (base == current->xsc.win->addr ||
	    !user_64bit_mode((struct pt_regs *)regs) || !read_site(addr, &site))
		return false;
	if (regs->ip == addr)
		return true;
	return regs->r11 == XSC_SITE &&
	       !get_user(target, (unsigned long __user *)(base + site.entry)) &&
	       regs->ip == target;
}

/** xsc_arch_refuse_trap() - undo the entry of a trap and raise SIGSYS for it */
void xsc_arch_refuse_trap(struct pt_regs *regs)
{
	struct kernel_siginfo info;

	clear_siginfo(&info);
	info.si_signo = SIGSYS;
	info.si_code = SYS_XSC;
	info.si_call_addr = (void __user *)instruction_pointer(regs);
	info.si_arch = syscall_get_arch(current);
	info.si_syscall = syscall_get_nr(current, regs);
	syscall_rollback(current, regs);
	force_sig_info(&info);
}
