// SPDX-License-Identifier: GPL-2.0-only
/*
 * Which requests a worker may run.
 *
 * abi/syscalls.tbl says it for each call, and why; syscalls.h is made from it.
 * Some calls depend on their arguments: the checks here look at the worker's
 * private copy, and what they cannot vouch for goes back to the submitter.
 *
 * A descriptor is looked up once for the check and again by the call.  If
 * another thread puts something else in its place in between, the call runs on
 * a file that was not checked: then a terminal may not notice that a background
 * process writes to it.  No credential depends on it.
 */
#include <linux/fcntl.h>
#include <linux/fdtable.h>
#include <linux/fs.h>
#include <linux/futex.h>
#include <linux/magic.h>
#include <linux/major.h>
#include <linux/mman.h>
#include <linux/net.h>
#include <linux/socket.h>
#include <linux/syscalls.h>
#include <net/sock.h>
#include <uapi/asm/ioctls.h>
#include <uapi/linux/eventpoll.h>
#include <uapi/linux/in.h>

#include "xsc.h"
#include "syscalls.h"

/* Minors of MEM_MAJOR. */
#define XSC_MINOR_NULL	3
#define XSC_MINOR_ZERO	5

/* The rows of the table that say worker, for a look without its cache lines. */
DECLARE_BITMAP(xsc_worker_calls, NR_syscalls) __ro_after_init;
/* Those of them that any arguments suit. */
DECLARE_BITMAP(xsc_unchecked_calls, NR_syscalls) __ro_after_init;

/** xsc_class_init() - before there are programs */
void __init xsc_class_init(void)
{
	unsigned int nr;

	for (nr = 0; nr < NR_syscalls; nr++) {
		if (!(xsc_classes[nr].flags & XSC_CLASS_WORKER))
			continue;
		__set_bit(nr, xsc_worker_calls);
		if (xsc_classes[nr].check == XSC_CHECK_NONE)
			__set_bit(nr, xsc_unchecked_calls);
	}
}

static const struct xsc_class *xsc_class_of(unsigned int nr)
{
	return nr < NR_syscalls ? &xsc_classes[nr] : NULL;
}

/*
 * File systems whose files are the same for every thread.  Those that show the
 * kernel's own state, such as proc, may look at who asks.
 */
static bool xsc_plain_fs(const struct super_block *sb)
{
	switch (sb->s_magic) {
	case EXT4_SUPER_MAGIC:
	case XFS_SUPER_MAGIC:
	case BTRFS_SUPER_MAGIC:
	case F2FS_SUPER_MAGIC:
	case TMPFS_MAGIC:
	case RAMFS_MAGIC:
	case OVERLAYFS_SUPER_MAGIC:
	case SQUASHFS_MAGIC:
	case ISOFS_SUPER_MAGIC:
	case EROFS_SUPER_MAGIC_V1:
	case MSDOS_SUPER_MAGIC:
	case EXFAT_SUPER_MAGIC:
		return true;
	}
	return false;
}

static bool xsc_plain_socket(const struct socket *sock)
{
	const struct proto_ops *ops = READ_ONCE(sock->ops);

	/* A socket that is being closed has none. */
	return ops && (ops->family == AF_UNIX || ops->family == AF_INET ||
		       ops->family == AF_INET6);
}

static bool xsc_safe_file(const struct file *file)
{
	const struct inode *inode = file_inode(file);

	switch (inode->i_mode & S_IFMT) {
	case S_IFIFO:
		return true;
	case S_IFSOCK:
		return xsc_plain_socket(SOCKET_I((struct inode *)inode));
	case S_IFREG:
	case S_IFDIR:
		return xsc_plain_fs(inode->i_sb);
	case S_IFCHR:
		return imajor(inode) == MEM_MAJOR &&
		       (iminor(inode) == XSC_MINOR_NULL ||
			iminor(inode) == XSC_MINOR_ZERO);
	}
	return false;
}

static bool xsc_safe_fd(u64 number)
{
	struct file *file;
	bool safe;

	/*
	 * Without a reference, which would cost two atomic operations a call: file
	 * and inode are freed by RCU.  What it says can be old as soon as it is
	 * said, with a reference as well.
	 */
	rcu_read_lock();
	file = lookup_fd_rcu((unsigned int)number);
	safe = file && xsc_safe_file(file);
	rcu_read_unlock();
	return safe;
}

static bool xsc_safe_fcntl(const u64 *args)
{
	switch ((unsigned int)args[1]) {
	case F_SETFL:
		return !(args[2] & FASYNC);
	case F_GETLK:
	case F_SETLK:
	case F_OFD_GETLK:
	case F_OFD_SETLK:
		return xsc_safe_fd(args[0]);
	case F_DUPFD:
	case F_DUPFD_CLOEXEC:
	case F_GETFD:
	case F_SETFD:
	case F_GETFL:
	case F_GETPIPE_SZ:
	case F_SETPIPE_SZ:
	case F_ADD_SEALS:
	case F_GET_SEALS:
		return true;
	}
	return false;
}

