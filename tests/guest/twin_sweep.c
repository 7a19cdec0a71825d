// SPDX-License-Identifier: MIT
/*
 * Description: every call number of the table, with five sets of useless arguments, ends in the
 * same result over trap and over gate; numbers that would end or stop the caller are left out.
 */
#include "twin.h"

#include <sched.h>

#define LAST_NR 450

/*
 * Left out, each because junk arguments succeed at something that breaks the comparison: the call
 * ends, stops or replaces the caller, forks, reaches other processes, or changes the machine. All
 * of them are compared with meaningful arguments in the other twin programs.
 */
static const short left_out[] = {
	SYS_rt_sigreturn, SYS_pause, SYS_clone, SYS_fork, SYS_vfork, SYS_exit, SYS_exit_group,
	SYS_kill, SYS_tkill, SYS_tgkill, SYS_rt_sigqueueinfo, SYS_rt_tgsigqueueinfo, SYS_wait4,
	SYS_waitid, SYS_rt_sigsuspend, SYS_rt_sigtimedwait, SYS_rt_sigprocmask, SYS_alarm,
	SYS_setpgid, SYS_setsid, SYS_reboot, SYS_vhangup, SYS_sync, SYS_acct, SYS_swapoff,
	SYS_munmap, SYS_mprotect, SYS_mremap, SYS_brk, SYS_close, SYS_close_range, SYS_munlockall,
	SYS_mlockall, SYS_setrlimit, SYS_prlimit64, SYS_sethostname, SYS_setdomainname,
	SYS_settimeofday, SYS_clock_settime, SYS_syslog, SYS_arch_prctl, SYS_prctl, SYS_seccomp,
	SYS_set_tid_address, SYS_set_robust_list, SYS_rseq, SYS_setpriority, SYS_personality,
	SYS_madvise, SYS_userfaultfd, SYS_ptrace, SYS_iopl, SYS_modify_ldt, SYS_restart_syscall,
	SYS_setns, SYS_unshare, SYS_nanosleep, SYS_clock_nanosleep, SYS_select, SYS_pselect6,
	SYS_poll, SYS_ppoll, SYS_epoll_wait, SYS_epoll_pwait, SYS_epoll_pwait2, SYS_futex,
	SYS_sched_setaffinity, SYS_adjtimex, SYS_clock_adjtime, SYS_landlock_restrict_self,
	SYS_remap_file_pages, SYS_chroot, SYS_setuid, SYS_setgid, SYS_setreuid, SYS_setregid,
	SYS_setresuid, SYS_setresgid, SYS_setfsuid, SYS_setfsgid, SYS_setgroups, SYS_capset,
	SYS_pivot_root, SYS_umount2, SYS_mount, SYS_delete_module, SYS_ioperm, SYS_sigaltstack,
	SYS_execve, SYS_execveat,
};

/* Results that differ between two runs by nature: only success or the error is compared. */
static const short quiet[] = {
	SYS_getpid, SYS_gettid, SYS_getppid, SYS_getpgrp, SYS_getpgid, SYS_getsid, SYS_time,
	SYS_times, SYS_mmap, SYS_shmat, SYS_shmget, SYS_semget, SYS_msgget, SYS_add_key,
	SYS_request_key, SYS_keyctl, SYS_getcpu, SYS_shmctl, SYS_semctl, SYS_msgctl,
};

static bool listed(const short *list, size_t n, long nr)
{
	for (size_t i = 0; i < n; i++)
		if (list[i] == nr)
			return true;
	return false;
}

static void sweep(const unsigned long *v)
{
	/* Keys such as -1 create queues and segments: in a namespace that ends with the body. */
	CHECK(!unshare(CLONE_NEWIPC));
	for (long nr = 0; nr <= LAST_NR; nr++) {
		/* Kernels from 6.11 on raise SIGILL for these two (uprobe trampolines). */
		if (nr == 335 || nr == 336)
			continue;
		if (listed(left_out, ARRAY_SIZE(left_out), nr))
			continue;
		if (listed(quiet, ARRAY_SIZE(quiet), nr))
			CQ(nr, v[0], v[1], v[2], v[3], v[4], v[5]);
		else
			C(nr, v[0], v[1], v[2], v[3], v[4], v[5]);
	}
}

/* A descriptor that is never open first, then the pattern. */
#define PATTERN(name, first, rest)                                                        \
	static void name(void)                                                            \
	{                                                                                 \
		const unsigned long v[6] = { first, rest, rest, rest, rest, rest };       \
		sweep(v);                                                                 \
	}

PATTERN(b_minus_one, -1UL, -1UL)
PATTERN(b_user_pointer, 0x10UL, 0x10UL)
PATTERN(b_kernel_pointer, BAD_KPTR, BAD_KPTR)
PATTERN(b_noncanonical, BAD_NONCANON, BAD_NONCANON)
PATTERN(b_closed_fd, 1000UL, 0x20UL)

static const struct twin_row rows[] = {
	{ "minus_one", b_minus_one },	{ "user_pointer", b_user_pointer },
	{ "kernel_pointer", b_kernel_pointer }, { "noncanonical", b_noncanonical },
	{ "closed_fd", b_closed_fd },
};

int main(int argc, char **argv)
{
	return twin_main(argc, argv, rows, ARRAY_SIZE(rows));
}
