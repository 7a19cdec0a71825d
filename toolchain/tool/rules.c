// SPDX-License-Identifier: MIT
#define _GNU_SOURCE
#include "rules.h"

#include <errno.h>
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "memory.h"
#include "say.h"

/* Read one line; returns false if it is empty or a comment. */
static bool read_rule(struct rule *rule, char *line, const char *path, unsigned int number)
{
	char *words[5], *end;
	size_t count = 0;

	for (; count < 4; count++) {
		words[count] = strsep(&line, " \t\n");
		while (line && words[count] && !*words[count])
			words[count] = strsep(&line, " \t\n");
		if (!line || !*words[count] || *words[0] == '#')
			break;
	}
	if (!*words[0] || *words[0] == '#')
		return false;
	words[4] = count == 4 ? line + strspn(line, " \t") : "";
	words[4][strcspn(words[4], "\n")] = 0;
	if (!*words[4])
		die("%s:%u: not `file section opcode count reason`", path, number);
	for (char *blank = words[2]; (blank = strchr(blank, '_')) != NULL;)
		*blank = ' ';
	*rule = (struct rule){ words[0], words[1], words[2], strtoul(words[3], &end, 10), words[4] };
	if (*end)
		die("%s:%u: `%s` is no count", path, number, words[3]);
	return true;
}

void rules_read(struct rules *rules, const char *path)
{
	FILE *file = fopen(path, "re");
	unsigned int number = 0;
	char *line = NULL;
	size_t room = 0;

	if (file == NULL)
		die("%s: %s", path, strerror(errno));
	while (getline(&line, &room, file) >= 0) {
		struct rule rule;

		/* The rule keeps the pieces of the line. */
		if (read_rule(&rule, format("%s", line), path, ++number)) {
			rules->items = grow(rules->items, rules->count, sizeof(rule));
			rules->items[rules->count++] = rule;
		}
	}
	free(line);
	fclose(file);
}

static bool covers(const struct rule *rule, const char *file, const struct trap *trap)
{
	return fnmatch(rule->file, basename(file), 0) == 0 &&
	       strcmp(rule->section, trap->section) == 0 && strcmp(rule->opcode, trap->opcode) == 0;
}

size_t rules_apply(const struct rules *rules, const char *file, struct scan *found)
{
	size_t left = 0;

	for (size_t i = 0; i < rules->count; i++) {
		const struct rule *rule = &rules->items[i];
		size_t used = 0;

		for (size_t j = 0; j < found->count && used < rule->count; j++)
			if (found->traps[j].reason == NULL && covers(rule, file, &found->traps[j])) {
				found->traps[j].reason = rule->reason;
				used++;
			}
	}
	for (size_t j = 0; j < found->count; j++)
		left += found->traps[j].reason == NULL;
	return left;
}
