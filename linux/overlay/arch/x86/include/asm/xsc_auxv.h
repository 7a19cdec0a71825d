/* SPDX-License-Identifier: GPL-2.0-only */
/* What auxv tells a tagged program; apart from asm/xsc.h, for asm/elf.h wants no more. */
#ifndef _ASM_X86_XSC_AUXV_H
#define _ASM_X86_XSC_AUXV_H

#ifdef CONFIG_XSC
#include <linux/types.h>
#include <uapi/linux/xsc.h>

u64 xsc_auxv_base(void);

/* Three entries: AT_VECTOR_SIZE_ARCH counts them. */
#define XSC_DLINFO							\
do {									\
	u64 base = xsc_auxv_base();					\
									\
	if (base) {							\
		NEW_AUX_ENT(AT_XSC_BASE, base);				\
		NEW_AUX_ENT(AT_XSC_ABI, XSC_ABI_VERSION);		\
		NEW_AUX_ENT(AT_XSC_FEATURES,				\
			    XSC_FEAT_CALLER | XSC_FEAT_WORKER);		\
	}								\
} while (0)
#else
#define XSC_DLINFO do { } while (0)
#endif

#endif /* _ASM_X86_XSC_AUXV_H */
