// SPDX-License-Identifier: MIT
/*
 * Description: a change of credentials, namespace, filter, scheduling or limits between two runs
 * of hot calls counts from the very next call on, each of many times.
 */
#include "work.h"

#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/keyctl.h>
#include <linux/seccomp.h>
#include <grp.h>
#include <sched.h>
#include <stddef.h>
#include <sys/mount.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/utsname.h>

#define USER 3000
#define GROUP 2000

static bool odd_round;

/* Effective capabilities with or without those that override file permissions. */
static void set_override(bool on)
{
	struct __user_cap_header_struct header = { _LINUX_CAPABILITY_VERSION_3, 0 };
	struct __user_cap_data_struct data[2];
	uint32_t bits = 1u << CAP_DAC_OVERRIDE | 1u << CAP_DAC_READ_SEARCH;

	W_MUST(!syscall(SYS_capget, &header, data));
	data[0].effective = on ? data[0].effective | bits : data[0].effective & ~bits;
	W_MUST(!syscall(SYS_capset, &header, data));
}

static void change_capabilities(void)
{
	W_CHECK(w_open_error("of-user") == 0);
	w_hot();
	set_override(false);
	W_CHECK(w_open_error("of-user") == EACCES);
	w_hot();
	set_override(true);
	W_CHECK(w_open_error("of-user") == 0);
}

static void change_user(void)
{
	w_hot();
	W_MUST(!seteuid(USER));
	W_CHECK(w_open_error("of-root") == EACCES);
	W_CHECK(geteuid() == USER);
	w_hot();
	W_CHECK(w_open_error("of-user") == 0);
	W_MUST(!seteuid(0));
	W_CHECK(w_open_error("of-root") == 0);
}

static void drop_user(void)
{
	w_hot();
	W_MUST(!setresuid(USER, USER, USER));
	W_CHECK(w_open_error("of-root") == EACCES);
	w_hot();
	W_CHECK(w_open_error("of-root") == EACCES);
	W_CHECK(w_open_error("of-user") == 0);
	W_CHECK(getuid() == USER && setuid(0) == -1);
}

static void change_group(void)
{
	set_override(false);
	W_CHECK(w_open_error("of-group") == EACCES);
	w_hot();
	W_MUST(!setresgid(GROUP, GROUP, 0));
	W_CHECK(w_open_error("of-group") == 0);
	w_hot();
	W_MUST(!setresgid(0, 0, 0));
	W_CHECK(w_open_error("of-group") == EACCES);
	set_override(true);
}

static void change_groups(void)
{
	gid_t group = GROUP, none = GROUP + 1;

	set_override(false);
	W_MUST(!setgroups(1, &none));
	W_CHECK(w_open_error("of-group") == EACCES);
	w_hot();
	W_MUST(!setgroups(1, &group));
	W_CHECK(w_open_error("of-group") == 0);
	w_hot();
	W_MUST(!setgroups(1, &none));
	W_CHECK(w_open_error("of-group") == EACCES);
	set_override(true);
}

static void change_root(void)
{
	w_hot();
	W_CHECK(w_open_error("/of-root") == ENOENT);
	W_MUST(!chroot("."));
	W_CHECK(w_open_error("/of-root") == 0);
	w_hot();
	W_CHECK(w_open_error("/proc/self/stat") == ENOENT);
}

static void mount_over(void)
{
	W_MUST(!unshare(CLONE_NEWNS) && !mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL));
	w_hot();
	W_CHECK(w_open_error("a/below") == 0);
	W_MUST(!mount("none", "a", "tmpfs", 0, NULL));
	W_CHECK(w_open_error("a/below") == ENOENT);
	w_hot();
	W_MUST(!umount("a"));
	W_CHECK(w_open_error("a/below") == 0);
}

static void forbid_privileges(void)
{
	w_hot();
	W_MUST(!prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
	W_CHECK(w_status("NoNewPrivs") == 1);
	w_hot();
	W_CHECK(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1);
}

static void filter_getppid(unsigned int flags)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_getppid, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog prog = { ARRAY_SIZE(code), code };

	W_MUST(!prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
	W_MUST(!syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &prog));
}

static bool getppid_refused(void)
{
	return syscall(SYS_getppid) == -1 && errno == EPERM;
}

static void filter_self(void)
{
	w_hot();
	filter_getppid(0);
	for (int i = 0; i < 200; i++)
		W_CHECK(getppid_refused());
}

static volatile bool filtered;
static pthread_barrier_t barrier;

static void *filtered_from_outside(void *arg)
{
	w_hot();
	pthread_barrier_wait(&barrier);
	for (int refused = 0; refused < 100;) {
		/* The flag first: a call that begins behind it meets the filter. */
		bool must = __atomic_load_n(&filtered, __ATOMIC_ACQUIRE);
		bool is = getppid_refused();

		W_CHECK(is || !must);
		refused += is;
	}
	return arg;
}

static void filter_other(void)
{
	pthread_t t;

	pthread_barrier_init(&barrier, NULL, 2);
	W_MUST(!pthread_create(&t, NULL, filtered_from_outside, NULL));
	pthread_barrier_wait(&barrier);
	filter_getppid(SECCOMP_FILTER_FLAG_TSYNC);
	__atomic_store_n(&filtered, true, __ATOMIC_RELEASE);
	pthread_join(t, NULL);
}

