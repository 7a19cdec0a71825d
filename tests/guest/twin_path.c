// SPDX-License-Identifier: MIT
/*
 * Description: calls that take a path (create, link, rename, remove, attributes, lookups) give
 * the same results and the same directory tree over trap and over gate.
 */
#include "twin.h"

#include <linux/openat2.h>
#include <sys/statfs.h>
#include <sys/time.h>
#include <utime.h>

static char buf[8192];

static void touch(const char *name)
{
	close(open(name, O_CREAT | O_WRONLY, 0644));
}

/* Everything of a struct stat that two runs share. */
static void obs_stat(const struct stat *st)
{
	OBS("st_mode", st->st_mode);
	OBS("st_nlink", st->st_nlink);
	OBS("st_uid", st->st_uid);
	OBS("st_size", S_ISDIR(st->st_mode) ? 0 : st->st_size);
	OBS("st_rdev", st->st_rdev);
	OBS("st_mtime", st->st_mtime < 1000000 ? st->st_mtime : 1);
}

static void b_directories(void)
{
	CHECK(C(SYS_mkdir, "d", 0755) == 0);
	C(SYS_mkdir, "d", 0755);
	C(SYS_mkdir, "no/d", 0755);
	C(SYS_mkdir, BAD_PTR, 0755);
	C(SYS_mkdirat, AT_FDCWD, "d/e", 0700);
	C(SYS_mkdirat, 99, "x", 0700);
	C(SYS_rmdir, "d");
	C(SYS_chdir, "d");
	CHECK(C(SYS_getcwd, buf, sizeof(buf)) > 0);
	OBS_MEM("cwd tail", buf + strlen(buf) - 2, 2);
	C(SYS_getcwd, buf, 2);
	C(SYS_getcwd, BAD_PTR, 100);
	C(SYS_chdir, "absent");
	C(SYS_chdir, BAD_PTR);
	int up = open("..", O_RDONLY | O_DIRECTORY);
	C(SYS_fchdir, up);
	C(SYS_fchdir, 0);
	C(SYS_fchdir, 99);
	C(SYS_rmdir, "d/e");
	C(SYS_rmdir, "absent");
	touch("f");
	C(SYS_rmdir, "f");
}

static void b_links(void)
{
	touch("f");
	CHECK(C(SYS_link, "f", "l") == 0);
	C(SYS_link, "f", "l");
	C(SYS_link, "absent", "m");
	C(SYS_link, BAD_PTR, "m");
	C(SYS_linkat, AT_FDCWD, "f", AT_FDCWD, "n", 0);
	C(SYS_linkat, AT_FDCWD, "f", AT_FDCWD, "n", 0x8000);
	C(SYS_symlink, "f", "s");
	C(SYS_symlink, "", "t");
	C(SYS_symlink, BAD_PTR, "t");
	C(SYS_symlinkat, "s", AT_FDCWD, "ss");
	C(SYS_symlinkat, "s", 99, "x");
	C(SYS_symlink, "loop", "loop");
	C(SYS_open, "loop", O_RDONLY);
	C(SYS_readlink, "ss", buf, 100);
	OBS_MEM("target", buf, 1);
	C(SYS_readlink, "f", buf, 100);
	C(SYS_readlink, "ss", buf, 0);
	C(SYS_readlink, "ss", BAD_PTR, 100);
	C(SYS_readlinkat, AT_FDCWD, "ss", buf, 100);
	C(SYS_readlinkat, 99, "ss", buf, 100);
	C(SYS_unlink, "l");
	C(SYS_unlink, "l");
	C(SYS_unlink, BAD_PTR);
	C(SYS_unlink, ".");
	C(SYS_unlinkat, AT_FDCWD, "n", 0);
	C(SYS_unlinkat, AT_FDCWD, ".", AT_REMOVEDIR);
	C(SYS_unlinkat, AT_FDCWD, "f", 0x40);
}

static void b_rename(void)
{
	touch("a");
	touch("b");
	mkdir("d", 0755);
	C(SYS_rename, "a", "c");
	C(SYS_rename, "a", "c");
	C(SYS_rename, "c", "d");
	C(SYS_rename, "d", "d/x");
	C(SYS_rename, BAD_PTR, "x");
	C(SYS_renameat, AT_FDCWD, "c", AT_FDCWD, "d/c");
	C(SYS_renameat, 99, "c", AT_FDCWD, "d/c");
	C(SYS_renameat2, AT_FDCWD, "b", AT_FDCWD, "d/c", 1);
	C(SYS_renameat2, AT_FDCWD, "b", AT_FDCWD, "d/c", 2);
	C(SYS_renameat2, AT_FDCWD, "b", AT_FDCWD, "d/c", 128);
}

