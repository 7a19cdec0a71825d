/* SPDX-License-Identifier: GPL-2.0-only */
/* The vDSO of tagged programs: that of all 64-bit programs, and the gate. */
#define BUILD_VDSO64

#include "vdso-layout.lds.S"

VERSION {
	LINUX_2.6 {
	global:
		clock_gettime;
		__vdso_clock_gettime;
		gettimeofday;
		__vdso_gettimeofday;
		getcpu;
		__vdso_getcpu;
		time;
		__vdso_time;
		clock_getres;
		__vdso_clock_getres;
		__kernel_xsc;
	local: *;
	};
}
