/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* ELF notes of every program and of the shared objects of the C library.  */

#include <csu/abi-note.c>

#ifndef __ILP32__
# include <xsc-note.h>

XSC_NOTE;
#endif
