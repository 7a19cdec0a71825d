// SPDX-License-Identifier: MIT
/*
 * Description: 100,000 threads created and joined leave memory, mappings and windows as they
 * were; 500 threads at once make calls, each with its own results; a second wave needs no more
 * windows than the first.
 */
#include "harness.h"

#include <pthread.h>
#include <sched.h>
#include <sys/eventfd.h>

struct usage {
	long rss_kb;
	long size_kb;
	long maps;
	long windows;
};

static struct usage measure(void)
{
	struct usage u = { 0, 0, 0, 0 };
	char line[512];
	FILE *f = fopen("/proc/self/status", "re");

	while (f && fgets(line, sizeof(line), f)) {
		sscanf(line, "VmRSS: %ld", &u.rss_kb);
		sscanf(line, "VmSize: %ld", &u.size_kb);
	}
	if (f)
		fclose(f);
	f = fopen("/proc/self/maps", "re");
	while (f && fgets(line, sizeof(line), f)) {
		u.maps++;
		u.windows += strstr(line, "[xsc]") != NULL;
	}
	if (f)
		fclose(f);
	return u;
}

static void show(const char *when, struct usage u)
{
	t_note("%s: VmRSS %ld kB, VmSize %ld kB, %ld maps, %ld [xsc] windows", when, u.rss_kb,
	       u.size_kb, u.maps, u.windows);
}

static int counter;

static void *one_call(void *arg)
{
	uint64_t one = 1;

	(void)arg;
	return (void *)(long)(write(counter, &one, sizeof(one)) != sizeof(one));
}

static uint64_t take(void)
{
	uint64_t n = 0;

	return read(counter, &n, sizeof(n)) == sizeof(n) ? n : 0;
}

/*
 * On one CPU: creator and thread then take turns, where on two each would wake the other by an
 * interrupt between CPUs, which emulated machines are very slow at.
 */
static void use_cpus(bool all)
{
	static cpu_set_t every;
	cpu_set_t one;

	if (!CPU_COUNT(&every))
		sched_getaffinity(0, sizeof(every), &every);
	CPU_ZERO(&one);
	for (int cpu = 0; !CPU_COUNT(&one); cpu++)
		if (CPU_ISSET(cpu, &every))
			CPU_SET(cpu, &one);
	sched_setaffinity(0, sizeof(one), all ? &every : &one);
}

static long create_join(long n)
{
	long bad = 0;

	for (long i = 0; i < n; i++) {
		pthread_t t;
		void *ret = (void *)1;

		if (pthread_create(&t, NULL, one_call, NULL))
			return bad + n - i;
		pthread_join(t, &ret);
		bad += ret != NULL;
	}
	return bad;
}

static void test_churn(long n)
{
	struct usage before, after;

	use_cpus(true);
	t_eq(create_join(1000), 0, "1,000 threads on all CPUs");
	use_cpus(false);
	create_join(1000);	/* stacks cached, tables grown: the state that must not grow on */
	take();
	before = measure();
	show("after 2,000", before);
	t_eq(create_join(n), 0, "every thread was created, made its call and was joined");
	t_eq(take(), n, "each call happened once");
	after = measure();
	show("after all", after);
	t_ok(after.rss_kb - before.rss_kb <= 512, "VmRSS is flat");
	t_ok(after.size_kb - before.size_kb <= 512, "VmSize is flat");
	t_ok(after.maps - before.maps <= 2, "the number of mappings is flat");
	t_ok(after.windows - before.windows <= 1, "the number of [xsc] windows is flat");
}

static pthread_barrier_t barrier;

static void *many_calls(void *arg)
{
	uint64_t one = 1;
	long bad = 0;

	(void)arg;
	pthread_barrier_wait(&barrier);
	for (int i = 0; i < 20; i++) {
		bad += write(counter, &one, sizeof(one)) != sizeof(one);
		bad += syscall(SYS_gettid) != gettid();
		bad += close(-1) != -1 || errno != EBADF;
	}
	pthread_barrier_wait(&barrier);
	pthread_barrier_wait(&barrier);
	return (void *)bad;
}

static struct usage wave(int n)
{
	pthread_t *t = calloc((size_t)n, sizeof(*t));
	pthread_attr_t attr;
	struct usage during;
	long bad = 0, made = 0;

	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, 65536);
	pthread_barrier_init(&barrier, NULL, (unsigned int)n + 1);
	for (int i = 0; i < n; i++)
		made += !pthread_create(&t[i], &attr, many_calls, NULL);
	if (made != n) {
		t_result(false, "all threads started", "%ld of %d", made, n);
		exit(1);
	}
	pthread_barrier_wait(&barrier);
	pthread_barrier_wait(&barrier);
	during = measure();
	pthread_barrier_wait(&barrier);
	for (int i = 0; i < n; i++) {
		void *ret;

		pthread_join(t[i], &ret);
		bad += (long)ret;
	}
	t_eq(bad, 0, "each of the threads had its own results");
	t_eq(take(), (long)n * 20, "each write of the wave happened once");
	free(t);
	return during;
}

static void test_waves(int n)
{
	struct usage first = wave(n), second;

	show("first wave", first);
	if (t_need_gate("one window per thread"))
		t_eq(first.windows, n + 1, "every thread has a window");
	second = wave(n);
	show("second wave", second);
	t_ok(second.windows <= first.windows + 1, "the second wave needs no more windows");
	show("after both", measure());
}

int main(int argc, char **argv)
{
	t_init(argc, argv);
	counter = eventfd(0, EFD_NONBLOCK);
	test_waves((int)t_option("--wave", 500));
	test_churn(t_option("--threads", 100000));
	return t_done();
}
