// SPDX-License-Identifier: MIT
/*
 * A program that is without traps itself makes those of its libraries: Debian's libgomp waits for
 * locks by an instruction of its own. The names of the libraries stand in the output, and the
 * linker found them by the paths and directories of its command line. One that is found in none of
 * them is not looked at.
 */
#define _GNU_SOURCE
#include "needed.h"

#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "elf_view.h"
#include "memory.h"
#include "refuse.h"
#include "say.h"

/* Where the linker looks without being told. */
static const char *const usual[] = {
	"=/usr/local/lib/x86_64-linux-gnu", "=/lib/x86_64-linux-gnu", "=/usr/lib/x86_64-linux-gnu",
	"=/usr/local/lib", "=/lib", "=/usr/lib",
};

#define C_LIBRARY "libc.so.6"

struct image {
	const unsigned char *data;
	size_t size;
};

/* Map a file; no bytes if it cannot be. It stays mapped, names point into it. */
static struct image image_of(const char *path)
{
	int file = open(path, O_RDONLY | O_CLOEXEC);
	struct image image = { NULL, 0 };
	struct stat status;

	if (file < 0)
		return image;
	if (fstat(file, &status) == 0 && S_ISREG(status.st_mode) && status.st_size > 0) {
		void *data = mmap(NULL, status.st_size, PROT_READ, MAP_PRIVATE, file, 0);

		if (data != MAP_FAILED)
			image = (struct image){ data, status.st_size };
	}
	close(file);
	return image;
}

/* The names that the dynamic section of an image has under one tag. */
static struct words names_of(struct image image, Elf64_Sxword tag)
{
	struct words names = { 0 };
	struct elf_view view;

	if (!elf_open(&view, image.data, image.size))
		return names;
	for (size_t i = 1; i < view.count; i++) {
		struct elf_bytes bytes = elf_section(&view, i);

		if (view.sections[i].sh_type != SHT_DYNAMIC)
			continue;
		for (size_t at = 0; at + sizeof(Elf64_Dyn) <= bytes.size; at += sizeof(Elf64_Dyn)) {
			Elf64_Dyn entry;

			memcpy(&entry, bytes.data + at, sizeof(entry));
			if (entry.d_tag == tag)
				words_add(&names, elf_string(&view, view.sections[i].sh_link,
							     entry.d_un.d_val));
		}
	}
	return names;
}

/* What the libraries that are named by path call themselves, whatever their files are called. */
static struct words own_names(const struct words *libraries)
{
	struct words names = { 0 };

	for (size_t i = 0; i < libraries->count; i++) {
		struct words own = names_of(image_of(libraries->items[i]), DT_SONAME);

		words_add(&names, own.count ? own.items[0] : basename(libraries->items[i]));
	}
	return names;
}

/* A file in a directory as -L names it; NULL if there is none. */
static char *find_in(const struct options *options, const char *directory, const char *name)
{
	const char *sysroot = options->sysroot ? options->sysroot : "", *rest = directory;
	char *path;

	if (*directory == '=')
		rest = directory + 1;
	else if (strncmp(directory, "$SYSROOT", 8) == 0)
		rest = directory + 8;
	path = format("%s%s/%s", rest == directory ? "" : sysroot, rest, name);
	return access(path, R_OK) == 0 ? path : NULL;
}

static char *find(const struct options *options, const struct words *named, const char *name)
{
	char *path = NULL;

	for (size_t i = 0; path == NULL && i < named->count; i++)
		if (strcmp(named->items[i], name) == 0)
			path = options->libraries.items[i];
	for (size_t i = 0; path == NULL && i < options->directories.count; i++)
		path = find_in(options, options->directories.items[i], name);
	for (size_t i = 0; path == NULL && i < sizeof(usual) / sizeof(*usual); i++)
		path = find_in(options, usual[i], name);
	return path;
}

/* Say how many traps a library has, and where the first one is; returns false if it has none. */
static bool told(const struct options *options, const char *path)
{
	struct scan found;
	size_t left, first = 0;

	if (!scan_file(path, &found))
		return false;
	left = refuse_count(path, &found, &options->lists);
	if (left == 0)
		return false;
	while (found.traps[first].reason)
		first++;
	say("warning", "%s: needs %s, which holds %zu trap instruction%s, the first a `%s` at %s+%#lx in "
	    "%s " TRAP_TAG, options->output, path, left, left == 1 ? "" : "s",
	    found.traps[first].opcode,
	    *found.traps[first].symbol ? found.traps[first].symbol : "no symbol",
	    found.traps[first].offset, found.traps[first].section);
	return true;
}

void needed_check(const struct options *options)
{
	struct words names = names_of(image_of(options->output), DT_NEEDED);
	struct words named = own_names(&options->libraries);
	bool any = false;

	for (size_t i = 0; i < names.count; i++) {
		char *path;

		/* XSC's is checked when it is built; to search it takes a twentieth of a link. */
		if (strcmp(names.items[i], C_LIBRARY) == 0)
			continue;
		path = find(options, &named, names.items[i]);
		any |= path && told(options, path);
	}
	if (any)
		say("note", "a system in enforcing mode ends a program at its first trap");
}
