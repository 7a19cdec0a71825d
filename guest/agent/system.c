// SPDX-License-Identifier: MIT
/* What PID 1 owes the system: mounts, loopback, a host name, and a clean end. */
#include "agent.h"

#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#define AGENT_PATH "/run/xsc/agent"
#define UNIT_PATH "/run/systemd/system/xsc-agent.service"
#define WANTS_DIR "/run/systemd/system/multi-user.target.wants"

static const char unit_text[] =
	"[Unit]\n"
	"Description=XSC guest agent\n"
	"After=multi-user.target\n"
	"[Service]\n"
	"ExecStart=" AGENT_PATH "\n"
	"StandardInput=null\n"
	"TasksMax=infinity\n"
	"KillMode=process\n";

/* Order matters: a later mount point may lie on an earlier mount. All but the first four may be missing in a kernel. */
static const struct {
	const char *type, *target, *options;
	unsigned long flags;
} mounts[] = {
	{ "proc", "/proc", NULL, MS_NOSUID | MS_NODEV | MS_NOEXEC },
	{ "sysfs", "/sys", NULL, MS_NOSUID | MS_NODEV | MS_NOEXEC },
	{ "devtmpfs", "/dev", "mode=0755", MS_NOSUID },
	{ "tmpfs", "/run", "mode=0755", MS_NOSUID | MS_NODEV },
	{ "devpts", "/dev/pts", "mode=0620,gid=5,ptmxmode=0666", MS_NOSUID | MS_NOEXEC },
	{ "tmpfs", "/dev/shm", "mode=1777", MS_NOSUID | MS_NODEV },
	{ "mqueue", "/dev/mqueue", NULL, MS_NOSUID | MS_NODEV | MS_NOEXEC },
	{ "tmpfs", "/tmp", "mode=1777", 0 },
	{ "cgroup2", "/sys/fs/cgroup", NULL, MS_NOSUID | MS_NODEV | MS_NOEXEC },
	{ "securityfs", "/sys/kernel/security", NULL, MS_NOSUID | MS_NODEV | MS_NOEXEC },
	{ "debugfs", "/sys/kernel/debug", NULL, MS_NOSUID | MS_NODEV | MS_NOEXEC },
	{ "tracefs", "/sys/kernel/tracing", NULL, MS_NOSUID | MS_NODEV | MS_NOEXEC },
};

bool system_is_init(void)
{
	return getpid() == 1;
}

static bool is_mount_point(const char *path)
{
	struct stat self, parent;
	char above[256];

	snprintf(above, sizeof(above), "%s/..", path);
	if (stat(path, &self) || stat(above, &parent))
		return false;
	return self.st_dev != parent.st_dev;
}

static void link_dev(const char *target, const char *path)
{
	if (symlink(target, path) && errno != EEXIST)
		perror(path);
}

static void loopback_up(void)
{
	int sock = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct ifreq request = { .ifr_name = "lo" };

	if (sock < 0)
		return;
	if (!ioctl(sock, SIOCGIFFLAGS, &request)) {
		request.ifr_flags |= IFF_UP | IFF_RUNNING;
		ioctl(sock, SIOCSIFFLAGS, &request);
	}
	close(sock);
}

void system_prepare(void)
{
	for (size_t i = 0; i < sizeof(mounts) / sizeof(mounts[0]); i++) {
		mkdir(mounts[i].target, 0755);
		if (!is_mount_point(mounts[i].target))
			mount(mounts[i].type, mounts[i].target, mounts[i].type, mounts[i].flags, mounts[i].options);
	}
	link_dev("/proc/self/fd", "/dev/fd");
	link_dev("/proc/self/fd/0", "/dev/stdin");
	link_dev("/proc/self/fd/1", "/dev/stdout");
	link_dev("/proc/self/fd/2", "/dev/stderr");
	loopback_up();
	if (sethostname("xsc", 3))
		perror("sethostname");
	/* Ctrl-Alt-Del would reset the machine behind the host's back. */
	reboot(RB_DISABLE_CAD);
}

static bool cmdline_has(const char *word)
{
	char text[4096] = "";
	int fd = open("/proc/cmdline", O_RDONLY | O_CLOEXEC);
	ssize_t n = fd >= 0 ? read(fd, text, sizeof(text) - 1) : -1;

	if (fd >= 0)
		close(fd);
	if (n < 0)
		return false;
	text[n] = '\0';
	for (char *save, *at = strtok_r(text, " \n", &save); at; at = strtok_r(NULL, " \n", &save))
		if (!strcmp(at, word))
			return true;
	return false;
}

bool system_wants_init(void)
{
	/* An initramfs has mounted /proc already, unless the agent is /init itself. */
	return system_is_init() && cmdline_has("xsc.agent.init=systemd");
}

static int write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	ssize_t length = (ssize_t)strlen(text), n;

	if (fd < 0)
		return -1;
	n = write(fd, text, (size_t)length);
	return close(fd) || n != length ? -1 : 0;
}

void system_exec_init(void)
{
	if (mkdir("/run/systemd", 0755) && errno != EEXIST)
		return;
	mkdir("/run/systemd/system", 0755);
	mkdir(WANTS_DIR, 0755);
	if (write_file(UNIT_PATH, unit_text) || symlink(UNIT_PATH, WANTS_DIR "/xsc-agent.service"))
		return;
	execl("/sbin/init", "/sbin/init", (char *)NULL);
}

static void make_directories(const char *path)
{
	char *copy = strdup(path);

	if (!copy)
		return;
	for (char *at = copy + 1; *at; at++) {
		if (*at != '/')
			continue;
		*at = '\0';
		mkdir(copy, 0755);
		*at = '/';
	}
	mkdir(copy, 0755);
	free(copy);
}

int system_mount_share(const char *tag, const char *path)
{
	/* cache=mmap: without it a shared writable mapping of a file on the share fails with EINVAL. */
	static const char options[] = "trans=virtio,version=9p2000.L,cache=mmap,msize=262144";

	make_directories(path);
	return mount(tag, path, "9p", 0, options) ? -errno : 0;
}

static void ask_service_manager(void)
{
	pid_t pid = fork();

	if (pid == 0) {
		execlp("systemctl", "systemctl", "--no-block", "poweroff", (char *)NULL);
		_exit(127);
	}
	if (pid > 0)
		waitpid(pid, NULL, 0);
}

void system_power_off(void)
{
	sync();
	if (!system_is_init()) {
		ask_service_manager();
		return;
	}
	kill(-1, SIGKILL);
	while (waitpid(-1, NULL, 0) > 0)
		;
	sync();
	reboot(RB_POWER_OFF);
	/* Without ACPI there is no power switch. A reset ends the virtual machine too. */
	reboot(RB_AUTOBOOT);
	for (;;)
		pause();
}
