// SPDX-License-Identifier: MIT
/*
 * Description: reading, writing and moving data between descriptors gives the same results,
 * errors, offsets and file contents over trap and over gate.
 */
#include "twin.h"

#include <sys/sendfile.h>
#include <sys/uio.h>

static char buf[8192];

static void b_open_close(void)
{
	long fd = C(SYS_open, "f", O_CREAT | O_RDWR | O_EXCL, 0640);

	CHECK(fd >= 0);
	C(SYS_open, "f", O_CREAT | O_EXCL, 0640);
	C(SYS_open, "absent", O_RDONLY);
	C(SYS_open, "", O_RDONLY);
	C(SYS_open, BAD_PTR, O_RDONLY);
	C(SYS_open, BAD_KPTR, O_RDONLY);
	C(SYS_open, BAD_NONCANON, O_RDONLY);
	C(SYS_open, "f/x", O_RDONLY);
	C(SYS_open, ".", O_WRONLY);
	C(SYS_close, fd);
	C(SYS_close, fd);
	C(SYS_close, -1);
	C(SYS_creat, "g", 0600);
	C(SYS_creat, BAD_PTR, 0600);
	C(SYS_openat, AT_FDCWD, "h", O_CREAT | O_WRONLY, 0604);
	C(SYS_openat, 99, "h", O_RDONLY);
	C(SYS_openat, AT_FDCWD, BAD_PTR, O_RDONLY);
}

static void b_openat2(void)
{
	uint64_t how[3] = { O_CREAT | O_RDWR, 0600, 0 };
	uint64_t resolve[3] = { O_RDONLY, 0, 0x08 };	/* RESOLVE_BENEATH */

	C(SYS_openat2, AT_FDCWD, "f", how, sizeof(how));
	C(SYS_openat2, AT_FDCWD, "../x", resolve, sizeof(resolve));
	C(SYS_openat2, AT_FDCWD, "f", how, 8);
	C(SYS_openat2, AT_FDCWD, "f", BAD_PTR, sizeof(how));
	how[2] = 1ull << 40;
	C(SYS_openat2, AT_FDCWD, "f", how, sizeof(how));
}

static void b_read_write(void)
{
	long fd = C(SYS_open, "f", O_CREAT | O_RDWR, 0644);

	CHECK(C(SYS_write, fd, "hello world", 11) == 11);
	C(SYS_write, fd, BAD_PTR, 4);
	C(SYS_write, fd, BAD_KPTR, 4);
	C(SYS_write, fd, BAD_PTR, 0);
	C(SYS_write, 99, "x", 1);
	C(SYS_lseek, fd, 0, SEEK_SET);
	CHECK(C(SYS_read, fd, buf, 5) == 5);
	OBS_MEM("read", buf, 5);
	C(SYS_read, fd, BAD_PTR, 5);
	C(SYS_read, fd, BAD_KPTR, 5);
	C(SYS_read, 99, buf, 5);
	C(SYS_read, fd, buf, -1L);
	OBS("offset", C(SYS_lseek, fd, 0, SEEK_CUR));
	C(SYS_lseek, fd, -1, SEEK_SET);
	C(SYS_lseek, fd, 0, 77);
	C(SYS_lseek, fd, 1L << 40, SEEK_SET);
	C(SYS_lseek, fd, 0, SEEK_HOLE);
	C(SYS_lseek, 99, 0, SEEK_SET);
	C(SYS_read, fd, buf, 10);
	CHECK(C(SYS_pwrite64, fd, "PW", 2, 3) == 2);
	C(SYS_pwrite64, fd, "PW", 2, -1);
	C(SYS_pread64, fd, buf, 8, 2);
	OBS_MEM("pread", buf, 8);
	C(SYS_pread64, fd, buf, 8, -1);
	C(SYS_pread64, fd, BAD_PTR, 8, 0);
}

static void b_partial_fault(void)
{
	/* A buffer whose second page is missing: the copy stops in the middle. */
	char *p = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	long fd = C(SYS_open, "f", O_CREAT | O_RDWR, 0644);

	memset(p, 'a', 8192);
	munmap(p + 4096, 4096);
	C(SYS_write, fd, p + 4096 - 10, 20);
	C(SYS_lseek, fd, 0, SEEK_SET);
	memset(buf, 'b', 100);
	pwrite((int)fd, buf, 100, 0);
	C(SYS_read, fd, p + 4096 - 10, 20);
	OBS_MEM("page end", p + 4096 - 10, 10);
	mprotect(p, 4096, PROT_READ);
	C(SYS_pread64, fd, p, 20, 0);
	OBS_MEM("read-only target", p, 20);
}