static void b_modes_and_owners(void)
{
	touch("f");
	symlink("f", "s");
	int fd = open("f", O_RDWR);

	C(SYS_chmod, "f", 04751);
	C(SYS_chmod, "absent", 0);
	C(SYS_chmod, BAD_PTR, 0);
	C(SYS_fchmod, fd, 0600);
	C(SYS_fchmod, 99, 0600);
	C(SYS_fchmodat, AT_FDCWD, "f", 0640);
	C(SYS_chown, "s", 12, 13);
	C(SYS_chown, "absent", 1, 1);
	C(SYS_lchown, "s", 14, 15);
	C(SYS_lchown, BAD_PTR, 14, 15);
	C(SYS_fchown, fd, -1, 17);
	C(SYS_fchown, 99, 1, 1);
	C(SYS_fchownat, AT_FDCWD, "s", 18, 19, AT_SYMLINK_NOFOLLOW);
	C(SYS_fchownat, fd, "", 20, 21, AT_EMPTY_PATH);
	C(SYS_fchownat, fd, "", 20, 21, 0x40);
	C(SYS_access, "f", R_OK);
	C(SYS_access, "absent", F_OK);
	C(SYS_access, "f", 0x40);
	C(SYS_access, BAD_PTR, F_OK);
	C(SYS_faccessat, AT_FDCWD, "f", X_OK);
	C(SYS_faccessat2, AT_FDCWD, "s", R_OK, AT_SYMLINK_NOFOLLOW);
	C(SYS_faccessat2, AT_FDCWD, "s", R_OK, 0x8000);
	OBS("old umask", C(SYS_umask, 077));
	touch("masked");
}

static void b_stat(void)
{
	struct stat st;
	int fd = open("f", O_CREAT | O_RDWR, 0640);

	write(fd, "abc", 3);
	symlink("f", "s");
	CHECK(C(SYS_stat, "s", &st) == 0);
	obs_stat(&st);
	C(SYS_stat, "absent", &st);
	C(SYS_stat, "f", BAD_PTR);
	C(SYS_stat, BAD_PTR, &st);
	C(SYS_lstat, "s", &st);
	obs_stat(&st);
	C(SYS_lstat, "f/x", &st);
	C(SYS_fstat, fd, &st);
	obs_stat(&st);
	C(SYS_fstat, 99, &st);
	C(SYS_fstat, fd, BAD_KPTR);
	C(SYS_newfstatat, AT_FDCWD, "s", &st, AT_SYMLINK_NOFOLLOW);
	obs_stat(&st);
	C(SYS_newfstatat, fd, "", &st, AT_EMPTY_PATH);
	C(SYS_newfstatat, fd, "", &st, 0);
	C(SYS_newfstatat, AT_FDCWD, "f", &st, 0x40);
	struct statx sx;
	C(SYS_statx, AT_FDCWD, "f", 0, STATX_BASIC_STATS, &sx);
	OBS("stx_size", sx.stx_size);
	OBS("stx_mode", sx.stx_mode);
	OBS("stx_nlink", sx.stx_nlink);
	C(SYS_statx, AT_FDCWD, "f", 0, 0x80000000u, &sx);
	C(SYS_statx, AT_FDCWD, "f", 0x6000, 0, &sx);
	C(SYS_statx, AT_FDCWD, "f", 0, 0, BAD_PTR);
}

static void b_statfs(void)
{
	struct statfs fs;
	int fd = open(".", O_RDONLY);
	struct { int32_t tfree; uint64_t tinode; char fname[6], fpack[6]; } us;

	CHECK(C(SYS_statfs, ".", &fs) == 0);
	OBS("type", fs.f_type);
	OBS("bsize", fs.f_bsize);
	C(SYS_statfs, "absent", &fs);
	C(SYS_statfs, ".", BAD_PTR);
	C(SYS_fstatfs, fd, &fs);
	OBS("type", fs.f_type);
	C(SYS_fstatfs, 99, &fs);
	C(SYS_ustat, 0xffff, &us);
	C(SYS_ustat, 0xffff, BAD_PTR);
	C(SYS_sysfs, 1, "proc");
	C(SYS_sysfs, 1, "nosuchfs");
	C(SYS_sysfs, 2, 0, BAD_PTR);
	C(SYS_sysfs, 9, 0);
}

