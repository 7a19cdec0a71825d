/* SPDX-License-Identifier: MIT */
/*
 * A child that makes one call a number of times, but not before its observer is ready. The call is
 * harmless, fails with EINVAL, and has six arguments that are easy to recognise.
 */
#ifndef XSC_TEST_OBSERVED_H
#define XSC_TEST_OBSERVED_H

#include "harness.h"

#define OBSERVED_NR SYS_getpriority

struct observed {
	pid_t pid;
	int start;
};

static struct observed observed_fork(call6_t transport, int calls)
{
	struct observed o;
	int p[2];
	char c;

	if (pipe(p))
		exit(1);
	o.start = p[1];
	o.pid = fork();
	if (!o.pid) {
		close(p[1]);
		if (read(p[0], &c, 1) != 1)
			_exit(1);
		for (int i = 0; i < calls; i++)
			transport(OBSERVED_NR, 0x11223344, 0x21, 0x31, 0x41, 0x51, 0x61);
		_exit(0);
	}
	close(p[0]);
	return o;
}

/* Lets the child make its calls. The caller waits for its end. */
static void observed_go(struct observed o)
{
	if (write(o.start, "g", 1) != 1)
		exit(1);
	close(o.start);
}

#endif
