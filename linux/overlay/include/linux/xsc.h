/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Hooks of exception-less system calls: an inline test each, so that a task
 * without a gate pays one load, and nothing at all when XSC is not built.
 */
#ifndef _LINUX_XSC_H
#define _LINUX_XSC_H

#include <linux/percpu.h>
#include <linux/sched.h>
#include <linux/xsc_types.h>

struct file;
struct kernel_clone_args;
struct linux_binprm;
struct mm_struct;
struct pid;
struct pid_namespace;
struct pt_regs;
struct seq_file;
struct signal_struct;
struct vm_area_struct;

#ifdef CONFIG_XSC

DECLARE_PER_CPU(u64, xsc_untagged_calls);

int __xsc_copy_task(struct task_struct *p, u64 clone_flags,
		    const struct kernel_clone_args *args);
void __xsc_put_window(struct task_struct *p, struct mm_struct *mm);
bool __xsc_sealed(struct mm_struct *mm, unsigned long start, unsigned long end);
bool xsc_vma_sealed(const struct vm_area_struct *vma);
int xsc_exec_check(struct linux_binprm *bprm, unsigned char elf_class,
		   const void *phdrs, unsigned int phnum, struct file *interp,
		   const void *interp_phdrs, unsigned int interp_phnum);
int __xsc_exec_map(void);
void xsc_exec_start(void);
bool __xsc_bell(struct pt_regs *regs);
bool __xsc_astray(struct pt_regs *regs);
long __xsc_trap(struct pt_regs *regs, long nr);
void xsc_thread_gone(struct signal_struct *sig, struct task_struct *p);
void xsc_worker_gone(struct task_struct *p);
void xsc_retire(void);
void __xsc_settle(struct pt_regs *regs);
void __xsc_worker_sleeping(struct task_struct *task);
void __xsc_account_tick(u64 cputime, int index);
bool __xsc_tick_in_wait(void);
int proc_pid_xsc(struct seq_file *m, struct pid_namespace *ns,
		 struct pid *pid, struct task_struct *task);
int proc_tgid_xsc(struct seq_file *m, struct pid_namespace *ns,
		  struct pid *pid, struct task_struct *task);

/** xsc_task_gated() - does @p enter the kernel through a gate? */
static __always_inline bool xsc_task_gated(const struct task_struct *p)
{
	return p->xsc.win;
}

/** xsc_mm_init() - a new mm has no windows; dup_mm() has copied the old pointer */
#define xsc_mm_init(mm) ((void)((mm)->xsc = NULL))

/**
 * xsc_bell() - serve a fault of user mode if it is the bell of this task
 *
 * Return: true when the fault was a request and has been served; interrupts
 * are off then.
 */
static __always_inline bool xsc_bell(struct pt_regs *regs, unsigned long address)
{
	return unlikely(address == current->xsc.bell) && __xsc_bell(regs);
}

/**
 * xsc_astray() - serve an exception of user mode, before its signal, if it is
 * what became of a call by a program that has GS base for itself
 *
 * Return: true when it was, and has been served.
 */
static inline bool xsc_astray(struct pt_regs *regs)
{
	return xsc_task_gated(current) && __xsc_astray(regs);
}

/** xsc_copy_task() - give a new task a window if its creator has one */
static inline int xsc_copy_task(struct task_struct *p, u64 clone_flags,
				const struct kernel_clone_args *args)
{
	p->xsc = (struct xsc_task){ .left = current->xsc.left };
	return xsc_task_gated(current) ? __xsc_copy_task(p, clone_flags, args) : 0;
}

/** xsc_mm_release() - @p leaves @mm; its window may serve the next thread */
static inline void xsc_mm_release(struct task_struct *p, struct mm_struct *mm)
{
	if (xsc_task_gated(p))
		__xsc_put_window(p, mm);
}

/** xsc_sealed() - would this unmap take a page of a window? */
#define xsc_sealed(mm, start, end) \
	((mm)->xsc && __xsc_sealed(mm, start, end))

/**
 * xsc_trap() - a trap instruction was executed; called after the entry work
 *
 * Return: the number to execute, or -1 when the trap has been refused.
 */
static __always_inline long xsc_trap(struct pt_regs *regs, long nr)
{
	if (unlikely(xsc_task_gated(current) || current->xsc.left))
		return __xsc_trap(regs, nr);
	this_cpu_inc(xsc_untagged_calls);
	return nr;
}

/** xsc_is_worker() - is @p a thread that no program has made? */
static __always_inline bool xsc_is_worker(const struct task_struct *p)
{
	return p->xsc.serves;
}

/**
 * xsc_processes() - how many processes of its user is @p?
 *
 * A worker is none, from when it is a mere copy of its submitter on.
 */
static __always_inline long xsc_processes(const struct task_struct *p)
{
	return !xsc_is_worker(p) && !p->xsc.hiring;
}