static void b_times(void)
{
	struct stat st;
	struct utimbuf ub = { 1000, 2000 };
	struct timeval tv[2] = { { 3000, 5 }, { 4000, 6 } };
	struct timespec ts[2] = { { 5000, 7 }, { 6000, 8 } };
	struct timespec bad[2] = { { 5000, 2000000000 }, { 6000, 8 } };

	touch("f");
	C(SYS_utime, "f", &ub);
	stat("f", &st);
	obs_stat(&st);
	C(SYS_utime, "f", BAD_PTR);
	C(SYS_utime, "absent", &ub);
	C(SYS_utimes, "f", tv);
	stat("f", &st);
	obs_stat(&st);
	C(SYS_utimes, BAD_PTR, tv);
	C(SYS_futimesat, AT_FDCWD, "f", tv);
	C(SYS_futimesat, 99, "f", tv);
	C(SYS_utimensat, AT_FDCWD, "f", ts, 0);
	stat("f", &st);
	obs_stat(&st);
	OBS("nsec", st.st_mtim.tv_nsec);
	C(SYS_utimensat, AT_FDCWD, "f", bad, 0);
	C(SYS_utimensat, AT_FDCWD, BAD_PTR, ts, 0);
	C(SYS_utimensat, AT_FDCWD, "f", ts, 0x40);
}

static void b_nodes(void)
{
	struct stat st;

	CHECK(C(SYS_mknod, "fifo", S_IFIFO | 0600, 0) == 0);
	C(SYS_mknod, "null", S_IFCHR | 0600, 0x103);
	C(SYS_mknod, "fifo", S_IFIFO | 0600, 0);
	C(SYS_mknod, "x", 0170000, 0);
	C(SYS_mknodat, AT_FDCWD, "sock", S_IFSOCK | 0600, 0);
	C(SYS_mknodat, AT_FDCWD, BAD_PTR, S_IFREG, 0);
	lstat("null", &st);
	obs_stat(&st);
	C(SYS_open, "fifo", O_WRONLY | O_NONBLOCK);
	C(SYS_open, "sock", O_RDONLY);
	unlink("null");
}

/* Directory entries: names in order; inode numbers and offsets differ between two runs. */
static void obs_dirents(long n, int name_offset)
{
	int entries = 0;
	uint64_t sum = 0;

	for (long at = 0; at < n;) {
		uint16_t len;

		memcpy(&len, buf + at + 16, 2);
		for (const char *p = buf + at + name_offset; *p; p++)
			sum += (unsigned char)*p;
		entries++;
		at += len;
	}
	OBS("entries", entries);
	OBS("name sum", sum);
}

static void b_getdents(void)
{
	int fd = open(".", O_RDONLY);
	long n;

	touch("one");
	touch("two");
	mkdir("three", 0755);
	CHECK((n = CQ(SYS_getdents64, fd, buf, sizeof(buf))) >= 0);
	n = lseek(fd, 0, SEEK_SET);
	n = twin_transport(SYS_getdents64, fd, (long)buf, sizeof(buf), 0, 0, 0);
	obs_dirents(n, 19);
	C(SYS_getdents64, fd, buf, sizeof(buf));
	lseek(fd, 0, SEEK_SET);
	C(SYS_getdents64, fd, buf, 3);
	C(SYS_getdents64, fd, BAD_PTR, 100);
	C(SYS_getdents64, 0, buf, 100);
	C(SYS_getdents64, 99, buf, 100);
	lseek(fd, 0, SEEK_SET);
	n = twin_transport(SYS_getdents, fd, (long)buf, sizeof(buf), 0, 0, 0);
	obs_dirents(n, 18);
	C(SYS_getdents, fd, buf, sizeof(buf));
	C(SYS_getdents, 99, buf, 100);
}

