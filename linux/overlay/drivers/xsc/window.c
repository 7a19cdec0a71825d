// SPDX-License-Identifier: GPL-2.0-only
/*
 * Windows: the four pages through which a task passes its requests.
 *
 * One VMA per window.  It is VM_PFNMAP, so that nobody can pin, poke or copy
 * its pages, and it has neither VM_WRITE nor VM_MAYWRITE: the page table entry
 * of SR is made writable when it is entered, once, and a write fault anywhere
 * in the window is an error before anybody thinks of a private copy.  User and
 * kernel therefore go on seeing the same pages.  User space can neither unmap,
 * move, split nor re-protect a window (see xsc_sealed() in munmap and mremap,
 * mprotect below), hence %gs:0 always is what the kernel wrote there.
 *
 * Windows stay mapped until the address space dies; a window whose task has
 * gone serves the next one.  A process thus maps as many as it ever had tasks
 * at the same time.  One exception: the only task of an address space may unmap
 * its window, as checkpointing does, and has no gate from then on.
 */
#include <linux/mm.h>
#include <linux/mman.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>
#include <linux/syscalls.h>

#include "xsc.h"

static void xsc_window_free(struct xsc_window *win)
{
	free_page((unsigned long)win->ctrl);
	free_page((unsigned long)win->sr);
	free_page((unsigned long)win->cr);
	kfree(win);
}

static struct xsc_window *xsc_window_alloc(void)
{
	struct xsc_window *win = kzalloc(sizeof(*win), GFP_KERNEL_ACCOUNT);

	if (!win)
		return NULL;
	INIT_LIST_HEAD(&win->idle);
	init_waitqueue_head(&win->parked);
	win->ctrl = (void *)get_zeroed_page(GFP_KERNEL_ACCOUNT);
	win->sr = (void *)get_zeroed_page(GFP_KERNEL_ACCOUNT);
	win->cr = (void *)get_zeroed_page(GFP_KERNEL_ACCOUNT);
	if (!win->ctrl || !win->sr || !win->cr) {
		xsc_window_free(win);
		return NULL;
	}
	win->wait = (void *)win->cr + XSC_OFF_WAIT - XSC_OFF_CR;
	return win;
}

/*
 * Every page that may be touched is there from the start and stays: a fault is
 * an access to BELL by somebody else than the gate, or a write to CTRL or CR.
 */
static vm_fault_t xsc_vm_fault(struct vm_fault *vmf)
{
	return VM_FAULT_SIGSEGV;
}

static int xsc_vm_mprotect(struct vm_area_struct *vma, unsigned long start,
			   unsigned long end, unsigned long newflags)
{
	return -EACCES;
}

static int xsc_vm_may_split(struct vm_area_struct *vma, unsigned long addr)
{
	return -EINVAL;
}

static const char *xsc_vm_name(struct vm_area_struct *vma)
{
	return "[xsc]";
}

/* The page tables are gone and flushed; nobody can reach the pages any more. */
static void xsc_vm_close(struct vm_area_struct *vma)
{
	struct xsc_window *win = vma->vm_private_data;
	struct mm_struct *mm = vma->vm_mm;
	struct xsc_mm *xm = mm->xsc;
	bool last;

	if (win == current->xsc.win)
		xsc_leave();
	spin_lock(&xm->lock);
	list_del(&win->all);
	list_del(&win->idle);
	last = list_empty(&xm->all);
	spin_unlock(&xm->lock);
	xsc_window_free(win);
	if (last) {
		mm->xsc = NULL;
		kfree(xm);
	}
}

static const struct vm_operations_struct xsc_vm_ops = {
	.fault		= xsc_vm_fault,
	.mprotect	= xsc_vm_mprotect,
	.may_split	= xsc_vm_may_split,
	.close		= xsc_vm_close,
	.name		= xsc_vm_name,
};

bool xsc_vma_sealed(const struct vm_area_struct *vma)
{
	return vma->vm_ops == &xsc_vm_ops;
}

/*
 * Current unmaps its own window, by munmap().  No worker looks there, see
 * xsc_class_identity(); the request that does it is not completed, as one for
 * execve is not; and no other task has a window of this address space.  Who is to
 * get one has a creator that has one.
 */
static bool xsc_may_leave(struct mm_struct *mm, unsigned long start, unsigned long end)
{
	const struct xsc_task *xt = &current->xsc;
	const struct xsc_window *win;
	bool may;

	if (mm != current->mm || !xt->win || xt->worker)
		return false;
	/* Others only make room, and say that there is none. */
	if (xsc_arch_compat_trap() ||
	    syscall_get_nr(current, current_pt_regs()) != __NR_munmap)
		return false;
	may = start <= xt->win->addr && xt->win->addr + XSC_WINDOW_SIZE <= end;
	spin_lock(&mm->xsc->lock);
	list_for_each_entry(win, &mm->xsc->all, all)
		may = may && (win == xt->win || !list_empty(&win->idle));
	spin_unlock(&mm->xsc->lock);
	return may;
}

bool __xsc_sealed(struct mm_struct *mm, unsigned long start, unsigned long end)
{
	VMA_ITERATOR(vmi, mm, start);
	struct vm_area_struct *vma;

	for_each_vma_range(vmi, vma, end)
		if (xsc_vma_sealed(vma))
			return !xsc_may_leave(mm, start, end);
	return false;
}

