// SPDX-License-Identifier: GPL-2.0-only
/* The vDSO's clocks for tagged programs: their slow path goes through the gate. */
#include <linux/stringify.h>
#include <uapi/linux/xsc.h>

#define VDSO_ENTER_KERNEL						\
	"0: lea 1f(%%rip), %%rcx; mov $" __stringify(XSC_SITE) ", %%r11d; " \
	"jmp *%%gs:0; jmp 0b; 1:"
#include "vclock_gettime.c"
