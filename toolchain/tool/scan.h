/* SPDX-License-Identifier: MIT */
/* Finds trap instructions in an ELF image, and knows which of them the program allows itself. */
#ifndef XSC_SCAN_H
#define XSC_SCAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct trap {
	const char *section;
	const char *symbol;	/* "" without one */
	uint64_t offset;	/* from the symbol, or from the start of the section */
	uint64_t address;	/* in an object file: offset in the section */
	const char *opcode;
	const char *reason;	/* why the source allows it; NULL if it does not */
};

struct scan {
	struct trap *traps;
	size_t count;
	bool is_program;	/* linked, and meant to be executed */
	bool is_tagged;		/* carries the note of the XSC ABI */
};

/*
 * Scan an image. Anything but an ELF file of x86-64 holds no trap.
 * The strings in the result point into `image`. Free the result with scan_free().
 */
struct scan scan_image(const unsigned char *image, size_t size);

/* The same for a file. Returns false, and says so on stderr, if it cannot be read. */
bool scan_file(const char *path, struct scan *found);

void scan_free(struct scan *found);

#endif