static void xsc_window_reset(struct xsc_window *win, struct mm_struct *mm)
{
	xsc_reset_rings(win, mm);
	*win->ctrl = (struct xsc_ctrl) {
		.entry		= xsc_arch_gate(mm),
		.entry_raw	= xsc_arch_gate(mm),
		.magic		= XSC_CTRL_MAGIC,
		.abi		= XSC_ABI_VERSION,
		.features	= XSC_FEATURES,
	};
}

static struct xsc_mm *xsc_mm_get(struct mm_struct *mm)
{
	struct xsc_mm *xm = mm->xsc;

	mmap_assert_write_locked(mm);
	if (xm)
		return xm;
	xm = kmalloc(sizeof(*xm), GFP_KERNEL_ACCOUNT);
	if (!xm)
		return NULL;
	spin_lock_init(&xm->lock);
	INIT_LIST_HEAD(&xm->all);
	INIT_LIST_HEAD(&xm->idle);
	mm->xsc = xm;
	return xm;
}

static bool xsc_insert(struct vm_area_struct *vma, unsigned long off,
		       const void *page, unsigned long vm_flags)
{
	vm_fault_t fault = vmf_insert_pfn_prot(vma, vma->vm_start + off,
					       PHYS_PFN(__pa(page)),
					       vm_get_page_prot(vm_flags | VM_SHARED));

	return !(fault & VM_FAULT_ERROR);
}

/**
 * xsc_window_map() - map a new window
 * @mm:		address space; mmap_lock is held for writing
 * @addr:	where, page aligned and free
 *
 * The three pages are entered at once: faults on them are never served.
 *
 * Return: the window, or an ERR_PTR.
 */
struct xsc_window *xsc_window_map(struct mm_struct *mm, unsigned long addr)
{
	struct vm_area_struct *vma;
	struct xsc_window *win;
	struct xsc_mm *xm;
	int err = -ENOMEM;

	win = xsc_window_alloc();
	if (!win)
		return ERR_PTR(-ENOMEM);
	vma = vm_area_alloc(mm);
	if (!vma)
		goto err_free_window;
	xm = xsc_mm_get(mm);
	if (!xm)
		goto err_free_vma;

	vma->vm_start = addr;
	vma->vm_end = addr + XSC_WINDOW_SIZE;
	vma->vm_flags = VM_READ | VM_MAYREAD | VM_IO | VM_PFNMAP | VM_DONTCOPY |
			VM_DONTEXPAND | VM_DONTDUMP;
	vma->vm_page_prot = vm_get_page_prot(VM_READ);
	vma->vm_ops = &xsc_vm_ops;
	vma->vm_private_data = win;
	win->addr = addr;
	xsc_window_reset(win, mm);

	err = insert_vm_struct(mm, vma);
	if (err)
		goto err_free_mm;
	vm_stat_account(mm, vma->vm_flags, XSC_WINDOW_SIZE >> PAGE_SHIFT);

	/* From here on the VMA owns the window, xsc_vm_close() frees it. */
	spin_lock(&xm->lock);
	list_add(&win->all, &xm->all);
	spin_unlock(&xm->lock);

	if (!xsc_insert(vma, XSC_OFF_CTRL, win->ctrl, VM_READ) ||
	    !xsc_insert(vma, XSC_OFF_SR, win->sr, VM_READ | VM_WRITE) ||
	    !xsc_insert(vma, XSC_OFF_CR, win->cr, VM_READ))
		/* No page table: unusable, and never idle.  It goes with the mm. */
		return ERR_PTR(-ENOMEM);
	return win;

err_free_mm:
	if (list_empty(&xm->all)) {
		mm->xsc = NULL;
		kfree(xm);
	}
err_free_vma:
	vm_area_free(vma);
err_free_window:
	xsc_window_free(win);
	return ERR_PTR(err);
}

static struct xsc_window *xsc_window_reuse(struct mm_struct *mm)
{
	struct xsc_mm *xm = READ_ONCE(mm->xsc);
	struct xsc_window *win;

	if (!xm)
		return NULL;
	spin_lock(&xm->lock);
	win = list_first_entry_or_null(&xm->idle, struct xsc_window, idle);
	if (win)
		list_del_init(&win->idle);
	spin_unlock(&xm->lock);
	if (win)
		xsc_window_reset(win, mm);
	return win;
}

/**
 * xsc_window_get() - a window of the caller's own address space
 *
 * Return: an idle window, else a new one, else an ERR_PTR.
 */
struct xsc_window *xsc_window_get(struct mm_struct *mm)
{
	struct xsc_window *win = xsc_window_reuse(mm);
	unsigned long addr;

	if (win)
		return win;
	if (mmap_write_lock_killable(mm))
		return ERR_PTR(-EINTR);
	addr = get_unmapped_area(NULL, 0, XSC_WINDOW_SIZE, 0, 0);
	win = IS_ERR_VALUE(addr) ? ERR_PTR(addr) : xsc_window_map(mm, addr);
	mmap_write_unlock(mm);
	return win;
}

/** xsc_window_put() - the window's task has gone */
void xsc_window_put(struct mm_struct *mm, struct xsc_window *win)
{
	struct xsc_mm *xm = mm->xsc;

	spin_lock(&xm->lock);
	list_add(&win->idle, &xm->idle);
	spin_unlock(&xm->lock);
}

/** xsc_window_set_gates() - the vDSO was moved; every gate moves with it */
void xsc_window_set_gates(struct mm_struct *mm)
{
	struct xsc_mm *xm = mm->xsc;
	struct xsc_window *win;

	if (!xm)
		return;
	spin_lock(&xm->lock);
	list_for_each_entry(win, &xm->all, all)
		xsc_move_gates(win, mm);
	spin_unlock(&xm->lock);
}
