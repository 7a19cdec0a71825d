/* SPDX-License-Identifier: MIT */
/*
 * What the benchmark programs share: lanes, options, the clock, and the lines they print.
 *
 * A lane is a way into the kernel. The programs change between the lanes after every sample, so
 * that whatever slows the machine down meanwhile hits all of them.
 *
 *	trap	the `syscall` instruction, executed by this tagged program
 *	bell	the gate, with workers switched off: the caller executes each request itself
 *	ring	the gate, with the workers' policy that --workers names
 *
 * With --lane only that one has its turns.
 *
 * Output, one record per line, names without blanks; xsc.bench.samples reads it:
 *
 *	xsc-bench VERSION PROGRAM	first
 *	lanes LANE...			those that exist here
 *	sample MEASURE LANE REP COUNT NS
 *	burst MEASURE LANE REP COUNT NS	the median of the bursts that a sample is made of
 *	share MEASURE LANE REP PART WHOLE
 *	counter MEASURE LANE REP NAME DELTA
 *	absent MEASURE REASON...	why a measure is missing
 *	loop CPU GATE			bench-path only; its source says what it is
 *	end NS				last: without it the program did not get through
 */
#ifndef XSC_BENCH_H
#define XSC_BENCH_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "transport.h"

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

enum lane { LANE_TRAP, LANE_BELL, LANE_RING, LANES };

struct bench {
	bool offered[LANES];
	const char *workers;	/* what `ring` writes into the kernel's knob */
	const char *dir;	/* where files are made: a file system in memory */
	const char *stock;	/* directory with Debian's own C library */
	long reps;		/* samples of each lane */
	long count;		/* calls of a sample; 0: as many as sample_ms is long */
	long sample_ms;
	long warm_ms;		/* time a lane runs before its sample begins */
	long processes;		/* sleeping processes of bench-idle */
};

extern struct bench bench;

void bench_init(int argc, char **argv, const char *program);
int bench_done(void);
void bench_die(const char *fmt, ...) __attribute__((noreturn, format(printf, 1, 2)));
bool bench_wanted(const char *measure);
void bench_absent(const char *measure, const char *reason);

/* The lane of the nth sample of a repetition, or LANES when there is none left. */
enum lane bench_turn(long rep, int nth);
void bench_enter(enum lane lane);
call6_t bench_call(enum lane lane);
/* Where the gate's code is that this thread would jump to now, or 0. */
unsigned long bench_gate(void);

uint64_t bench_now(void);
void bench_sleep_ms(long ms);
void bench_sample(const char *measure, enum lane lane, long rep, uint64_t count, uint64_t ns);
void bench_burst(const char *measure, enum lane lane, long rep, uint64_t count, uint64_t ns);
void bench_share(const char *measure, enum lane lane, long rep, uint64_t part, uint64_t whole);
void bench_counter(const char *measure, enum lane lane, long rep, const char *name, long delta);

/* /proc/self/xsc: remember it, and print what has moved since. */
void bench_counters_start(void);
void bench_counters_print(const char *measure, enum lane lane, long rep);

#endif
