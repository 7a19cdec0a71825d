// SPDX-License-Identifier: GPL-2.0-only
/* The vDSO's clocks for tagged programs: their slow path goes through the gate. */
#define VDSO_ENTER_KERNEL "lea 1f(%%rip), %%rcx; jmp *%%gs:0; 1:"
#include "vclock_gettime.c"
