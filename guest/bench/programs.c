// SPDX-License-Identifier: MIT
/* bench-programs: programs that every image has. */
#include "whole.h"

static const char insert_rows[] =
	"import os, sqlite3, sys\n"
	"path = f'{sys.argv[1]}/xsc-bench-{os.getpid()}.db'\n"
	"base = sqlite3.connect(path, isolation_level=None)\n"
	"base.execute('create table t (a integer, b text)')\n"
	"for n in range(300):\n"
	"    base.execute('insert into t values (?, ?)', (n, 'x' * 100))\n"
	"base.close()\n"
	"os.unlink(path)\n";

int main(int argc, char **argv)
{
	bench_init(argc, argv, "programs");

	const struct whole programs[] = {
		{ "true", { "/usr/bin/true" }, NULL },
		{ "find", { "/usr/bin/find", "/usr", "-xdev" }, NULL },
		/* Into /dev/zero: tar reads no file when it sees that its archive is /dev/null. */
		{ "tar", { "/usr/bin/tar", "-C", "/", "-cf", "/dev/zero", "usr/lib/python3.11" }, NULL },
		{ "sqlite", { "/usr/bin/python3", "-c", insert_rows, bench.dir }, NULL },
	};

	whole_init();
	for (size_t i = 0; i < ARRAY_SIZE(programs); i++)
		if (bench_wanted(programs[i].measure))
			whole_measure(&programs[i]);
	whole_done();
	return bench_done();
}
