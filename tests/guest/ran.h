/* SPDX-License-Identifier: MIT */
/*
 * Where and how threads ran, workers among them, which nothing else shows: the scheduler's own
 * tracepoints, of threads with a given name. A worker has the name that its submitter had.
 */
#ifndef XSC_TEST_RAN_H
#define XSC_TEST_RAN_H

#include "beside.h"

#define RAN_THREADS 16
#define RAN_CPUS 8

struct ran_thread {
	pid_t tid;
	long ns[RAN_CPUS];	/* CPU time, by processor */
	int priority;		/* as the kernel counts: 120 is nice 0; -1 if it was not switched to */
};

struct ran {
	int count;
	struct ran_thread threads[RAN_THREADS];
};

static char ran_dir[128];

static bool ran_put(const char *file, const char *text)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/%s", ran_dir, file);
	return b_put(path, text);
}

/*
 * Prepares for threads of one name; false where there are no such tracepoints. They stay enabled:
 * each time they go off and on the kernel patches its code, which QEMU before 8.1 may not survive.
 */
T_UNUSED static bool ran_init(const char *name)
{
	char filter[96];

	mount("nodev", "/sys/kernel/tracing", "tracefs", 0, NULL);
	strcpy(ran_dir, "/sys/kernel/tracing/instances/xsc-ran");
	if (mkdir(ran_dir, 0700) && errno != EEXIST)
		return false;
	snprintf(filter, sizeof(filter), "comm == \"%s\"", name);
	if (!ran_put("events/sched/sched_stat_runtime/filter", filter))
		return false;
	snprintf(filter, sizeof(filter), "next_comm == \"%s\"", name);
	return ran_put("events/sched/sched_switch/filter", filter) &&
	       ran_put("events/sched/sched_stat_runtime/enable", "1") &&
	       ran_put("events/sched/sched_switch/enable", "1") && ran_put("tracing_on", "0");
}

T_UNUSED static struct ran_thread *ran_thread(struct ran *r, pid_t tid)
{
	for (int i = 0; i < r->count; i++)
		if (r->threads[i].tid == tid)
			return &r->threads[i];
	W_MUST(r->count < RAN_THREADS);
	r->threads[r->count] = (struct ran_thread){ .tid = tid, .priority = -1 };
	return &r->threads[r->count++];
}

/* "NAME-TID [CPU] ... EVENT: fields". */
static void ran_line(struct ran *r, const char *line)
{
	const char *cpu = strchr(line, '['), *p;
	long tid, ns, priority;

	if (!cpu || *line == '#')
		return;
	p = strstr(line, "sched_stat_runtime: ");
	if (p && (p = strstr(p, " pid=")) && sscanf(p, " pid=%ld runtime=%ld", &tid, &ns) == 2)
		ran_thread(r, (pid_t)tid)->ns[atoi(cpu + 1) % RAN_CPUS] += ns;
	p = strstr(line, "sched_switch: ");
	if (p && (p = strstr(p, " next_pid=")) &&
	    sscanf(p, " next_pid=%ld next_prio=%ld", &tid, &priority) == 2)
		ran_thread(r, (pid_t)tid)->priority = (int)priority;
}

/* What ran within the next so many milliseconds. */
T_UNUSED static struct ran ran_watch(long ms)
{
	struct ran r = { .count = 0 };
	char path[256], line[512];
	FILE *f;

	W_MUST(ran_put("trace", "\n") && ran_put("tracing_on", "1"));
	t_sleep_ms(ms);
	W_MUST(ran_put("tracing_on", "0"));
	snprintf(path, sizeof(path), "%s/trace", ran_dir);
	f = fopen(path, "re");
	W_MUST(f);
	while (fgets(line, sizeof(line), f))
		ran_line(&r, line);
	fclose(f);
	return r;
}

/*
 * CPU time of all these threads on processors outside a set. Who wakes a thread on another processor
 * brings the account of what runs there up to date, and the tracepoint fires where that one is: up
 * to a few milliseconds here and there are no sign that anybody ran outside.
 */
T_UNUSED static long ran_outside(const struct ran *r, const cpu_set_t *set)
{
	long ns = 0;

	for (int i = 0; i < r->count; i++)
		for (int cpu = 0; cpu < RAN_CPUS; cpu++)
			if (!CPU_ISSET(cpu, set))
				ns += r->threads[i].ns[cpu];
	return ns;
}

T_UNUSED static long ran_time(const struct ran_thread *t)
{
	long ns = 0;

	for (int cpu = 0; cpu < RAN_CPUS; cpu++)
		ns += t->ns[cpu];
	return ns;
}

/* Is this a thread that the program has made? */
T_UNUSED static bool ran_own(pid_t pid, pid_t tid)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/task/%d", pid, tid);
	return !access(path, F_OK);
}

#endif
