// SPDX-License-Identifier: MIT
/* What the benchmark programs share; see bench.h. */
#include "bench.h"

#include <fcntl.h>
#include <stdarg.h>
#include <sys/auxv.h>
#include <time.h>

#define VERSION 1
#define AT_XSC_BASE 0x58534301UL
#define KNOB "/sys/kernel/xsc/workers"
#define MAX_WANTED 32
#define MAX_COUNTERS 48

struct bench bench = {
	.workers = "auto",
	.dir = "/dev/shm",
	.stock = "/nonexistent",
	.reps = 7,
	.sample_ms = 50,
	.warm_ms = 20,
	.processes = 200,
};

static const char *const names[LANES] = { "trap", "bell", "ring" };
static const char *wanted[MAX_WANTED];
static int wanted_count;
static int only = LANES;
static char knob_before[32];
static const char *knob_now;
static uint64_t began;

void bench_die(const char *fmt, ...)
{
	va_list ap;

	fflush(stdout);
	fputs("bench: ", stderr);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	exit(1);
}

/* Returns false if there is no such file: a kernel without workers. */
static bool knob_read(void)
{
	int fd = open(KNOB, O_RDONLY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return false;
	n = read(fd, knob_before, sizeof(knob_before) - 1);
	close(fd);
	if (n <= 0)
		bench_die("cannot read " KNOB ": %s", strerror(errno));
	knob_before[strcspn(knob_before, "\n")] = 0;
	return true;
}

static void knob_write(const char *value)
{
	int fd;

	if (knob_now && !strcmp(knob_now, value))
		return;
	fd = open(KNOB, O_WRONLY | O_CLOEXEC);
	if (fd < 0 || write(fd, value, strlen(value)) < 0)
		bench_die("cannot write %s to " KNOB ": %s", value, strerror(errno));
	close(fd);
	knob_now = value;
}

struct number {
	const char *name;
	long *to;
	long least;
};

static bool lane_option(const char *name)
{
	for (only = 0; only < LANES; only++)
		if (!strcmp(names[only], name))
			return true;
	return false;
}

static bool option(const char *name, const char *value)
{
	const struct number numbers[] = {
		{ "--reps", &bench.reps, 1 },
		{ "--count", &bench.count, 1 },
		{ "--sample-ms", &bench.sample_ms, 1 },
		{ "--warm-ms", &bench.warm_ms, 0 },
		{ "--processes", &bench.processes, 1 },
	};
	char *end;

	for (size_t i = 0; i < ARRAY_SIZE(numbers); i++) {
		if (strcmp(name, numbers[i].name))
			continue;
		errno = 0;
		*numbers[i].to = strtol(value, &end, 10);
		return !errno && !*end && end != value && *numbers[i].to >= numbers[i].least;
	}
	if (!strcmp(name, "--dir"))
		bench.dir = value;
	else if (!strcmp(name, "--stock"))
		bench.stock = value;
	else if (!strcmp(name, "--workers"))
		bench.workers = value;
	else if (!strcmp(name, "--lane"))
		return lane_option(value);
	else if (!strcmp(name, "--measure") && wanted_count < MAX_WANTED)
		wanted[wanted_count++] = value;
	else
		return false;
	return true;
}

void bench_init(int argc, char **argv, const char *program)
{
	bool gate = getauxval(AT_XSC_BASE) != 0;

	for (int i = 1; i < argc; i += 2) {
		if (i + 1 == argc || !option(argv[i], argv[i + 1])) {
			fprintf(stderr, "bench: %s is no option, or its value is wrong\n", argv[i]);
			exit(64);
		}
	}
	/* A sample must not contain the writing of the line about the one before. */
	setvbuf(stdout, NULL, _IOFBF, 1 << 16);
	bench.offered[LANE_TRAP] = true;
	bench.offered[LANE_BELL] = gate;
	bench.offered[LANE_RING] = gate && knob_read();
	if (only != LANES && !bench.offered[only])
		bench_die("there is no lane %s here", names[only]);
	printf("xsc-bench %d %s\nlanes", VERSION, program);
	for (int i = 0; i < LANES; i++)
		if (bench.offered[i])
			printf(" %s", names[i]);
	putchar('\n');
	began = bench_now();
}

int bench_done(void)
{
	if (bench.offered[LANE_RING])
		knob_write(knob_before);
	printf("end %llu\n", (unsigned long long)(bench_now() - began));
	return fflush(stdout) || ferror(stdout) ? 1 : 0;
}

bool bench_wanted(const char *measure)
{
	for (int i = 0; i < wanted_count; i++)
		if (!strcmp(wanted[i], measure))
			return true;
	return !wanted_count;
}

void bench_absent(const char *measure, const char *reason)
{
	printf("absent %s %s\n", measure, reason);
}

enum lane bench_turn(long rep, int nth)
{
	enum lane here[LANES];
	int count = 0;

	for (int i = 0; i < LANES; i++)
		if (bench.offered[i] && (only == LANES || only == i))
			here[count++] = (enum lane)i;
	if (nth >= count)
		return LANES;
	/* Who begins changes, or the first lane would always pay for cold caches. */
	return here[(nth + rep) % count];
}

void bench_enter(enum lane lane)
{
	if (bench.offered[LANE_RING])
		knob_write(lane == LANE_RING ? bench.workers : "off");
}

unsigned long bench_gate(void)
{
	unsigned long window = getauxval(AT_XSC_BASE);

	return window ? *(const unsigned long *)window : 0;
}

call6_t bench_call(enum lane lane)
{
	return lane == LANE_TRAP ? via_trap : via_gate;
}

uint64_t bench_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

void bench_sleep_ms(long ms)
{
	struct timespec ts = { ms / 1000, ms % 1000 * 1000000 };

	while (nanosleep(&ts, &ts) && errno == EINTR)
		;
}

static void print_pair(const char *kind, const char *measure, enum lane lane, long rep,
		       uint64_t first, uint64_t second)
{
	printf("%s %s %s %ld %llu %llu\n", kind, measure, names[lane], rep,
	       (unsigned long long)first, (unsigned long long)second);
}

void bench_sample(const char *measure, enum lane lane, long rep, uint64_t count, uint64_t ns)
{
	print_pair("sample", measure, lane, rep, count, ns);
}

void bench_burst(const char *measure, enum lane lane, long rep, uint64_t count, uint64_t ns)
{
	print_pair("burst", measure, lane, rep, count, ns);
}

void bench_share(const char *measure, enum lane lane, long rep, uint64_t part, uint64_t whole)
{
	print_pair("share", measure, lane, rep, part, whole);
}

void bench_counter(const char *measure, enum lane lane, long rep, const char *name, long delta)
{
	printf("counter %s %s %ld %s %ld\n", measure, names[lane], rep, name, delta);
}

struct counters {
	int count;
	struct {
		char name[32];
		long value;
	} at[MAX_COUNTERS];
};

static struct counters at_start;

/* Lines whose value is no number (the mode) are none of ours. */
static void counters_read(struct counters *to)
{
	FILE *file = fopen("/proc/self/xsc", "re");
	char line[128];

	to->count = 0;
	while (file && to->count < MAX_COUNTERS && fgets(line, sizeof(line), file))
		if (sscanf(line, "%31[a-z_]: %ld", to->at[to->count].name,
			   &to->at[to->count].value) == 2)
			to->count++;
	if (file)
		fclose(file);
}

void bench_counters_start(void)
{
	counters_read(&at_start);
}

void bench_counters_print(const char *measure, enum lane lane, long rep)
{
	struct counters now;

	counters_read(&now);
	for (int i = 0; i < now.count && i < at_start.count; i++) {
		long delta = now.at[i].value - at_start.at[i].value;

		if (delta && !strcmp(now.at[i].name, at_start.at[i].name))
			bench_counter(measure, lane, rep, now.at[i].name, delta);
	}
}