/**
 * xsc_pid_ns() - where new task @p gets its numbers
 *
 * A worker gets none in a namespace of containers, where numbers can be foreseen:
 * as kernel threads it has one in the first namespace only.
 */
#define xsc_pid_ns(p) \
	(xsc_is_worker(p) ? &init_pid_ns : (p)->nsproxy->pid_ns_for_children)

/** xsc_drop_worker() - current is about to become another program, or to end */
static inline void xsc_drop_worker(void)
{
	if (unlikely(current->xsc.worker))
		xsc_retire();
}

/** xsc_settle() - signals are looked at next; no request may be in flight */
static inline void xsc_settle(struct pt_regs *regs)
{
	if (unlikely(current->xsc.worker))
		__xsc_settle(regs);
}

/** xsc_thread_left() - @p shares nothing of its process any more that others count */
static inline void xsc_thread_left(struct task_struct *p)
{
	if (unlikely(xsc_is_worker(p)))
		xsc_worker_gone(p);
}

/** xsc_worker_sleeping() - an I/O worker, of whatever kind, goes to sleep */
static inline void xsc_worker_sleeping(struct task_struct *p)
{
	if (xsc_is_worker(p))
		__xsc_worker_sleeping(p);
}

/**
 * xsc_uncharged() - does @p run at a time that its process is charged for anyway?
 *
 * A submitter that does not sleep is charged for its own time: what its worker
 * does meanwhile is what it would have done itself, or looking for requests.
 */
static __always_inline bool xsc_uncharged(const struct task_struct *p)
{
	return xsc_is_worker(p) && READ_ONCE(p->xsc.polling) && !READ_ONCE(p->xsc.awaited);
}

/** xsc_charge() - what @p's process and groups are charged for @ns of it; under its rq lock */
static __always_inline u64 xsc_charge(struct task_struct *p, u64 ns)
{
	if (likely(!xsc_is_worker(p)))
		return ns;
	if (xsc_uncharged(p))
		return 0;
	WRITE_ONCE(p->xsc.charged_ns, p->xsc.charged_ns + ns);
	return ns;
}

/** xsc_runtime() - the part of @p's run time @ns that its process is charged for */
static __always_inline u64 xsc_runtime(const struct task_struct *p, u64 ns)
{
	return likely(!xsc_is_worker(p)) ? ns : READ_ONCE(p->xsc.charged_ns);
}

/**
 * xsc_account_tick() - a tick of kernel time of @p
 *
 * Return: true if it is the machine's only, and has been accounted.
 */
static __always_inline bool xsc_account_tick(struct task_struct *p, u64 cputime, int index)
{
	if (likely(!xsc_uncharged(p)))
		return false;
	__xsc_account_tick(cputime, index);
	return true;
}

/** xsc_tick_in_wait() - a tick of current in user mode: does it wait for its worker? */
static __always_inline bool xsc_tick_in_wait(void)
{
	return unlikely(current->xsc.worker) && __xsc_tick_in_wait();
}

#else /* !CONFIG_XSC */

static inline bool xsc_task_gated(const struct task_struct *p) { return false; }
static inline int xsc_copy_task(struct task_struct *p, u64 clone_flags,
				const struct kernel_clone_args *args) { return 0; }
static inline void xsc_mm_release(struct task_struct *p, struct mm_struct *mm) { }
static inline bool xsc_vma_sealed(const struct vm_area_struct *vma) { return false; }
static inline int xsc_exec_check(struct linux_binprm *bprm, unsigned char elf_class,
				 const void *phdrs, unsigned int phnum,
				 struct file *interp, const void *interp_phdrs,
				 unsigned int interp_phnum) { return 0; }
static inline void xsc_exec_start(void) { }
static inline bool xsc_bell(struct pt_regs *regs, unsigned long address) { return false; }
static inline bool xsc_astray(struct pt_regs *regs) { return false; }
static inline long xsc_trap(struct pt_regs *regs, long nr) { return nr; }
static inline void xsc_thread_gone(struct signal_struct *sig, struct task_struct *p) { }
static inline void xsc_thread_left(struct task_struct *p) { }
static inline void xsc_drop_worker(void) { }
static inline void xsc_settle(struct pt_regs *regs) { }
static inline void xsc_worker_sleeping(struct task_struct *p) { }
static inline bool xsc_is_worker(const struct task_struct *p) { return false; }
static inline u64 xsc_charge(struct task_struct *p, u64 ns) { return ns; }
static inline u64 xsc_runtime(const struct task_struct *p, u64 ns) { return ns; }
static inline bool xsc_account_tick(struct task_struct *p, u64 cputime, int index) { return false; }
static inline bool xsc_tick_in_wait(void) { return false; }
#define xsc_mm_init(mm) do { } while (0)
#define xsc_pid_ns(p) ((p)->nsproxy->pid_ns_for_children)
#define xsc_processes(p) 1
#define xsc_sealed(mm, start, end) false

#endif /* CONFIG_XSC */
#endif /* _LINUX_XSC_H */