static void b_vectors(void)
{
	long fd = C(SYS_open, "f", O_CREAT | O_RDWR, 0644);
	struct iovec w[3] = { { "one", 3 }, { "", 0 }, { "threefour", 9 } };
	struct iovec r[2] = { { buf, 4 }, { buf + 100, 20 } };
	struct iovec bad[2] = { { buf, 4 }, { (void *)BAD_PTR, 4 } };

	CHECK(C(SYS_writev, fd, w, 3) == 12);
	C(SYS_writev, fd, w, -1);
	C(SYS_writev, fd, w, 1025);
	C(SYS_writev, fd, BAD_PTR, 2);
	C(SYS_writev, fd, bad, 2);
	C(SYS_lseek, fd, 0, SEEK_SET);
	C(SYS_readv, fd, r, 2);
	OBS_MEM("readv", buf, 120);
	C(SYS_lseek, fd, 0, SEEK_SET);
	C(SYS_readv, fd, bad, 2);
	C(SYS_readv, fd, bad, 0);
	C(SYS_preadv, fd, r, 2, 1, 0);
	C(SYS_pwritev, fd, w, 3, 5, 0);
	C(SYS_pwritev, fd, w, 3, -1, -1);
	C(SYS_preadv2, fd, r, 2, 2, 0, 0);
	C(SYS_preadv2, fd, r, 2, -1, -1, 0);
	C(SYS_preadv2, fd, r, 2, 0, 0, 0x4000);
	C(SYS_pwritev2, fd, w, 3, 1, 0, 0x10);	/* RWF_APPEND */
	C(SYS_pwritev2, fd, w, 3, 1, 0, 0x4000);
}

static void b_copying(void)
{
	long in = C(SYS_open, "in", O_CREAT | O_RDWR, 0644);
	long out = C(SYS_open, "out", O_CREAT | O_RDWR, 0644);
	int64_t from = 2, to = 1;
	int p[2], q[2];

	write((int)in, "0123456789abcdef", 16);
	CHECK(C(SYS_sendfile, out, in, &from, 6) == 6);
	OBS("from", from);
	C(SYS_sendfile, out, in, BAD_PTR, 6);
	C(SYS_sendfile, out, 99, NULL, 6);
	CQ(SYS_copy_file_range, in, &from, out, &to, 5, 0);
	C(SYS_copy_file_range, in, &from, out, &to, 5, 1);
	C(SYS_copy_file_range, in, &from, 99, &to, 5, 0);
	OBS("from", from);
	OBS("to", to);
	CHECK(!pipe(p) && !pipe(q));
	C(SYS_splice, in, &from, p[1], NULL, 4, 0);
	C(SYS_splice, in, &from, out, NULL, 4, 0);
	C(SYS_splice, in, BAD_PTR, p[1], NULL, 4, 0);
	C(SYS_tee, p[0], q[1], 4, 0);
	C(SYS_tee, p[0], p[1], 4, 0);
	C(SYS_tee, in, q[1], 4, 0);
	struct iovec v = { "spliced", 7 };
	C(SYS_vmsplice, q[1], &v, 1, 0);
	C(SYS_vmsplice, q[1], BAD_PTR, 1, 0);
	OBS("p", read(p[0], buf, sizeof(buf)));
	OBS_MEM("p", buf, 4);
	OBS("q", read(q[0], buf, sizeof(buf)));
	OBS_MEM("q", buf, 11);
}

static void b_descriptors(void)
{
	long fd = C(SYS_open, "f", O_CREAT | O_RDWR, 0644);

	C(SYS_dup, fd);
	C(SYS_dup, 99);
	C(SYS_dup2, fd, 20);
	C(SYS_dup2, fd, fd);
	C(SYS_dup2, 99, 21);
	C(SYS_dup2, fd, 1 << 30);
	C(SYS_dup3, fd, 22, O_CLOEXEC);
	C(SYS_dup3, fd, fd, 0);
	C(SYS_dup3, fd, 23, 1);
	C(SYS_fcntl, 22, F_GETFD);
	C(SYS_fcntl, fd, F_DUPFD, 30);
	C(SYS_fcntl, fd, F_SETFL, O_APPEND);
	C(SYS_fcntl, fd, F_GETFL);
	C(SYS_fcntl, fd, 12345);
	C(SYS_fcntl, 99, F_GETFD);
	C(SYS_close_range, 20, 25, 0);
	C(SYS_close_range, 5, 2, 0);
	C(SYS_close_range, 3, 4, 4);	/* CLOSE_RANGE_CLOEXEC */
	C(SYS_fcntl, 3, F_GETFD);
	C(SYS_close_range, 3, 3, 64);
}

