// SPDX-License-Identifier: MIT
/* Whole programs in lanes; see whole.h. */
#include "whole.h"

#include <dirent.h>
#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>

#define LIBRARIES "usr/lib/x86_64-linux-gnu"
#define LOADER "ld-linux-x86-64.so.2"

/* The root of the trap lane: everything as it is, and Debian's C library. */
static char stock_root[300];

static void must(int error, const char *what)
{
	if (error)
		bench_die("cannot prepare the trap lane: %s: %s", what, strerror(errno));
}

/* Lays each library of Debian's package over the one of the same name. */
static void cover_libraries(void)
{
	DIR *dir = opendir(bench.stock);
	struct dirent *entry;
	bool loader = false;

	if (!dir)
		bench_die("there is no %s", bench.stock);
	while ((entry = readdir(dir))) {
		char from[600], to[600];

		snprintf(from, sizeof(from), "%s/%s", bench.stock, entry->d_name);
		snprintf(to, sizeof(to), "%s/" LIBRARIES "/%s", stock_root, entry->d_name);
		if (entry->d_name[0] == '.' || access(to, F_OK))
			continue;
		must(mount(from, to, NULL, MS_BIND, NULL), to);
		loader |= !strcmp(entry->d_name, LOADER);
	}
	closedir(dir);
	if (!loader)
		bench_die("there is no %s/" LOADER " to put over that of the image", bench.stock);
}

void whole_init(void)
{
	/* Without a gate the image's own C library traps as well; Debian's serves if it is there. */
	if (!bench.offered[LANE_BELL] && access(bench.stock, F_OK))
		return;
	must(unshare(CLONE_NEWNS), "unshare");
	must(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL), "/");
	snprintf(stock_root, sizeof(stock_root), "%s/xsc-bench-stock-%d", bench.dir, getpid());
	must(mkdir(stock_root, 0755), stock_root);
	must(mount("/", stock_root, NULL, MS_BIND | MS_REC, NULL), stock_root);
	cover_libraries();
}

void whole_done(void)
{
	if (!*stock_root)
		return;
	umount2(stock_root, MNT_DETACH);
	rmdir(stock_root);
}

static void become(const struct whole *w, enum lane lane)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	if (lane == LANE_TRAP && *stock_root)
		must(chroot(stock_root), stock_root);
	must(chdir(w->directory ? w->directory : "/"), "chdir");
	dup2(null, 0);
	dup2(null, 1);
	execv(w->argv[0], (char *const *)w->argv);
	_exit(127);
}

uint64_t whole_once(const struct whole *w, enum lane lane)
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
		become(w, lane);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (!WIFEXITED(status) || WEXITSTATUS(status))
		bench_die("%s ended with wait status %#x", w->argv[0], (unsigned int)status);
	return bench_now() - start;
}

void whole_measure(const struct whole *w)
{
	enum lane lane;

	if (access(w->argv[0], X_OK)) {
		char reason[200];

		snprintf(reason, sizeof(reason), "%s is not in the image", w->argv[0]);
		bench_absent(w->measure, reason);
		return;
	}
	/* Once for each lane: page cache and directory entries are there from then on. */
	for (int nth = 0; (lane = bench_turn(0, nth)) != LANES; nth++) {
		bench_enter(lane);
		whole_once(w, lane);
	}
	for (long rep = 0; rep < bench.reps; rep++) {
		for (int nth = 0; (lane = bench_turn(rep, nth)) != LANES; nth++) {
			bench_enter(lane);
			bench_sample(w->measure, lane, rep, 1, whole_once(w, lane));
		}
	}
}
