/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Which system calls a worker may execute.  Made by ./xsc gen from
 * abi/syscalls.tbl: change that file.  Included by class.c alone.
 */
#ifndef _DRIVERS_XSC_SYSCALLS_H
#define _DRIVERS_XSC_SYSCALLS_H

#include <linux/bits.h>
#include <linux/types.h>
#include <asm/unistd.h>

/* A worker may run the call if its check holds. */
#define XSC_CLASS_WORKER	BIT(0)
/* The call changes what a worker was given: retire the worker first. */
#define XSC_CLASS_IDENTITY	BIT(1)

/**
 * enum xsc_check - what must hold for a worker to go on
 * @XSC_CHECK_NONE: Nothing.
 * @XSC_CHECK_FD: Argument 0 is an open descriptor of a safe file: a regular
 *   file or directory on an ordinary file system, a pipe, a socket of family
 *   AF_UNIX, AF_INET or AF_INET6, /dev/null or /dev/zero.
 * @XSC_CHECK_FD01: Arguments 0 and 1 are open descriptors of safe files.
 * @XSC_CHECK_FD02: Arguments 0 and 2 are open descriptors of safe files.
 * @XSC_CHECK_FCNTL: Argument 1 is a command about descriptors, plain flags
 *   (without O_ASYNC), the size of a pipe or seals; or argument 0 is an open
 *   descriptor of a safe file and argument 1 a lock that is not waited for.
 * @XSC_CHECK_IOCTL: Argument 0 is an open descriptor of a safe file, and
 *   argument 1 is FIOCLEX, FIONCLEX, FIONBIO, FIONREAD or TCGETS.
 * @XSC_CHECK_MMAP: Argument 2 is not PROT_EXEC alone, and the mapping is
 *   anonymous or argument 4 is an open descriptor of a safe file.
 * @XSC_CHECK_PROT: Argument 2 is not PROT_EXEC alone.
 * @XSC_CHECK_ADVICE: Argument 2 is less than MADV_HWPOISON.
 * @XSC_CHECK_FUTEX: Argument 1 is FUTEX_WAKE, FUTEX_WAKE_BITSET,
 *   FUTEX_WAKE_OP, FUTEX_REQUEUE or FUTEX_CMP_REQUEUE, private or not.
 * @XSC_CHECK_CLOCK: Argument 0 is CLOCK_REALTIME, CLOCK_MONOTONIC,
 *   CLOCK_MONOTONIC_RAW, CLOCK_BOOTTIME, CLOCK_TAI or one of the two coarse
 *   clocks.
 * @XSC_CHECK_EPOLL: Argument 1 is EPOLL_CTL_DEL, or argument 2 is an open
 *   descriptor of a safe file.
 * @XSC_CHECK_SELF: Argument 0 is 0.
 * @XSC_CHECK_UNMAP: The range that arguments 0 and 1 name does not touch the
 *   window of the submitter.
 * @XSC_CHECK_SOCKOPT: Argument 0 is an open descriptor of a safe file, and
 *   argument 1 is SOL_SOCKET or IPPROTO_TCP.
 */
enum xsc_check {
	XSC_CHECK_NONE,
	XSC_CHECK_FD,
	XSC_CHECK_FD01,
	XSC_CHECK_FD02,
	XSC_CHECK_FCNTL,
	XSC_CHECK_IOCTL,
	XSC_CHECK_MMAP,
	XSC_CHECK_PROT,
	XSC_CHECK_ADVICE,
	XSC_CHECK_FUTEX,
	XSC_CHECK_CLOCK,
	XSC_CHECK_EPOLL,
	XSC_CHECK_SELF,
	XSC_CHECK_UNMAP,
	XSC_CHECK_SOCKOPT,
};

/**
 * struct xsc_class - what is known of a system call
 * @flags:	XSC_CLASS_*
 * @check:	enum xsc_check
 */
struct xsc_class {
	u8 flags;
	u8 check;
};

