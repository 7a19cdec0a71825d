/* SPDX-License-Identifier: MIT */
/*
 * Whole programs of the image, start to end. Their trap lane is the same command in the same tree of
 * files, but for the C library: over XSC's lies Debian's own, from --stock. Those processes, and all
 * that they start, are untagged and trap, on the same kernel.
 */
#ifndef XSC_BENCH_WHOLE_H
#define XSC_BENCH_WHOLE_H

#include "bench.h"

#define WHOLE_ARGS 20

/* A command: its path and arguments, and the directory that it runs in, or NULL. */
struct whole {
	const char *measure;
	const char *argv[WHOLE_ARGS];
	const char *directory;
};

/* Once before the first command, and once after the last. */
void whole_init(void);
void whole_done(void);

/* One run in a lane; its exit code must be 0. Returns nanoseconds. */
uint64_t whole_once(const struct whole *w, enum lane lane);

/* All samples of a measure, or a line that says what is not in the image. */
void whole_measure(const struct whole *w);

#endif
