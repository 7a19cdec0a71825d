/* SPDX-License-Identifier: MIT */
/* What an ELF image says about its code: where functions begin and end, and where labels are. */
#ifndef XSC_SPANS_H
#define XSC_SPANS_H

#include "elf_view.h"

struct span {
	uint64_t start;
	uint64_t end;		/* equal to start: a label of unknown extent */
	const char *name;	/* "" if only unwind information tells of it */
	bool is_data;
};

struct spans {
	struct span *items;	/* by start */
	size_t count;
};

/*
 * Collect what lies in a section, from symbols or, where they have been left out, from unwind
 * information. Free the result with spans_free().
 */
struct spans spans_of(const struct elf_view *view, size_t section);

void spans_free(struct spans *spans);

#endif