static void change_personality(void)
{
	struct utsname name;

	w_hot();
	W_MUST(personality(PER_LINUX32) != -1);
	W_CHECK(!uname(&name) && !strcmp(name.machine, "i686"));
	w_hot();
	W_MUST(personality(PER_LINUX) != -1);
	W_CHECK(!uname(&name) && !strcmp(name.machine, "x86_64"));
}

static void change_priority(void)
{
	int nice = odd_round ? 5 : 0;

	w_hot();
	W_MUST(!setpriority(PRIO_PROCESS, 0, nice));
	W_CHECK(getpriority(PRIO_PROCESS, 0) == nice);
	w_hot();
	W_CHECK(w_stat("/proc/thread-self/stat", 19) == nice);
}

static void change_affinity(void)
{
	cpu_set_t all, one, got;
	int cpu;

	W_MUST(!sched_getaffinity(0, sizeof(all), &all));
	for (cpu = 0; !CPU_ISSET(cpu, &all); cpu++)
		;
	if (odd_round)
		for (cpu++; !CPU_ISSET(cpu, &all) && cpu < CPU_SETSIZE - 1; cpu++)
			;
	if (!CPU_ISSET(cpu, &all))
		return;
	CPU_ZERO(&one);
	CPU_SET(cpu, &one);
	w_hot();
	W_MUST(!sched_setaffinity(0, sizeof(one), &one));
	W_CHECK(sched_getcpu() == cpu);
	w_hot();
	W_CHECK(!sched_getaffinity(0, sizeof(got), &got) && CPU_EQUAL(&got, &one));
	W_MUST(!sched_setaffinity(0, sizeof(all), &all));
	w_hot();
	W_CHECK(!sched_getaffinity(0, sizeof(got), &got) && CPU_EQUAL(&got, &all));
}

static void change_session_keyring(void)
{
	long ring;

	w_hot();
	ring = syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, NULL);
	if (ring == -1 && errno == ENOSYS)
		return;
	W_CHECK(syscall(SYS_keyctl, KEYCTL_GET_KEYRING_ID, KEY_SPEC_SESSION_KEYRING, 0) == ring);
	w_hot();
	W_CHECK(syscall(SYS_keyctl, KEYCTL_GET_KEYRING_ID, KEY_SPEC_SESSION_KEYRING, 0) == ring);
}

static void change_limit(void)
{
	struct rlimit old, few;
	int fd = dup(0);

	close(fd);
	W_MUST(!getrlimit(RLIMIT_NOFILE, &old));
	few = (struct rlimit){ (rlim_t)fd, old.rlim_max };
	w_hot();
	W_MUST(!setrlimit(RLIMIT_NOFILE, &few));
	W_CHECK(dup(0) == -1 && errno == EMFILE);
	w_hot();
	W_MUST(!setrlimit(RLIMIT_NOFILE, &old));
	W_CHECK(dup(0) == fd && !close(fd));
}

static void change_session(void)
{
	w_hot();
	W_MUST(setsid() == getpid());
	W_CHECK(getsid(0) == getpid() && getpgrp() == getpid());
	w_hot();
	W_CHECK(w_stat("/proc/self/stat", 6) == getpid());
}

struct row {
	const char *name;
	void (*body)(void);
	bool once;	/* what it changes cannot be changed back */
};

static const struct row rows[] = {
	{ "capset", change_capabilities, false },
	{ "seteuid", change_user, false },
	{ "setresuid", drop_user, true },
	{ "setresgid", change_group, false },
	{ "setgroups", change_groups, false },
	{ "chroot", change_root, true },
	{ "unshare(CLONE_NEWNS) and mount", mount_over, true },
	{ "PR_SET_NO_NEW_PRIVS", forbid_privileges, true },
	{ "a filter of seccomp", filter_self, true },
	{ "a filter that another thread sets for all", filter_other, true },
	{ "personality", change_personality, false },
	{ "setpriority", change_priority, false },
	{ "sched_setaffinity", change_affinity, false },
	{ "a new session keyring", change_session_keyring, false },
	{ "RLIMIT_NOFILE", change_limit, false },
	{ "setsid", change_session, true },
};

static int rounds;
static void (*repeated)(void);

static void repeat(void)
{
	for (int i = 0; i < rounds; i++) {
		odd_round = i & 1;
		repeated();
	}
}

int main(int argc, char **argv)
{
	const char *dir;

	w_init(argc, argv);
	rounds = (int)t_option("--rounds", 200);
	if (getuid() != 0) {
		t_skip("changes of identity", "needs root");
		return t_done();
	}
	dir = w_scratch();
	w_file("of-root", 0600, 0, 0);
	w_file("of-user", 0600, USER, USER);
	w_file("of-group", 0060, USER, GROUP);
	W_MUST(!mkdir("a", 0755));
	w_file("a/below", 0600, 0, 0);
	w_need_worker();
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		repeated = rows[i].body;
		for (int k = 0; rows[i].once && k < rounds; k++)
			w_in_child(rows[i].body);
		if (!rows[i].once)
			w_in_child(repeat);
		w_report(rows[i].name);
	}
	w_report_served();
	w_remove(dir);
	return t_done();
}
