/* SPDX-License-Identifier: GPL-2.0-only */
/* x86 side of the XSC hooks: which vDSO to map, whose GS base it is. */
#ifndef _ASM_X86_XSC_H
#define _ASM_X86_XSC_H

#include <asm/vdso.h>
#include <linux/binfmts.h>
#include <linux/xsc.h>

/**
 * xsc_copy_frame() - move the frame of an exception to the task's stack
 * @to:		there
 * @from:	what the processor and the entry code have pushed
 *
 * Word by word, for a bell comes by here: a string instruction takes longer to
 * get going than all of these take.
 */
static __always_inline void xsc_copy_frame(struct pt_regs *to, const struct pt_regs *from)
{
	const unsigned long *source = (const unsigned long *)from;
	unsigned long *target = (unsigned long *)to;
	unsigned int i;

#pragma GCC unroll 21
	for (i = 0; i < sizeof(*to) / sizeof(*target); i++)
		WRITE_ONCE(target[i], READ_ONCE(source[i]));
}

#ifdef CONFIG_XSC

extern const struct vdso_image vdso_image_xsc;

/** xsc_vdso_image() - the vDSO with the gate for a tagged program */
static inline const struct vdso_image *xsc_vdso_image(const struct linux_binprm *bprm)
{
	return bprm->xsc_tagged ? &vdso_image_xsc : &vdso_image_64;
}

/** xsc_exec_map() - give a tagged program its window; after the vDSO */
static inline int xsc_exec_map(const struct linux_binprm *bprm)
{
	return bprm->xsc_tagged ? __xsc_exec_map() : 0;
}

void xsc_vdso_moved(unsigned long to);

#else

static inline const struct vdso_image *xsc_vdso_image(const struct linux_binprm *bprm)
{
	return &vdso_image_64;
}
static inline int xsc_exec_map(const struct linux_binprm *bprm) { return 0; }
static inline void xsc_vdso_moved(unsigned long to) { }

#endif
#endif /* _ASM_X86_XSC_H */