static bool xsc_safe_ioctl(unsigned int cmd)
{
	switch (cmd) {
	case FIOCLEX:
	case FIONCLEX:
	case FIONBIO:
	case FIONREAD:
	case TCGETS:
		return true;
	}
	return false;
}

static bool xsc_safe_futex(unsigned int op)
{
	switch (op & FUTEX_CMD_MASK) {
	case FUTEX_WAKE:
	case FUTEX_WAKE_BITSET:
	case FUTEX_WAKE_OP:
	case FUTEX_REQUEUE:
	case FUTEX_CMP_REQUEUE:
		return true;
	}
	return false;
}

static bool xsc_safe_clock(s32 id)
{
	switch (id) {
	case CLOCK_REALTIME:
	case CLOCK_MONOTONIC:
	case CLOCK_MONOTONIC_RAW:
	case CLOCK_REALTIME_COARSE:
	case CLOCK_MONOTONIC_COARSE:
	case CLOCK_BOOTTIME:
	case CLOCK_TAI:
		return true;
	}
	return false;
}

/* Of current, or of the submitter that it works for. */
static bool xsc_touches_window(u64 start, u64 len)
{
	const struct xsc_task *xt = &current->xsc;
	const struct xsc_window *win = xt->serves ? xt->serves->win : xt->win;

	return start < win->addr + XSC_WINDOW_SIZE && win->addr < start + len;
}

static bool xsc_check(enum xsc_check check, const u64 *args)
{
	/* Memory that may only be executed takes a protection key of the task. */
	bool key = (args[2] & (PROT_READ | PROT_WRITE | PROT_EXEC)) == PROT_EXEC;

	switch (check) {
	case XSC_CHECK_NONE:
		return true;
	case XSC_CHECK_FD:
		return xsc_safe_fd(args[0]);
	case XSC_CHECK_FD01:
		return xsc_safe_fd(args[0]) && xsc_safe_fd(args[1]);
	case XSC_CHECK_FD02:
		return xsc_safe_fd(args[0]) && xsc_safe_fd(args[2]);
	case XSC_CHECK_FCNTL:
		return xsc_safe_fcntl(args);
	case XSC_CHECK_IOCTL:
		return xsc_safe_ioctl(args[1]) && xsc_safe_fd(args[0]);
	case XSC_CHECK_MMAP:
		return !key && (args[3] & MAP_ANONYMOUS || xsc_safe_fd(args[4]));
	case XSC_CHECK_PROT:
		return !key;
	case XSC_CHECK_ADVICE:
		return (unsigned int)args[2] < MADV_HWPOISON;
	case XSC_CHECK_FUTEX:
		return xsc_safe_futex(args[1]);
	case XSC_CHECK_CLOCK:
		return xsc_safe_clock(args[0]);
	case XSC_CHECK_EPOLL:
		return args[1] == EPOLL_CTL_DEL || xsc_safe_fd(args[2]);
	case XSC_CHECK_SELF:
		return !args[0];
	case XSC_CHECK_UNMAP:
		return !xsc_touches_window(args[0], args[1]);
	case XSC_CHECK_SOCKOPT:
		return args[1] == SOL_SOCKET || args[1] == IPPROTO_TCP;
	}
	return false;
}

/** xsc_class_checks() - the slow half of xsc_class_worker() */
bool xsc_class_checks(const struct xsc_sqe *sqe)
{
	return xsc_class_suits(sqe->nr) && xsc_check(xsc_classes[sqe->nr].check, sqe->args);
}

/*
 * A write to proc or to a cgroup can change what this task is: its group, its
 * audit id, its labels.
 */
static bool xsc_writes_identity(long nr, unsigned long number)
{
	unsigned long magic = 0;
	struct fd fd;

	switch (nr) {
	case __NR_write:
	case __NR_writev:
	case __NR_pwrite64:
	case __NR_pwritev:
	case __NR_pwritev2:
	case __NR_sendfile:
		break;
	default:
		return false;
	}
	fd = fdget((unsigned int)number);
	if (fd.file)
		magic = file_inode(fd.file)->i_sb->s_magic;
	fdput(fd);
	return magic == PROC_SUPER_MAGIC || magic == CGROUP_SUPER_MAGIC ||
	       magic == CGROUP2_SUPER_MAGIC;
}

/**
 * xsc_class_identity() - would this call change what a worker has inherited?
 * @nr:		number in the 64-bit table, or anything
 * @arg0:	first argument, as a tracer has left it
 * @arg1:	second
 *
 * Or would it take the window away that the worker looks at?
 */
bool xsc_class_identity(long nr, unsigned long arg0, unsigned long arg1)
{
	const struct xsc_class *class = xsc_class_of(nr);

	return class && (class->flags & XSC_CLASS_IDENTITY ||
			 (nr == __NR_mremap && xsc_arch_is_vdso(arg0)) ||
			 (nr == __NR_munmap && xsc_touches_window(arg0, arg1)) ||
			 xsc_writes_identity(nr, arg0));
}
