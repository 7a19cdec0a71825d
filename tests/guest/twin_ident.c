// SPDX-License-Identifier: MIT
/*
 * Description: identity, limits and scheduling (set*id, capabilities, groups, keys, rlimits,
 * policies, affinity) change the same way over trap and over gate.
 */
#include "twin.h"

#include <linux/capability.h>
#include <sched.h>
#include <sys/resource.h>

/* The kernel's struct sched_attr: its header and libc's sched.h cannot be included together. */
struct attr {
	uint32_t size, policy;
	uint64_t flags;
	int32_t nice;
	uint32_t priority;
	uint64_t runtime, deadline, period;
};

static void obs_ids(void)
{
	uid_t r = 99, e = 99, s = 99;
	gid_t gr = 99, ge = 99, gs = 99;

	C(SYS_getuid);
	C(SYS_geteuid);
	C(SYS_getgid);
	C(SYS_getegid);
	C(SYS_getresuid, &r, &e, &s);
	C(SYS_getresgid, &gr, &ge, &gs);
	OBS("uids", r * 1000000L + e * 1000L + s);
	OBS("gids", gr * 1000000L + ge * 1000L + gs);
}

static void b_uids(void)
{
	obs_ids();
	CHECK(C(SYS_setresgid, 11, 12, 13) == 0);
	CHECK(C(SYS_setresuid, 21, 22, 23) == 0);
	obs_ids();
	C(SYS_setresuid, 5, -1, -1);
	C(SYS_setresgid, 5, -1, -1);
	C(SYS_setuid, 5);
	C(SYS_setuid, 23);
	C(SYS_setgid, 13);
	C(SYS_setgid, 5);
	C(SYS_setreuid, -1, 21);
	C(SYS_setreuid, 77, 77);
	C(SYS_setregid, -1, 11);
	C(SYS_setregid, 77, 77);
	obs_ids();
	C(SYS_getresuid, BAD_PTR, BAD_PTR, BAD_PTR);
	C(SYS_getresgid, BAD_PTR, BAD_PTR, BAD_PTR);
	close(open("owned", O_CREAT | O_RDWR, 0600));
}

static void b_root_uids(void)
{
	C(SYS_setfsuid, 31);
	C(SYS_setfsuid, -1);
	C(SYS_setfsgid, 32);
	C(SYS_setfsgid, -1);
	close(open("fs-owned", O_CREAT | O_RDWR, 0600));
	C(SYS_setregid, 41, 42);
	C(SYS_setreuid, 51, 0);
	obs_ids();
	C(SYS_setgid, 43);
	C(SYS_setuid, 44);
	obs_ids();
	C(SYS_open, "/etc/shadow", O_RDONLY);
	C(SYS_chroot, ".");
	C(SYS_mknod, "x", S_IFCHR | 0600, 0x103);
	C(SYS_kill, 1, 0);
}

static void b_groups(void)
{
	gid_t set[3] = { 71, 72, 73 }, got[8] = { 0 };

	CHECK(C(SYS_setgroups, 3, set) == 0);
	C(SYS_getgroups, 8, got);
	OBS_MEM("groups", got, sizeof(got));
	C(SYS_getgroups, 0, NULL);
	C(SYS_getgroups, 1, got);
	C(SYS_getgroups, -1, got);
	C(SYS_getgroups, 8, BAD_PTR);
	C(SYS_setgroups, 3, BAD_PTR);
	C(SYS_setgroups, 100000, set);
	C(SYS_setuid, 9);
	C(SYS_setgroups, 1, set);
}

static void b_caps(void)
{
	struct __user_cap_header_struct h = { _LINUX_CAPABILITY_VERSION_3, 0 };
	struct __user_cap_data_struct d[2];

	memset(d, 0, sizeof(d));
	CHECK(C(SYS_capget, &h, d) == 0);
	OBS("effective", d[0].effective);
	d[0].effective &= ~(1u << CAP_SYS_CHROOT);
	C(SYS_capset, &h, d);
	C(SYS_chroot, ".");
	d[0].permitted &= ~(1u << CAP_SYS_CHROOT);
	C(SYS_capset, &h, d);
	d[0].effective |= 1u << CAP_SYS_CHROOT;
	C(SYS_capset, &h, d);
	C(SYS_capget, BAD_PTR, d);
	C(SYS_capset, &h, BAD_PTR);
	h.version = 0x1234;
	C(SYS_capget, &h, d);
	OBS("version", h.version);
	h.version = _LINUX_CAPABILITY_VERSION_3;
	h.pid = 0x3ffffff;
	C(SYS_capget, &h, d);
}

