// SPDX-License-Identifier: MIT
/* Single calls as functions of the way into the kernel; see ops.h. */
#include "ops.h"

#include <fcntl.h>
#include <sys/stat.h>

#define PAGES 16L
#define PAGE 4096L

static int file, null;
static char path[512];
static char buffer[PAGE];
static long at;

static long op_getpid(call6_t c)
{
	return c(SYS_getpid, 0, 0, 0, 0, 0, 0);
}

static long op_getppid(call6_t c)
{
	return c(SYS_getppid, 0, 0, 0, 0, 0, 0);
}

static long op_pread(call6_t c, long size)
{
	at = (at + PAGE) % (PAGES * PAGE);
	return c(SYS_pread64, file, (long)buffer, size, at, 0, 0) == size ? 0 : -EIO;
}

static long op_pread_200(call6_t c)
{
	return op_pread(c, 200);
}

static long op_pread_4k(call6_t c)
{
	return op_pread(c, PAGE);
}

static long op_stat(call6_t c)
{
	struct stat st;

	return c(SYS_newfstatat, AT_FDCWD, (long)path, (long)&st, 0, 0, 0);
}

static long op_open_close(call6_t c)
{
	long fd = c(SYS_openat, AT_FDCWD, (long)path, O_RDONLY | O_CLOEXEC, 0, 0, 0);

	return fd < 0 ? fd : c(SYS_close, fd, 0, 0, 0, 0, 0);
}

static long op_write_null(call6_t c)
{
	return c(SYS_write, null, (long)buffer, 200, 0, 0, 0) == 200 ? 0 : -EIO;
}

const struct op ops[OPS] = {
	{ "getpid", op_getpid },	 { "getppid", op_getppid },
	{ "pread-200", op_pread_200 },	 { "pread-4k", op_pread_4k },
	{ "stat", op_stat },		 { "open-close", op_open_close },
	{ "write-null", op_write_null },
};

void ops_open(void)
{
	snprintf(path, sizeof(path), "%s/xsc-bench-%d", bench.dir, getpid());
	file = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	null = open("/dev/null", O_WRONLY | O_CLOEXEC);
	if (file < 0 || null < 0)
		bench_die("cannot open %s or /dev/null: %s", path, strerror(errno));
	for (long i = 0; i < PAGES; i++)
		if (write(file, buffer, PAGE) != PAGE)
			bench_die("cannot fill %s: %s", path, strerror(errno));
}

void ops_close(void)
{
	unlink(path);
}