static void b_xattr(void)
{
	int fd = open("f", O_CREAT | O_RDWR, 0644);

	symlink("f", "s");
	C(SYS_setxattr, "f", "trusted.a", "value", 5, 0);
	C(SYS_setxattr, "f", "trusted.a", "value", 5, 1);
	C(SYS_setxattr, "f", "bogus", "value", 5, 0);
	C(SYS_setxattr, BAD_PTR, "trusted.a", "value", 5, 0);
	C(SYS_lsetxattr, "s", "trusted.l", "v", 1, 0);
	C(SYS_fsetxattr, fd, "trusted.f", "fv", 2, 0);
	C(SYS_fsetxattr, 99, "trusted.f", "fv", 2, 0);
	C(SYS_getxattr, "f", "trusted.a", buf, 100);
	OBS_MEM("value", buf, 5);
	C(SYS_getxattr, "f", "trusted.a", buf, 2);
	C(SYS_getxattr, "f", "trusted.none", buf, 100);
	C(SYS_getxattr, "f", "trusted.a", BAD_PTR, 100);
	C(SYS_lgetxattr, "s", "trusted.l", buf, 100);
	C(SYS_fgetxattr, fd, "trusted.f", buf, 100);
	C(SYS_fgetxattr, 99, "trusted.f", buf, 100);
	C(SYS_listxattr, "f", buf, sizeof(buf));
	C(SYS_listxattr, "f", buf, 1);
	C(SYS_llistxattr, "s", buf, sizeof(buf));
	C(SYS_flistxattr, fd, buf, sizeof(buf));
	C(SYS_flistxattr, 99, buf, sizeof(buf));
	C(SYS_removexattr, "f", "trusted.a");
	C(SYS_removexattr, "f", "trusted.a");
	C(SYS_lremovexattr, "s", "trusted.l");
	C(SYS_fremovexattr, fd, "trusted.f");
	C(SYS_fremovexattr, 99, "trusted.f");
}

static void b_handles(void)
{
	struct { uint32_t bytes; int32_t type; unsigned char f[128]; } h = { .bytes = 128 };
	int mount_id, dir = open(".", O_RDONLY);
	long r;

	touch("f");
	r = CQ(SYS_name_to_handle_at, AT_FDCWD, "f", &h, &mount_id, 0);
	h.bytes = 1;
	C(SYS_name_to_handle_at, AT_FDCWD, "f", &h, &mount_id, 0);
	C(SYS_name_to_handle_at, AT_FDCWD, "f", BAD_PTR, &mount_id, 0);
	h.bytes = 500;
	C(SYS_open_by_handle_at, dir, &h, O_RDONLY);
	h.bytes = 8;
	h.type = 0x7777;
	C(SYS_open_by_handle_at, 99, &h, O_RDONLY);
	(void)r;
}

static void b_root(void)
{
	char c[2] = "";

	mkdir("jail", 0755);
	touch("jail/inside");
	CHECK(C(SYS_chroot, "jail") == 0);
	C(SYS_chroot, "/absent");
	C(SYS_chroot, BAD_PTR);
	C(SYS_access, "/inside", F_OK);
	C(SYS_access, "/tmp", F_OK);
	C(SYS_chroot, ".");
	OBS("read", read(0, c, 1));
}

static void b_watches(void)
{
	char ev[512];
	long fd = C(SYS_inotify_init1, O_NONBLOCK), wd;

	C(SYS_inotify_init1, 0x1);
	C(SYS_inotify_init);
	wd = C(SYS_inotify_add_watch, fd, ".", 0x100 | 0x200);
	C(SYS_inotify_add_watch, fd, "absent", 0x100);
	C(SYS_inotify_add_watch, 0, ".", 0x100);
	C(SYS_inotify_add_watch, fd, BAD_PTR, 0x100);
	touch("new");
	unlink("new");
	memset(ev, 0, sizeof(ev));
	C(SYS_read, fd, ev, sizeof(ev));
	OBS_MEM("events", ev, sizeof(ev));
	C(SYS_read, fd, ev, sizeof(ev));
	C(SYS_inotify_rm_watch, fd, wd);
	C(SYS_inotify_rm_watch, fd, 77);
	C(SYS_fanotify_init, 0xffff0000u, 0);
	C(SYS_fanotify_mark, 99, 1, 1L, AT_FDCWD, ".");
}

static const struct twin_row rows[] = {
	{ "directories", b_directories }, { "links", b_links },
	{ "rename", b_rename },		  { "modes_and_owners", b_modes_and_owners },
	{ "stat", b_stat },		  { "statfs", b_statfs },
	{ "times", b_times },		  { "nodes", b_nodes },
	{ "getdents", b_getdents },	  { "xattr", b_xattr },
	{ "handles", b_handles },	  { "root", b_root },
	{ "watches", b_watches },
};

int main(int argc, char **argv)
{
	return twin_main(argc, argv, rows, ARRAY_SIZE(rows));
}
