// SPDX-License-Identifier: MIT
/*
 * Description: administration (mounts, namespaces, names, modules, bpf, seccomp, landlock,
 * randomness) gives the same results over trap and over gate; nothing outside its own
 * namespaces is changed.
 */
#include "twin.h"

#include <linux/bpf.h>
#include <linux/filter.h>
#include <linux/landlock.h>
#include <linux/perf_event.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/sysinfo.h>
#include <sys/utsname.h>

static char buf[4096];

static void b_names(void)
{
	struct utsname u;

	CHECK(C(SYS_unshare, CLONE_NEWUTS) == 0);
	C(SYS_sethostname, "twin-host", 9);
	C(SYS_sethostname, "x", -1);
	C(SYS_sethostname, BAD_PTR, 4);
	C(SYS_setdomainname, "twin.dom", 8);
	C(SYS_setdomainname, BAD_PTR, 4);
	C(SYS_uname, &u);
	OBS_MEM("node", u.nodename, 10);
	OBS_MEM("domain", u.domainname, 9);
	OBS_MEM("release", u.release, strlen(u.release));
	C(SYS_uname, BAD_PTR);
	C(SYS_unshare, 0x1);
	C(SYS_setns, 0, 0);
	C(SYS_setns, 99, 0);
	int ns = open("/proc/self/ns/uts", O_RDONLY);
	C(SYS_setns, ns, CLONE_NEWUTS);
	C(SYS_setns, ns, CLONE_NEWNET);
}

static void b_mounts(void)
{
	CHECK(!unshare(CLONE_NEWNS));
	/* Where / is no mount point (a chroot) there is nothing to make private. */
	CHECK(!mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) || errno == EINVAL);
	mkdir("m", 0755);
	CHECK(C(SYS_mount, "none", "m", "tmpfs", 0, "size=64k") == 0);
	close(open("m/f", O_CREAT | O_RDWR, 0600));
	C(SYS_mount, "none", "m", "nosuchfs", 0, NULL);
	C(SYS_mount, "none", "absent", "tmpfs", 0, NULL);
	C(SYS_mount, "none", BAD_PTR, "tmpfs", 0, NULL);
	C(SYS_mount, "none", "m", NULL, MS_REMOUNT | MS_RDONLY, NULL);
	C(SYS_open, "m/g", O_CREAT | O_RDWR, 0600);
	C(SYS_pivot_root, ".", "absent");
	C(SYS_pivot_root, BAD_PTR, ".");
	C(SYS_umount2, "m", 0x1000);
	C(SYS_umount2, "m", 0);
	C(SYS_umount2, "m", 0);
	C(SYS_access, "m/f", F_OK);
	long fd = C(SYS_fsopen, "tmpfs", 1);
	C(SYS_fsopen, "nosuchfs", 0);
	C(SYS_fsconfig, fd, 1, "size", "64k", 0);
	C(SYS_fsconfig, fd, 99, NULL, NULL, 0);
	C(SYS_fsconfig, fd, 6, NULL, NULL, 0);
	long mnt = C(SYS_fsmount, fd, 1, 0);
	C(SYS_fsmount, 99, 0, 0);
	C(SYS_move_mount, mnt, "", AT_FDCWD, "m", 4);
	C(SYS_move_mount, 99, "", AT_FDCWD, "m", 4);
	C(SYS_open_tree, AT_FDCWD, "m", 1);
	C(SYS_open_tree, AT_FDCWD, "absent", 0);
	C(SYS_fspick, AT_FDCWD, "m", 0);
	C(SYS_fspick, AT_FDCWD, "absent", 0);
	uint64_t attr[4] = { 1, 0, 0, 0 };	/* MOUNT_ATTR_RDONLY */
	C(SYS_mount_setattr, AT_FDCWD, "m", 0, attr, sizeof(attr));
	C(SYS_open, "m/h", O_CREAT | O_RDWR, 0600);
	C(SYS_mount_setattr, AT_FDCWD, "m", 0, attr, 3);
	C(SYS_umount2, "m", MNT_DETACH);
}