static void b_locks(void)
{
	long fd = C(SYS_open, "f", O_CREAT | O_RDWR, 0644), other = open("f", O_RDWR);
	struct flock fl = { .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_len = 10 };

	C(SYS_flock, fd, 2);
	C(SYS_flock, other, 2 | 4);
	C(SYS_flock, fd, 8);
	C(SYS_flock, other, 2 | 4);
	C(SYS_flock, 99, 2);
	C(SYS_flock, fd, 77);
	C(SYS_fcntl, fd, F_SETLK, &fl);
	C(SYS_fcntl, fd, F_SETLK, BAD_PTR);
	fl.l_type = F_RDLCK;
	C(SYS_fcntl, other, F_GETLK, &fl);
	OBS("lock type", fl.l_type);
	fl = (struct flock){ .l_type = F_WRLCK };
	C(SYS_fcntl, fd, 37, &fl);	/* F_OFD_SETLK */
	C(SYS_fcntl, other, 37, &fl);
}

static void b_sizes(void)
{
	long fd = C(SYS_open, "f", O_CREAT | O_RDWR, 0644);
	int ro = open("f", O_RDONLY);

	C(SYS_ftruncate, fd, 1000);
	C(SYS_ftruncate, fd, -1);
	C(SYS_ftruncate, ro, 10);
	C(SYS_ftruncate, 99, 10);
	C(SYS_truncate, "f", 500);
	C(SYS_truncate, "absent", 5);
	C(SYS_truncate, BAD_PTR, 5);
	C(SYS_truncate, ".", 5);
	C(SYS_fallocate, fd, 0, 0, 4096);
	C(SYS_fallocate, fd, 3, 0, 100);	/* PUNCH_HOLE | KEEP_SIZE */
	C(SYS_fallocate, fd, 0x1000, 0, 10);
	C(SYS_fallocate, fd, 0, -1, 10);
	C(SYS_fsync, fd);
	C(SYS_fsync, 99);
	C(SYS_fdatasync, fd);
	C(SYS_fdatasync, 0);
	C(SYS_sync_file_range, fd, 0, 100, 7);
	C(SYS_sync_file_range, fd, -1, 100, 7);
	C(SYS_sync_file_range, fd, 0, 100, 77);
	C(SYS_syncfs, fd);
	C(SYS_syncfs, 99);
	C(SYS_fadvise64, fd, 0, 100, 3);
	C(SYS_fadvise64, fd, 0, 100, 99);
	C(SYS_fadvise64, 99, 0, 100, 0);
	C(SYS_readahead, fd, 0, 100);
	C(SYS_readahead, 99, 0, 100);
	struct stat st;
	fstat((int)fd, &st);
	OBS("size", st.st_size);
}

static void b_ioctl(void)
{
	int p[2], n = -1, on = 1;

	CHECK(!pipe(p));
	write(p[1], "12345", 5);
	CHECK(C(SYS_ioctl, p[0], 0x541b, &n) == 0);	/* FIONREAD */
	OBS("fionread", n);
	C(SYS_ioctl, p[0], 0x541b, BAD_PTR);
	C(SYS_ioctl, p[0], 0x5421, &on);	/* FIONBIO */
	read(p[0], buf, 5);
	C(SYS_read, p[0], buf, 1);
	C(SYS_ioctl, p[0], 0x5451, 0);	/* FIOCLEX */
	C(SYS_fcntl, p[0], F_GETFD);
	C(SYS_ioctl, 0, 0x5401, buf);	/* TCGETS on /dev/null */
	C(SYS_ioctl, 99, 0x541b, &n);
	C(SYS_ioctl, p[0], 0xdeadbeef, &n);
}

static void b_devices(void)
{
	long zero = C(SYS_open, "/dev/zero", O_RDWR), full = open("/dev/full", O_RDWR);

	memset(buf, 'x', 64);
	C(SYS_read, zero, buf, 64);
	OBS_MEM("zero", buf, 64);
	C(SYS_write, full, "x", 1);
	C(SYS_write, 0, "x", 1);
	C(SYS_read, 0, buf, 10);
	/* The limit's signal goes to the caller. */
	struct { uint64_t cur, max; } lim = { 10, -1ull };
	C(SYS_setrlimit, 1, &lim);
	signal(SIGXFSZ, SIG_IGN);
	long fd = C(SYS_open, "limited", O_CREAT | O_WRONLY, 0644);
	C(SYS_write, fd, buf, 8);
	C(SYS_write, fd, buf, 8);
	C(SYS_write, fd, buf, 8);
}

static const struct twin_row rows[] = {
	{ "open_close", b_open_close },	{ "openat2", b_openat2 },
	{ "read_write", b_read_write },	{ "partial_fault", b_partial_fault },
	{ "vectors", b_vectors },	{ "copying", b_copying },
	{ "descriptors", b_descriptors }, { "locks", b_locks },
	{ "sizes", b_sizes },		{ "ioctl", b_ioctl },
	{ "devices", b_devices },
};

int main(int argc, char **argv)
{
	return twin_main(argc, argv, rows, ARRAY_SIZE(rows));
}
