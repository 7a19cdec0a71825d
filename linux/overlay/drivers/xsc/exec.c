// SPDX-License-Identifier: GPL-2.0-only
/* execve: is the program tagged, and if so its window and gate. */
#include <linux/audit.h>
#include <linux/binfmts.h>
#include <linux/elf.h>
#include <linux/fs.h>
#include <linux/mm.h>
#include <linux/sched.h>
#include <linux/slab.h>

#include "xsc.h"

/* Notes beyond this are not looked at; linkers put them at a file's start. */
#define XSC_NOTES_MAX	4096

static bool xsc_is_tag(const struct elf64_note *note, const char *name, u32 namesz,
		       const char *desc)
{
	u32 abi;

	if (note->n_type != NT_XSC_ABI || namesz != sizeof(XSC_NOTE_OWNER) ||
	    note->n_descsz != sizeof(abi) ||
	    memcmp(name, XSC_NOTE_OWNER, sizeof(XSC_NOTE_OWNER)))
		return false;
	memcpy(&abi, desc, sizeof(abi));
	return abi == XSC_ABI_VERSION;
}

/* @align is 4, or 8 for the odd toolchain that pads notes to eight bytes. */
static bool xsc_notes_tagged(const char *data, size_t size, size_t align)
{
	while (size >= sizeof(struct elf64_note)) {
		struct elf64_note note;
		size_t name, desc, next;

		memcpy(&note, data, sizeof(note));
		if (note.n_namesz > size || note.n_descsz > size)
			return false;
		name = sizeof(note);
		desc = ALIGN(name + note.n_namesz, align);
		next = ALIGN(desc + note.n_descsz, align);
		if (desc + note.n_descsz > size)
			return false;
		if (xsc_is_tag(&note, data + name, note.n_namesz, data + desc))
			return true;
		if (next >= size)
			return false;
		data += next;
		size -= next;
	}
	return false;
}

static bool xsc_file_tagged(struct file *file, const struct elf64_phdr *phdr,
			    unsigned int phnum)
{
	bool tagged = false;
	char *data = NULL;

	for (; phnum && !tagged; phnum--, phdr++) {
		size_t want = min_t(u64, phdr->p_filesz, XSC_NOTES_MAX);
		loff_t pos = phdr->p_offset;
		ssize_t got;

		if (phdr->p_type != PT_NOTE || !want)
			continue;
		if (!data)
			data = kmalloc(XSC_NOTES_MAX, GFP_KERNEL);
		if (!data)
			return false;
		got = kernel_read(file, data, want, &pos);
		if (got > 0)
			tagged = xsc_notes_tagged(data, got,
						  phdr->p_align == 8 ? 8 : 4);
	}
	kfree(data);
	return tagged;
}

static int xsc_refuse_exec(struct linux_binprm *bprm)
{
	struct audit_buffer *ab;

	/* After ENOEXEC the loaders are asked again once modules were requested. */
	if (bprm->xsc_refused)
		return -ENOEXEC;
	bprm->xsc_refused = 1;
	this_cpu_inc(xsc_execs_refused);
	if (!IS_ENABLED(CONFIG_XSC_AUDIT) || !audit_enabled)
		return -ENOEXEC;
	ab = audit_log_start(audit_context(), GFP_KERNEL, AUDIT_KERNEL_OTHER);
	if (ab) {
		audit_log_format(ab, "op=xsc_exec res=0 path=");
		audit_log_untrustedstring(ab, bprm->filename);
		audit_log_task_info(ab);
		audit_log_end(ab);
	}
	return -ENOEXEC;
}

/**
 * xsc_exec_check() - decide whether the new program gets a gate
 * @bprm:	the exec; xsc_tagged is set in it
 * @elf_class:	of the program; 32-bit programs are never tagged
 * @phdrs:	program headers
 * @phnum:	how many
 * @interp:	PT_INTERP or NULL, and its program headers
 * @interp_phdrs: see @interp
 * @interp_phnum: see @interp
 *
 * Called before the point of no return.
 *
 * Return: -ENOEXEC for an untagged program in enforcing mode, else 0.
 */
int xsc_exec_check(struct linux_binprm *bprm, unsigned char elf_class,
		   const void *phdrs, unsigned int phnum, struct file *interp,
		   const void *interp_phdrs, unsigned int interp_phnum)
{
	enum xsc_mode mode = xsc_mode();

	bprm->xsc_tagged = mode != XSC_OFF && elf_class == ELFCLASS64 &&
		((interp && xsc_file_tagged(interp, interp_phdrs, interp_phnum)) ||
		 xsc_file_tagged(bprm->file, phdrs, phnum));
	if (mode == XSC_ENFORCING && !bprm->xsc_tagged)
		return xsc_refuse_exec(bprm);
	return 0;
}

/*
 * The slow half of xsc_exec_map(): current has the new mm, and the vDSO with
 * the gate is mapped.
 */
int __xsc_exec_map(void)
{
	struct xsc_window *win = xsc_window_get(current->mm);

	if (IS_ERR(win))
		return PTR_ERR(win);
	xsc_attach(current, win);
	return 0;
}

/** xsc_exec_start() - point the new program's GS base at its window */
void xsc_exec_start(void)
{
	current->xsc.left = false;
	if (xsc_task_gated(current))
		xsc_arch_set_base(current, current->xsc.win->addr);
}
