/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Choice between the kernel's XSC gate and the fallback at program start.

   This is part of ld.so and of libc.a, never of libc.so: a process has one
   start, and every object in it uses what that start has put into GS base.
   The kernel copies GS base to each new thread and process.  */

#include <ldsodefs.h>
#include <sys/mman.h>
#include <sysdep.h>
#include <xsc-init.h>
#include <xsc-note.h>

#ifndef __ILP32__

# if IS_IN (rtld)
/* Programs get the note from crt1.o and shared objects are linked with
   abi-note.o, but ld.so is linked with neither.  */
XSC_NOTE;
# endif

/* In the part of the data that is made read-only when relocation is done.
   The members are stored at run time because a static PIE needs the table
   before it has relocated itself; for the same reason all that is named here
   is hidden and so is reached relative to the program counter.  */
static struct xsc_table fallback_table
  attribute_relro __attribute__ ((aligned (64)));

void
inhibit_stack_protector
_dl_xsc_init (const ElfW(auxv_t) *auxv)
{
  for (; auxv->a_type != AT_NULL; ++auxv)
    if (auxv->a_type == AT_XSC_BASE)
      {
	/* Replace the instructions that must not be reachable.  The pages
	   stay reserved, because whatever the kernel would place into a hole
	   would look to unwinders and to dladdr like a part of this object.
	   A failure leaves a program that works.  */
	INTERNAL_SYSCALL_CALL (mmap, __xsc_fallback_start,
			       __xsc_fallback_end - __xsc_fallback_start,
			       PROT_NONE,
			       MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED
			       | MAP_NORESERVE, -1, 0);
	return;
      }

  fallback_table.entry = __xsc_fallback_entry;
  fallback_table.entry_raw = __xsc_fallback_entry_raw;
  __xsc_fallback_set_gs (&fallback_table);
}

#endif /* !__ILP32__ */
