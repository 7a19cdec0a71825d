// SPDX-License-Identifier: MIT
/*
 * bench-path: one operation in one lane, again and again on one CPU until SIGTERM, for somebody who
 * looks on from outside (xsc.bench.path).
 *
 * Before the first one it prints `loop CPU GATE`: the CPU that it stays on, and in hexadecimal the
 * address of the gate's code, 0 without a gate.
 */
#include "ops.h"

#include <sched.h>
#include <signal.h>

static volatile sig_atomic_t stop;

static void on_term(int number)
{
	(void)number;
	stop = 1;
}

/* Stays on the last CPU it may use: the first one serves most interrupts. */
static int pin(void)
{
	cpu_set_t set;
	int cpu = CPU_SETSIZE - 1;

	if (sched_getaffinity(0, sizeof(set), &set))
		bench_die("no affinity: %s", strerror(errno));
	while (cpu > 0 && !CPU_ISSET(cpu, &set))
		cpu--;
	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	if (sched_setaffinity(0, sizeof(set), &set))
		bench_die("cannot stay on CPU %d: %s", cpu, strerror(errno));
	return cpu;
}

static const struct op *wanted(void)
{
	const struct op *found = NULL;

	for (size_t i = 0; i < OPS; i++) {
		if (!bench_wanted(ops[i].name))
			continue;
		if (found)
			bench_die("--measure has to name one operation");
		found = &ops[i];
	}
	if (!found)
		bench_die("--measure names no operation");
	return found;
}

int main(int argc, char **argv)
{
	const struct op *op;
	enum lane lane;
	call6_t call;
	long ret;

	bench_init(argc, argv, "path");
	op = wanted();
	ops_open();
	signal(SIGTERM, on_term);
	lane = bench_turn(0, 0);
	bench_enter(lane);
	call = bench_call(lane);
	printf("loop %d %lx\n", pin(), bench_gate());
	fflush(stdout);
	do {
		ret = op->run(call);
	} while (ret >= 0 && !stop);
	ops_close();
	if (ret < 0)
		bench_die("%s failed: %s", op->name, strerror((int)-ret));
	return bench_done();
}
