/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The ELF note that tells the kernel that a program uses the XSC gate.

   The kernel gives a gate to a program if it or its interpreter carries the
   note.  The alignment is 4 like that of the other notes of an executable:
   .note.gnu.property, which is aligned to 8, keeps a segment to itself.  */

#ifndef _XSC_NOTE_H
#define _XSC_NOTE_H 1

#include <link.h>
#include <stdint.h>

#define NT_XSC_ABI	1
#define XSC_ABI_VERSION	1

#define XSC_NOTE							      \
  __attribute__ ((used, aligned (4), section (".note.xsc")))		      \
  static const struct							      \
  {									      \
    ElfW(Nhdr) nhdr;							      \
    char name[4];							      \
    uint32_t desc;							      \
  } __xsc_note =							      \
    {									      \
      { sizeof __xsc_note.name, sizeof __xsc_note.desc, NT_XSC_ABI },	      \
      "XSC", XSC_ABI_VERSION						      \
    }

#endif /* xsc-note.h */
