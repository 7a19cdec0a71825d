// SPDX-License-Identifier: MIT
/*
 * bench-programs: whole programs of the image, start to end. Their trap lane is the same file run by
 * Debian's own ld.so and libc, which are in --stock: that process is untagged and traps, on the
 * same kernel.
 */
#include "bench.h"

#include <fcntl.h>
#include <sys/wait.h>

#define LOADER "ld-linux-x86-64.so.2"
#define MAX_ARGS 12

static const char insert_rows[] =
	"import os, sqlite3, sys\n"
	"path = f'{sys.argv[1]}/xsc-bench-{os.getpid()}.db'\n"
	"base = sqlite3.connect(path, isolation_level=None)\n"
	"base.execute('create table t (a integer, b text)')\n"
	"for n in range(300):\n"
	"    base.execute('insert into t values (?, ?)', (n, 'x' * 100))\n"
	"base.close()\n"
	"os.unlink(path)\n";

static const struct program {
	const char *name;
	const char *argv[MAX_ARGS];
} programs[] = {
	{ "true", { "/usr/bin/true" } },
	{ "find", { "/usr/bin/find", "/usr", "-xdev" } },
	/* Into /dev/zero: tar reads no file when it sees that its archive is /dev/null. */
	{ "tar", { "/usr/bin/tar", "-C", "/", "-cf", "/dev/zero", "usr/lib/python3.11" } },
	{ "sqlite", { "/usr/bin/python3", "-c", insert_rows, NULL } },
};

static const struct {
	const char *name, *reason;
} missing[] = {
	{ "git-status", "git is not in the image" },
	{ "compile", "a compiler is not in the image" },
};

/* Debian's libc first, then everything else of the guest. */
static char libraries[600], loader[600];

static void become(const struct program *p, enum lane lane)
{
	const char *argv[MAX_ARGS + 6] = { 0 };
	int null = open("/dev/null", O_RDWR | O_CLOEXEC), n = 0;

	/* Without a gate the guest's own libc traps, and that is the only lane. */
	if (lane == LANE_TRAP && bench.offered[LANE_BELL]) {
		argv[n++] = loader;
		argv[n++] = "--library-path";
		argv[n++] = libraries;
	}
	for (int i = 0; p->argv[i]; i++)
		argv[n++] = p->argv[i];
	if (!strcmp(p->name, "sqlite"))
		argv[n++] = bench.dir;
	dup2(null, 0);
	dup2(null, 1);
	execv(argv[0], (char *const *)argv);
	_exit(127);
}

static uint64_t run_once(const struct program *p, enum lane lane)
{
	uint64_t start;
	int status = 0;
	pid_t pid;

	fflush(stdout);
	start = bench_now();
	pid = fork();
	if (pid < 0)
		bench_die("no process: %s", strerror(errno));
	if (!pid)
		become(p, lane);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (!WIFEXITED(status) || WEXITSTATUS(status))
		bench_die("%s ended with wait status %#x", p->argv[0], (unsigned int)status);
	return bench_now() - start;
}

static void run(const struct program *p)
{
	enum lane lane;

	/* Once for each lane: page cache and directory entries are there from then on. */
	for (int nth = 0; (lane = bench_turn(0, nth)) != LANES; nth++) {
		bench_enter(lane);
		run_once(p, lane);
	}
	for (long rep = 0; rep < bench.reps; rep++) {
		for (int nth = 0; (lane = bench_turn(rep, nth)) != LANES; nth++) {
			bench_enter(lane);
			bench_sample(p->name, lane, rep, 1, run_once(p, lane));
		}
	}
}

int main(int argc, char **argv)
{
	bench_init(argc, argv, "programs");
	snprintf(loader, sizeof(loader), "%s/" LOADER, bench.stock);
	snprintf(libraries, sizeof(libraries), "%s:/lib/x86_64-linux-gnu:/usr/lib/x86_64-linux-gnu",
		 bench.stock);
	if (bench.offered[LANE_BELL] && access(loader, X_OK))
		bench_die("there is no %s", loader);
	for (size_t i = 0; i < ARRAY_SIZE(programs); i++) {
		if (!bench_wanted(programs[i].name))
			continue;
		if (access(programs[i].argv[0], X_OK))
			bench_absent(programs[i].name, "it is not in the image");
		else
			run(&programs[i]);
	}
	for (size_t i = 0; i < ARRAY_SIZE(missing); i++)
		if (bench_wanted(missing[i].name))
			bench_absent(missing[i].name, missing[i].reason);
	return bench_done();
}
