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
	bool has_sysroot;
	bool is_program;	/* --xsc-program: the compiler links something to be executed */
	struct words lists;	/* --xsc-allow=FILE */
};

/*
 * Read a command line. Response files (@FILE) are looked into and passed on as they are.
 */
struct options options_read(int argc, char **argv);

#endif
