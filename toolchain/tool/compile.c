// SPDX-License-Identifier: MIT
/*
 * The compiler: Debian's, told where plugin, assembler, linker and C library are. What the options
 * of a command line lead to is decided by the specs, not here.
 */
#define _GNU_SOURCE
#include "tools.h"

#include <string.h>

#include "child.h"
#include "memory.h"
#include "place.h"
#include "refuse.h"

/* The plugin works with the compiler whose headers it was compiled with, and with no other. */
#define RELEASE "12"

/* A tree that the user names replaces the one beside the toolchain. */
static const char *given_tree(int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		if (strncmp(argv[i], "--sysroot=", 10) == 0)
			return argv[i] + 10;
		if (strcmp(argv[i], "--sysroot") == 0 && i + 1 < argc)
			return argv[i + 1];
	}
	return NULL;
}

int compile(const char *tool, bool own_tree, int argc, char **argv)
{
	char *program = format("%s-%s", place_debian(tool), RELEASE);
	const char *tree = own_tree ? given_tree(argc, argv) : NULL;
	struct words words = { 0 };

	if (own_tree && tree == NULL)
		tree = place_sysroot();
	/* Said once and in good time, instead of by whichever part comes to need it. */
	refuse_kind();
	words_add(&words, program);
	words_add(&words, format("-specs=%s", place_of("xsc.specs")));
	words_add(&words, format("-fplugin=%s", place_of("xsc.so")));
	/* Assembler and linker that check what they have made. */
	words_add(&words, format("-B%s", place_of("gcc")));
	if (tree) {
		words_add(&words, format("-specs=%s", place_of("sysroot.specs")));
		words_add(&words, format("--sysroot=%s", tree));
		/* Debian's compiler looks for start files beside itself first. */
		words_add(&words, format("-B%s/usr/lib/x86_64-linux-gnu", tree));
	}
	words_add(&words, "-idirafter");
	words_add(&words, place_of("include"));
	for (int i = 1; i < argc; i++)
		words_add(&words, argv[i]);
	child_become(program, &words);
}
