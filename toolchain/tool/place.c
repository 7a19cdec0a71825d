// SPDX-License-Identifier: MIT
#define _GNU_SOURCE
#include "place.h"

#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "memory.h"

#define INSTALLED "/usr/lib/xsc/toolchain"
#define DEBIAN "/usr/bin/x86_64-linux-gnu-"

char *place_of(const char *name)
{
	char own[PATH_MAX];
	ssize_t length = readlink("/proc/self/exe", own, sizeof(own) - 1);
	char *end = NULL;

	if (length > 0) {
		own[length] = 0;
		end = strrchr(own, '/');
	}
	/* Without /proc this can only be the installed one. */
	if (end == NULL)
		return format("%s/%s", INSTALLED, name);
	*end = 0;
	return format("%s/%s", own, name);
}

char *place_sysroot(void)
{
	char *directory = place_of("");
	struct stat status;
	char *tree;

	/* .../lib/xsc/toolchain/ has the tree as a neighbour, and its path shows in outputs. */
	directory[strlen(directory) - 1] = 0;
	*strrchr(directory, '/') = 0;
	tree = format("%s/sysroot", directory);
	return stat(tree, &status) == 0 && S_ISDIR(status.st_mode) ? tree : NULL;
}

char *place_debian(const char *tool)
{
	return format("%s%s", DEBIAN, tool);
}
