/* SPDX-License-Identifier: MIT */
/* Operations that are a call or two, and the files that they use. */
#ifndef XSC_OPS_H
#define XSC_OPS_H

#include "bench.h"

#define OPS 7

struct op {
	const char *name;
	long (*run)(call6_t c);	/* negative errno if it failed */
};

extern const struct op ops[OPS];

void ops_open(void);
void ops_close(void);

#endif
