// SPDX-License-Identifier: MIT
/* virtio-serial ports, found by the name the host gave them: their numbers depend on the order of the devices. */
#include "agent.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static bool port_is_named(const char *device, const char *name)
{
	char path[300], text[64] = "";
	FILE *file;

	snprintf(path, sizeof(path), "/sys/class/virtio-ports/%s/name", device);
	file = fopen(path, "re");
	if (!file)
		return false;
	if (!fgets(text, sizeof(text), file))
		text[0] = '\0';
	fclose(file);
	text[strcspn(text, "\n")] = '\0';
	return !strcmp(text, name);
}

static int port_find(const char *name, int flags)
{
	DIR *dir = opendir("/sys/class/virtio-ports");
	const struct dirent *entry;
	int fd = -ENOENT;

	if (!dir)
		return -errno;
	while (fd == -ENOENT && (entry = readdir(dir))) {
		char path[300];

		if (entry->d_name[0] == '.' || !port_is_named(entry->d_name, name))
			continue;
		snprintf(path, sizeof(path), "/dev/%s", entry->d_name);
		fd = open(path, flags | O_CLOEXEC);
		if (fd < 0)
			fd = -errno;
	}
	closedir(dir);
	return fd;
}

int port_open(const char *name, int flags, int wait_ms)
{
	const struct timespec pause = { .tv_nsec = 10 * 1000 * 1000 };

	for (;;) {
		int fd = port_find(name, flags);

		if (fd >= 0 || wait_ms <= 0)
			return fd;
		nanosleep(&pause, NULL);
		wait_ms -= 10;
	}
}
