/* SPDX-License-Identifier: MIT */
/* What has to be known of the command line of an assembler or a linker. */
#ifndef XSC_OPTIONS_H
#define XSC_OPTIONS_H

#include "child.h"

struct options {
	struct words words;	/* for the real tool: without what is meant for this one */
	const char *output;
	bool is_partial;	/* -r: the result is linked again */
	bool reads_stdin;
	const char *sysroot;	/* NULL if none is named */
	bool is_program;	/* --xsc-program: the compiler links something to be executed */
	struct words lists;	/* --xsc-allow=FILE */
	struct words libraries;	/* shared libraries named by path */
	struct words directories;	/* -L, in their order, as they are named */
};

/* -L means something else to each of them. */
enum reader_of { ASSEMBLER, LINKER };

/*
 * Read a command line. Response files (@FILE) are looked into and passed on as they are.
 */
struct options options_read(enum reader_of tool, int argc, char **argv);

/* The state of a file, to know whether a tool has written it. */
struct stamp {
	unsigned long long inode;
	long long seconds;
	long nanoseconds;
};

struct stamp stamp_of(const char *path);

/* Whether the file is there and is another one, or has other contents, than it was. */
bool stamp_differs(const char *path, struct stamp before);

#endif
