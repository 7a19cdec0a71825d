// SPDX-License-Identifier: MIT
#define _GNU_SOURCE
#include "map.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "memory.h"

/*
 * Lines that say so have, after the name of the section or after nothing, an address, a size and
 * the file's name. Other lines with an address have no size, or no name.
 */
static const char *file_at(const char *line, uint64_t address)
{
	const char *word = strstr(line, " 0x");
	uint64_t start, size;
	char *end;

	if (word == NULL)
		return NULL;
	start = strtoull(word, &end, 16);
	word = end + strspn(end, " ");
	if (strncmp(word, "0x", 2) != 0)
		return NULL;
	size = strtoull(word, &end, 16);
	word = end + strspn(end, " ");
	if (!*word || address < start || address - start >= size)
		return NULL;
	return strncmp(word, "load address", 12) == 0 ? NULL : word;
}

char *map_origin(const char *path, uint64_t address)
{
	FILE *map = fopen(path, "re");
	char *line = NULL, *found = NULL;
	size_t room = 0;

	while (map && found == NULL && getline(&line, &room, map) >= 0) {
		const char *file;

		line[strcspn(line, "\n")] = 0;
		file = file_at(line, address);
		if (file)
			found = format("%s", file);
	}
	free(line);
	if (map)
		fclose(map);
	return found;
}
