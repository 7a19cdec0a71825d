/* SPDX-License-Identifier: MIT */
/*
 * Lists of traps that may be in linked or assembled files. A line is
 *
 *     file  section  opcode  count  reason
 *
 * with a shell pattern for the name of the file, and the greatest count there may be in one file.
 */
#ifndef XSC_RULES_H
#define XSC_RULES_H

#include "scan.h"

struct rule {
	char *file;
	char *section;
	char *opcode;
	size_t count;
	char *reason;
};

struct rules {
	struct rule *items;
	size_t count;
};

/* Add the rules of a file. A line of another form ends the program: no exception without reason. */
void rules_read(struct rules *rules, const char *path);

/* Give every trap of `file` that a rule covers that rule's reason; return how many have none. */
size_t rules_apply(const struct rules *rules, const char *file, struct scan *found);

#endif