static void b_refused(void)
{
	/* Calls that would change the machine, in the forms the kernel must refuse. */
	C(SYS_reboot, 1, 2, 3, NULL);
	C(SYS_swapon, "absent", 0);
	C(SYS_swapon, BAD_PTR, 0);
	C(SYS_swapoff, "absent");
	C(SYS_acct, "absent");
	C(SYS_init_module, BAD_PTR, 10, "");
	C(SYS_finit_module, 99, "", 0);
	C(SYS_delete_module, "no_such_module_xsc", O_NONBLOCK);
	C(SYS_kexec_load, 0, 1, BAD_PTR, 0xffff);
	C(SYS_kexec_file_load, 99, 99, 0, NULL, 0);
	C(SYS_quotactl, 0x800007 << 8, "absent", 0, NULL);
	C(SYS_quotactl_fd, 99, 0, 0, NULL);
	C(SYS_syslog, 99, NULL, 0);
	C(SYS_syslog, 3, NULL, -1);
	C(SYS_lookup_dcookie, 0, buf, 10);
	C(SYS_nfsservctl, 0, NULL, NULL);
	C(SYS_create_module, NULL, 0);
	C(SYS_tuxcall, 0, 0, 0);
	C(SYS_vserver, 0, 0, 0);
	C(SYS__sysctl, buf);
}

static void b_sysinfo(void)
{
	struct sysinfo si;

	C(SYS_sysinfo, &si);
	OBS("unit", si.mem_unit);
	C(SYS_sysinfo, BAD_PTR);
	CHECK(C(SYS_getrandom, buf, 32, 0) == 32);
	C(SYS_getrandom, buf, 32, 0x80);
	C(SYS_getrandom, BAD_PTR, 32, 0);
	C(SYS_getrandom, buf, 0, 0);
}

static void b_bpf(void)
{
	union bpf_attr a;

	memset(&a, 0, sizeof(a));
	a.map_type = BPF_MAP_TYPE_ARRAY;
	a.key_size = 4;
	a.value_size = 8;
	a.max_entries = 2;
	CQ(SYS_bpf, BPF_MAP_CREATE, &a, sizeof(a));
	a.key_size = 3;
	C(SYS_bpf, BPF_MAP_CREATE, &a, sizeof(a));
	C(SYS_bpf, 999, &a, sizeof(a));
	C(SYS_bpf, BPF_MAP_CREATE, BAD_PTR, sizeof(a));
	struct perf_event_attr pe = { .type = 99, .size = sizeof(pe) };
	C(SYS_perf_event_open, &pe, 0, -1, -1, 0);
	C(SYS_perf_event_open, BAD_PTR, 0, -1, -1, 0);
}

static void b_seccomp(void)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_getuid, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | 123),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog prog = { ARRAY_SIZE(code), code };
	uint32_t action = SECCOMP_RET_TRAP;

	CHECK(!prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
	C(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &action);
	action = 0x12345678;
	C(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &action);
	C(SYS_seccomp, 99, 0, NULL);
	C(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, BAD_PTR);
	CHECK(C(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &prog) == 0);
	C(SYS_getuid);
	C(SYS_geteuid);
	C(SYS_prctl, PR_GET_SECCOMP);
}

static void b_landlock(void)
{
	struct landlock_ruleset_attr a = { .handled_access_fs = LANDLOCK_ACCESS_FS_MAKE_REG };
	struct landlock_path_beneath_attr p = { LANDLOCK_ACCESS_FS_MAKE_REG, -1 };
	long fd;

	mkdir("allowed", 0755);
	C(SYS_landlock_create_ruleset, NULL, 0, 1);
	C(SYS_landlock_create_ruleset, BAD_PTR, sizeof(a), 0);
	fd = C(SYS_landlock_create_ruleset, &a, sizeof(a), 0);
	p.parent_fd = open("allowed", O_PATH);
	C(SYS_landlock_add_rule, fd, LANDLOCK_RULE_PATH_BENEATH, &p, 0);
	C(SYS_landlock_add_rule, 99, LANDLOCK_RULE_PATH_BENEATH, &p, 0);
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	C(SYS_landlock_restrict_self, 99, 0);
	C(SYS_landlock_restrict_self, fd, 0);
	C(SYS_open, "refused", O_CREAT | O_RDWR, 0600);
	C(SYS_open, "allowed/made", O_CREAT | O_RDWR, 0600);
}

static void b_hangup(void)
{
	/* No controlling terminal here: vhangup has nothing to hang up. */
	if (!fork()) {
		setsid();
		C(SYS_vhangup);
		_exit(0);
	}
	OBS("wait", t_wait_code(-1));
	C(SYS_sync);
}

static const struct twin_row rows[] = {
	{ "names", b_names },	  { "mounts", b_mounts },   { "refused", b_refused },
	{ "sysinfo", b_sysinfo }, { "bpf", b_bpf },	    { "seccomp", b_seccomp },
	{ "landlock", b_landlock }, { "hangup", b_hangup },
};

int main(int argc, char **argv)
{
	return twin_main(argc, argv, rows, ARRAY_SIZE(rows));
}