/* A number without a row is one for the caller and leaves workers alone. */
static const struct xsc_class xsc_classes[NR_syscalls] = {
	[__NR_read] = { .flags = XSC_CLASS_WORKER, .check = XSC_CHECK_FD },
	[__NR_write] = { .flags = XSC_CLASS_WORKER, .check = XSC_CHECK_FD },
	[__NR_open] = { .flags = XSC_CLASS_WORKER },
	[__NR_close] = { .flags = XSC_CLASS_WORKER },
	[__NR_stat] = { .flags = XSC_CLASS_WORKER },
	[__NR_fstat] = { .flags = XSC_CLASS_WORKER },
	[__NR_lstat] = { .flags = XSC_CLASS_WORKER },
	[__NR_lseek] = { .flags = XSC_CLASS_WORKER, .check = XSC_CHECK_FD },
	[__NR_mmap] = { .flags = XSC_CLASS_WORKER, .check = XSC_CHECK_MMAP },
	[__NR_mprotect] = { .flags = XSC_CLASS_WORKER, .check = XSC_CHECK_PROT },
	[__NR_munmap] = { .flags = XSC_CLASS_WORKER, .check = XSC_CHECK_UNMAP },
	[__NR_brk] = { .flags = XSC_CLASS_WORKER },
	[__NR_rt_sigaction] = { .flags = XSC_CLASS_WORKER },
	[__NR_ioctl] = { .flags = XSC_CLASS_WORKER, .check = XSC_CHECK_IOCTL },
	[__NR_pread64] = { .flags = XSC_CLASS_WORKER, .check = XSC_CHECK_FD },
	[__NR_pwrite64] = { .flags = XSC_CLASS_WORKER, .check = XSC_CHECK_FD },
	[__NR_readv] = { .flags = XSC_CLASS_WORKER, .check = XSC_CHECK_FD },
	[__NR_writev] = { .flags = XSC_CLASS_WORKER, .check = XSC_CHECK_FD },
	[__NR_access] = { .flags = XSC_CLASS_WORKER },
	[__NR_pipe] = { .flags = XSC_CLASS_WORKER },
	[__NR_madvise] = { .flags = XSC_CLASS_WORKER, .check = XSC_CHECK_ADVICE },
	[__NR_dup] = { .flags = XSC_CLASS_WORKER },
	[__NR_dup2] = { .flags = XSC_CLASS_WORKER },
	[__NR_getpid] = { .flags = XSC_CLASS_WORKER },
	[__NR_sendfile] = { .flags = XSC_CLASS_WORKER, .check = XSC_CHECK_FD01 },
	[__NR_socket] = { .flags = XSC_CLASS_WORKER },
	[__NR_connect] = { .flags = XSC_CLASS_WORKER, .check = XSC_CHECK_FD },
	[__NR_accept] = { .flags = XSC_CLASS_WORKER, .check = XSC_CHECK_FD },
	[__NR_sendto] = { .flags = XSC_CLASS_WORKER, .check = XSC_CHECK_FD },
	[__NR_recvfrom] = { .flags = XSC_CLASS_WORKER, .check = XSC_CHECK_FD },
	[__NR_sendmsg] = { .flags = XSC_CLASS_WORKER, .check = XSC_CHECK_FD },
	[__NR_recvmsg] = { .flags = XSC_CLASS_WORKER, .check = XSC_CHECK_FD },
	[__NR_shutdown] = { .flags = XSC_CLASS_WORKER },
	[__NR_bind] = { .flags = XSC_CLASS_WORKER, .check = XSC_CHECK_FD },
	[__NR_listen] = { .flags = XSC_CLASS_WORKER, .check = XSC_CHECK_FD },
	[__NR_getsockname] = { .flags = XSC_CLASS_WORKER },
	[__NR_getpeername] = { .flags = XSC_CLASS_WORKER },
	[__NR_socketpair] = { .flags = XSC_CLASS_WORKER },
	[__NR_setsockopt] = { .flags = XSC_CLASS_WORKER, .check = XSC_CHECK_SOCKOPT },
	[__NR_getsockopt] = { .flags = XSC_CLASS_WORKER, .check = XSC_CHECK_FD },
	[__NR_uname] = { .flags = XSC_CLASS_WORKER },
	[__NR_fcntl] = { .flags = XSC_CLASS_WORKER, .check = XSC_CHECK_FCNTL },
	[__NR_flock] = { .flags = XSC_CLASS_WORKER, .check = XSC_CHECK_FD },
	[__NR_fsync] = { .flags = XSC_CLASS_WORKER, .check = XSC_CHECK_FD },
	[__NR_fdatasync] = { .flags = XSC_CLASS_WORKER, .check = XSC_CHECK_FD },
	[__NR_truncate] = { .flags = XSC_CLASS_WORKER },
	[__NR_ftruncate] = { .flags = XSC_CLASS_WORKER, .check = XSC_CHECK_FD },
	[__NR_getdents] = { .flags = XSC_CLASS_WORKER, .check = XSC_CHECK_FD },
	[__NR_getcwd] = { .flags = XSC_CLASS_WORKER },
	[__NR_chdir] = { .flags = XSC_CLASS_WORKER },
	[__NR_fchdir] = { .flags = XSC_CLASS_WORKER },
	[__NR_rename] = { .flags = XSC_CLASS_WORKER },
	[__NR_mkdir] = { .flags = XSC_CLASS_WORKER },
	[__NR_rmdir] = { .flags = XSC_CLASS_WORKER },
	[__NR_creat] = { .flags = XSC_CLASS_WORKER },
	[__NR_link] = { .flags = XSC_CLASS_WORKER },
	[__NR_unlink] = { .flags = XSC_CLASS_WORKER },
	[__NR_symlink] = { .flags = XSC_CLASS_WORKER },
	[__NR_readlink] = { .flags = XSC_CLASS_WORKER },
	[__NR_chmod] = { .flags = XSC_CLASS_WORKER },
	[__NR_fchmod] = { .flags = XSC_CLASS_WORKER },
	[__NR_chown] = { .flags = XSC_CLASS_WORKER },
	[__NR_fchown] = { .flags = XSC_CLASS_WORKER },
	[__NR_lchown] = { .flags = XSC_CLASS_WORKER },
	[__NR_umask] = { .flags = XSC_CLASS_WORKER },
	[__NR_gettimeofday] = { .flags = XSC_CLASS_WORKER },
	[__NR_getrlimit] = { .flags = XSC_CLASS_WORKER },
	[__NR_sysinfo] = { .flags = XSC_CLASS_WORKER },
	[__NR_getuid] = { .flags = XSC_CLASS_WORKER },
	[__NR_getgid] = { .flags = XSC_CLASS_WORKER },
	[__NR_setuid] = { .flags = XSC_CLASS_IDENTITY },
	[__NR_setgid] = { .flags = XSC_CLASS_IDENTITY },
	[__NR_geteuid] = { .flags = XSC_CLASS_WORKER },
	[__NR_getegid] = { .flags = XSC_CLASS_WORKER },
	[__NR_getppid] = { .flags = XSC_CLASS_WORKER },
	[__NR_getpgrp] = { .flags = XSC_CLASS_WORKER },
	[__NR_setreuid] = { .flags = XSC_CLASS_IDENTITY },
	[__NR_setregid] = { .flags = XSC_CLASS_IDENTITY },
	[__NR_getgroups] = { .flags = XSC_CLASS_WORKER },
	[__NR_setgroups] = { .flags = XSC_CLASS_IDENTITY },
	[__NR_setresuid] = { .flags = XSC_CLASS_IDENTITY },
	[__NR_getresuid] = { .flags = XSC_CLASS_WORKER },
	[__NR_setresgid] = { .flags = XSC_CLASS_IDENTITY },
	[__NR_getresgid] = { .flags = XSC_CLASS_WORKER },
	[__NR_getpgid] = { .flags = XSC_CLASS_WORKER },
	[__NR_setfsuid] = { .flags = XSC_CLASS_IDENTITY },
	[__NR_setfsgid] = { .flags = XSC_CLASS_IDENTITY },
	[__NR_getsid] = { .flags = XSC_CLASS_WORKER },
	[__NR_capset] = { .flags = XSC_CLASS_IDENTITY },
	[__NR_utime] = { .flags = XSC_CLASS_WORKER },
	[__NR_mknod] = { .flags = XSC_CLASS_WORKER },
	[__NR_personality] = { .flags = XSC_CLASS_IDENTITY },
	[__NR_statfs] = { .flags = XSC_CLASS_WORKER },
	[__NR_fstatfs] = { .flags = XSC_CLASS_WORKER },
	[__NR_setpriority] = { .flags = XSC_CLASS_IDENTITY },
	[__NR_sched_setparam] = { .flags = XSC_CLASS_IDENTITY },
	[__NR_sched_setscheduler] = { .flags = XSC_CLASS_IDENTITY },
	[__NR_prctl] = { .flags = XSC_CLASS_IDENTITY },
	[__NR_arch_prctl] = { .flags = XSC_CLASS_IDENTITY },
	[__NR_iopl] = { .flags = XSC_CLASS_IDENTITY },
	[__NR_ioperm] = { .flags = XSC_CLASS_IDENTITY },
	[__NR_readahead] = { .flags = XSC_CLASS_WORKER, .check = XSC_CHECK_FD },
	[__NR_setxattr] = { .flags = XSC_CLASS_WORKER },
	[__NR_lsetxattr] = { .flags = XSC_CLASS_WORKER },
	[__NR_fsetxattr] = { .flags = XSC_CLASS_WORKER },
	[__NR_getxattr] = { .flags = XSC_CLASS_WORKER },
	[__NR_lgetxattr] = { .flags = XSC_CLASS_WORKER },
	[__NR_fgetxattr] = { .flags = XSC_CLASS_WORKER },
	[__NR_listxattr] = { .flags = XSC_CLASS_WORKER },
	[__NR_llistxattr] = { .flags = XSC_CLASS_WORKER },
	[__NR_flistxattr] = { .flags = XSC_CLASS_WORKER },
	[__NR_removexattr] = { .flags = XSC_CLASS_WORKER },
	[__NR_lremovexattr] = { .flags = XSC_CLASS_WORKER },
	[__NR_fremovexattr] = { .flags = XSC_CLASS_WORKER },
	[__NR_time] = { .flags = XSC_CLASS_WORKER },
	[__NR_futex] = { .flags = XSC_CLASS_WORKER, .check = XSC_CHECK_FUTEX },
	[__NR_sched_setaffinity] = { .flags = XSC_CLASS_IDENTITY },
	[__NR_epoll_create] = { .flags = XSC_CLASS_WORKER },
	[__NR_getdents64] = { .flags = XSC_CLASS_WORKER, .check = XSC_CHECK_FD },
	[__NR_fadvise64] = { .flags = XSC_CLASS_WORKER, .check = XSC_CHECK_FD },
	[__NR_clock_gettime] = { .flags = XSC_CLASS_WORKER, .check = XSC_CHECK_CLOCK },
	[__NR_clock_getres] = { .flags = XSC_CLASS_WORKER, .check = XSC_CHECK_CLOCK },
	[__NR_epoll_ctl] = { .flags = XSC_CLASS_WORKER, .check = XSC_CHECK_EPOLL },
	[__NR_utimes] = { .flags = XSC_CLASS_WORKER },
	[__NR_set_mempolicy] = { .flags = XSC_CLASS_IDENTITY },
	[__NR_add_key] = { .flags = XSC_CLASS_IDENTITY },
	[__NR_request_key] = { .flags = XSC_CLASS_IDENTITY },
	[__NR_keyctl] = { .flags = XSC_CLASS_IDENTITY },
	[__NR_ioprio_set] = { .flags = XSC_CLASS_IDENTITY },
	[__NR_inotify_init] = { .flags = XSC_CLASS_WORKER },
	[__NR_inotify_add_watch] = { .flags = XSC_CLASS_WORKER },
	[__NR_inotify_rm_watch] = { .flags = XSC_CLASS_WORKER },
	[__NR_openat] = { .flags = XSC_CLASS_WORKER },
	[__NR_mkdirat] = { .flags = XSC_CLASS_WORKER },
	[__NR_mknodat] = { .flags = XSC_CLASS_WORKER },
	[__NR_fchownat] = { .flags = XSC_CLASS_WORKER },
	[__NR_futimesat] = { .flags = XSC_CLASS_WORKER },
	[__NR_newfstatat] = { .flags = XSC_CLASS_WORKER },
	[__NR_unlinkat] = { .flags = XSC_CLASS_WORKER },
	[__NR_renameat] = { .flags = XSC_CLASS_WORKER },
	[__NR_linkat] = { .flags = XSC_CLASS_WORKER },
	[__NR_symlinkat] = { .flags = XSC_CLASS_WORKER },
	[__NR_readlinkat] = { .flags = XSC_CLASS_WORKER },
	[__NR_fchmodat] = { .flags = XSC_CLASS_WORKER },
	[__NR_faccessat] = { .flags = XSC_CLASS_WORKER },
	[__NR_unshare] = { .flags = XSC_CLASS_IDENTITY },
	[__NR_splice] = { .flags = XSC_CLASS_WORKER, .check = XSC_CHECK_FD02 },
	[__NR_utimensat] = { .flags = XSC_CLASS_WORKER },
	[__NR_timerfd_create] = { .flags = XSC_CLASS_WORKER },
	[__NR_eventfd] = { .flags = XSC_CLASS_WORKER },
	[__NR_fallocate] = { .flags = XSC_CLASS_WORKER, .check = XSC_CHECK_FD },
	[__NR_timerfd_settime] = { .flags = XSC_CLASS_WORKER },
	[__NR_timerfd_gettime] = { .flags = XSC_CLASS_WORKER },
	[__NR_accept4] = { .flags = XSC_CLASS_WORKER, .check = XSC_CHECK_FD },
	[__NR_eventfd2] = { .flags = XSC_CLASS_WORKER },
	[__NR_epoll_create1] = { .flags = XSC_CLASS_WORKER },
	[__NR_dup3] = { .flags = XSC_CLASS_WORKER },
	[__NR_pipe2] = { .flags = XSC_CLASS_WORKER },
	[__NR_inotify_init1] = { .flags = XSC_CLASS_WORKER },
	[__NR_preadv] = { .flags = XSC_CLASS_WORKER, .check = XSC_CHECK_FD },
	[__NR_pwritev] = { .flags = XSC_CLASS_WORKER, .check = XSC_CHECK_FD },
	[__NR_perf_event_open] = { .flags = XSC_CLASS_IDENTITY },
	[__NR_recvmmsg] = { .flags = XSC_CLASS_WORKER, .check = XSC_CHECK_FD },
	[__NR_prlimit64] = { .flags = XSC_CLASS_WORKER, .check = XSC_CHECK_SELF },
	[__NR_sendmmsg] = { .flags = XSC_CLASS_WORKER, .check = XSC_CHECK_FD },
	[__NR_setns] = { .flags = XSC_CLASS_IDENTITY },
	[__NR_sched_setattr] = { .flags = XSC_CLASS_IDENTITY },
	[__NR_renameat2] = { .flags = XSC_CLASS_WORKER },
	[__NR_seccomp] = { .flags = XSC_CLASS_IDENTITY },
	[__NR_getrandom] = { .flags = XSC_CLASS_WORKER },
	[__NR_memfd_create] = { .flags = XSC_CLASS_WORKER },
	[__NR_copy_file_range] = { .flags = XSC_CLASS_WORKER, .check = XSC_CHECK_FD02 },
	[__NR_preadv2] = { .flags = XSC_CLASS_WORKER, .check = XSC_CHECK_FD },
	[__NR_pwritev2] = { .flags = XSC_CLASS_WORKER, .check = XSC_CHECK_FD },
	[__NR_pkey_mprotect] = { .flags = XSC_CLASS_IDENTITY },
	[__NR_pkey_alloc] = { .flags = XSC_CLASS_IDENTITY },
	[__NR_pkey_free] = { .flags = XSC_CLASS_IDENTITY },
	[__NR_statx] = { .flags = XSC_CLASS_WORKER },
	[__NR_close_range] = { .flags = XSC_CLASS_IDENTITY },
	[__NR_openat2] = { .flags = XSC_CLASS_WORKER },
	[__NR_faccessat2] = { .flags = XSC_CLASS_WORKER },
	[__NR_landlock_restrict_self] = { .flags = XSC_CLASS_IDENTITY },
};

#endif /* _DRIVERS_XSC_SYSCALLS_H */
