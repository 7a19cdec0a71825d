// SPDX-License-Identifier: MIT
/*
 * Description: what life_exec runs, linked in four ways: prints one line about itself and ends
 * with the code it was given (argument 1).
 */
#include "harness.h"

#include <pthread.h>

static void *in_thread(void *arg)
{
	*(int *)arg = getpid() != gettid();
	return NULL;
}

static int count_windows(void)
{
	char line[512];
	int n = 0;
	FILE *f = fopen("/proc/self/maps", "re");

	while (f && fgets(line, sizeof(line), f))
		n += strstr(line, "[xsc]") != NULL;
	if (f)
		fclose(f);
	return n;
}

int main(int argc, char **argv)
{
	pthread_t t;
	int other = 0, windows = count_windows();

	pthread_create(&t, NULL, in_thread, &other);
	pthread_join(t, NULL);
	printf("uid=%d euid=%d secure=%ld base=%d windows=%d traps=%ld threads=%d leader=%d env=%s arg=%s\n",
	       getuid(), geteuid(), getauxval(AT_SECURE), getauxval(AT_XSC_BASE) != 0,
	       windows, t_proc_xsc("self", "traps"), other, getpid() == gettid(),
	       getenv("XSC_V") ? getenv("XSC_V") : "-", argc > 2 ? argv[2] : "-");
	return argc > 1 ? atoi(argv[1]) : 0;
}
