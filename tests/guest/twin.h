/* SPDX-License-Identifier: MIT */
/*
 * Twin tests: one body, run once over trap and once over gate, and what it observed compared.
 *
 * A body runs in a forked child in a fresh directory. Every call it makes with C() is recorded
 * with its number and result; OBS() and OBS_MEM() add side effects. After the body the driver
 * adds what any call could have changed: open descriptors, children, pending signals and the
 * whole content of the directory. The two records must be equal byte for byte, so a body
 * records relations ("is my pid"), never values that differ between two runs.
 */
#ifndef XSC_TEST_TWIN_H
#define XSC_TEST_TWIN_H

#include "harness.h"

struct twin_row {
	const char *name;
	void (*body)(void);
};

struct twin_entry {
	char what[24];
	int64_t value;
};

#define TWIN_MAX_NR 512
#define TWIN_MAX_ENTRIES 3000

/* Shared between driver and child. seen: numbers called; real: those with a result not ENOSYS. */
struct twin_obs {
	uint32_t count;
	uint32_t bad_checks;
	uint32_t lost;
	char why[120];
	uint8_t seen[TWIN_MAX_NR];
	uint8_t real[TWIN_MAX_NR];
	struct twin_entry entry[TWIN_MAX_ENTRIES];
};

extern struct twin_obs *twin_obs;
extern call6_t twin_transport;

/* Calls and records number and result. */
long twin_call(long nr, long a, long b, long c, long d, long e, long f);
/* Calls; records the error, or for success only that it succeeded (pids, addresses, times). */
long twin_call_quiet(long nr, long a, long b, long c, long d, long e, long f);
void twin_record(const char *what, int64_t value);
void twin_record_mem(const char *what, const void *p, size_t n);
void twin_check(bool good, const char *text, int line);
/* Records each entry of a directory with its mode, links, size and content. */
void twin_record_dir(const char *path, int depth);
/* Runs all rows; the program's exit status. */
int twin_main(int argc, char **argv, const struct twin_row *rows, size_t count);

#define TWIN_ARGS_(fn, nr, a, b, c, d, e, f, ...) \
	fn((long)(nr), (long)(a), (long)(b), (long)(c), (long)(d), (long)(e), (long)(f))
#define C(...) TWIN_ARGS_(twin_call, __VA_ARGS__, 0, 0, 0, 0, 0, 0, 0)
#define CQ(...) TWIN_ARGS_(twin_call_quiet, __VA_ARGS__, 0, 0, 0, 0, 0, 0, 0)
#define OBS(what, value) twin_record((what), (int64_t)(value))
#define OBS_MEM(what, p, n) twin_record_mem((what), (p), (n))
/* A condition that must hold over either transport: guards against bodies that test nothing. */
#define CHECK(cond) twin_check((cond), #cond, __LINE__)

#define BAD_PTR 0x10UL                       /* page zero is never mapped */
#define BAD_KPTR 0xffffffff81000000UL        /* kernel text */
#define BAD_NONCANON 0x4141414141414141UL

#endif
