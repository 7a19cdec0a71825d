/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Auxiliary vector processing, x86-64.  */

#ifndef __ILP32__
# include <xsc-init.h>

/* Static programs parse the auxiliary vector first of all, ld.so once it has
   relocated itself.  Neither makes a system call before.  */
# define DL_PLATFORM_AUXV \
  _dl_xsc_init (GLRO (dl_auxv));
#else
# define DL_PLATFORM_AUXV
#endif