static void b_limits(void)
{
	struct rlimit r = { 77, 88 }, got = { 0, 0 };
	uint64_t pr[2] = { 66, 88 }, old[2];

	CHECK(C(SYS_setrlimit, RLIMIT_NOFILE, &r) == 0);
	C(SYS_getrlimit, RLIMIT_NOFILE, &got);
	OBS("nofile", got.rlim_cur * 1000 + got.rlim_max);
	C(SYS_getrlimit, 99, &got);
	C(SYS_getrlimit, RLIMIT_NOFILE, BAD_PTR);
	r = (struct rlimit){ 99, 88 };
	C(SYS_setrlimit, RLIMIT_NOFILE, &r);
	C(SYS_prlimit64, 0, RLIMIT_NOFILE, pr, old);
	OBS("old", (long)old[0]);
	C(SYS_prlimit64, 0x3ffffff, RLIMIT_NOFILE, pr, old);
	C(SYS_prlimit64, 0, 99, pr, old);
	/* The limit counts for the caller at once. */
	C(SYS_dup2, 0, 65);
	C(SYS_dup2, 0, 66);
	pr[0] = 3;
	C(SYS_prlimit64, 0, RLIMIT_NOFILE, pr, NULL);
	C(SYS_open, "x", O_CREAT | O_RDWR, 0600);
	pr[0] = 88;
	C(SYS_prlimit64, 0, RLIMIT_NOFILE, pr, NULL);
}

static void b_priority(void)
{
	C(SYS_getpriority, PRIO_PROCESS, 0);
	CHECK(C(SYS_setpriority, PRIO_PROCESS, 0, 5) == 0);
	C(SYS_getpriority, PRIO_PROCESS, 0);
	C(SYS_setpriority, PRIO_PROCESS, 0, -3);
	C(SYS_getpriority, PRIO_PROCESS, 0);
	C(SYS_getpriority, 9, 0);
	C(SYS_setpriority, PRIO_PROCESS, 0x3ffffff, 5);
	C(SYS_ioprio_get, 1, 0);
	C(SYS_ioprio_set, 1, 0, (2 << 13) | 3);
	C(SYS_ioprio_get, 1, 0);
	C(SYS_ioprio_set, 1, 0, 7 << 13);
	C(SYS_ioprio_get, 9, 0);
}

static void b_sched(void)
{
	struct sched_param sp = { 7 }, got = { -1 };
	struct attr attr = { .size = sizeof(attr), .policy = SCHED_BATCH };
	struct timespec ts;
	unsigned long mask[16] = { 1 }, back[16] = { 0 };

	C(SYS_sched_getscheduler, 0);
	C(SYS_sched_getscheduler, -1);
	CHECK(C(SYS_sched_get_priority_max, SCHED_FIFO) == 99);
	C(SYS_sched_get_priority_min, SCHED_FIFO);
	C(SYS_sched_get_priority_min, 99);
	C(SYS_sched_get_priority_max, 99);
	C(SYS_sched_setscheduler, 0, SCHED_RR, &sp);
	C(SYS_sched_getscheduler, 0);
	C(SYS_sched_getparam, 0, &got);
	OBS("priority", got.sched_priority);
	C(SYS_sched_getparam, 0, BAD_PTR);
	sp.sched_priority = 8;
	C(SYS_sched_setparam, 0, &sp);
	sp.sched_priority = 800;
	C(SYS_sched_setparam, 0, &sp);
	C(SYS_sched_rr_get_interval, 0, &ts);
	OBS("interval", ts.tv_nsec);
	C(SYS_sched_rr_get_interval, 0x3ffffff, &ts);
	C(SYS_sched_setattr, 0, &attr, 0);
	C(SYS_sched_setattr, 0, &attr, 1);
	C(SYS_sched_setattr, 0, BAD_PTR, 0);
	C(SYS_sched_getattr, 0, &attr, sizeof(attr), 0);
	OBS("policy", attr.policy);
	C(SYS_sched_getattr, 0, &attr, 4, 0);
	CHECK(C(SYS_sched_setaffinity, 0, sizeof(mask), mask) == 0);
	C(SYS_sched_getaffinity, 0, sizeof(back), back);
	OBS("mask", (long)back[0]);
	C(SYS_sched_getaffinity, 0, 1, back);
	mask[0] = 0;
	C(SYS_sched_setaffinity, 0, sizeof(mask), mask);
	C(SYS_sched_setaffinity, 0, sizeof(mask), BAD_PTR);
	unsigned int cpu = 99, node = 99;
	C(SYS_getcpu, &cpu, &node, NULL);
	OBS("cpu", cpu);
	C(SYS_getcpu, BAD_PTR, &node, NULL);
}

static void b_keys(void)
{
	long key = CQ(SYS_add_key, "user", "xsc:twin", "payload", 7, -2);	/* process keyring */
	char out[16] = "";

	C(SYS_add_key, "nosuchtype", "x", "y", 1, -2);
	C(SYS_add_key, BAD_PTR, "x", "y", 1, -2);
	if (key > 0) {
		C(SYS_keyctl, 11, key, out, sizeof(out));	/* READ */
		OBS_MEM("payload", out, sizeof(out));
		OBS("found", CQ(SYS_request_key, "user", "xsc:twin", NULL, 0) == key);
		C(SYS_keyctl, 3, key);				/* REVOKE */
		C(SYS_keyctl, 11, key, out, sizeof(out));
	}
	C(SYS_request_key, "user", "xsc:none", NULL, 0);
	C(SYS_keyctl, 999, 0);
}

static const struct twin_row rows[] = {
	{ "uids", b_uids },	{ "root_uids", b_root_uids }, { "groups", b_groups },
	{ "caps", b_caps },	{ "limits", b_limits },	      { "priority", b_priority },
	{ "sched", b_sched },	{ "keys", b_keys },
};

int main(int argc, char **argv)
{
	return twin_main(argc, argv, rows, ARRAY_SIZE(rows));
}
