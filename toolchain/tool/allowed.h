/* SPDX-License-Identifier: MIT */
/*
 * Traps that a source file allows itself: section .xsc_allow holds, for each, where it begins and
 * ends (two addresses) and the reason (a string), padded to eight bytes. The section is no part of
 * the program in memory.
 */
#ifndef XSC_ALLOWED_H
#define XSC_ALLOWED_H

#include "elf_view.h"

struct allowed_range {
	size_t section;		/* 0 in a linked file: addresses say it all */
	uint64_t start;
	uint64_t end;
	const char *reason;
};

struct allowed {
	struct allowed_range *ranges;
	size_t count;
};

struct allowed allowed_read(const struct elf_view *view);

/* Why the instruction at `address` is allowed, NULL if it is not. */
const char *allowed_reason(const struct allowed *allowed, size_t section, uint64_t address);

void allowed_free(struct allowed *allowed);

#endif
