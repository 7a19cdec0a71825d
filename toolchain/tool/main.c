// SPDX-License-Identifier: MIT
/*
 * The tools of the toolchain are names of this one program:
 *
 *     x86_64-xsc-linux-gnu-TOOL    compiles against the tree beside the toolchain, if there is one
 *     TOOL, x86_64-linux-gnu-TOOL  compile against the system: for building Debian's packages
 *
 * Compiler, assembler and linker are wrapped; the other tools of binutils are Debian's as they are.
 */
#define _GNU_SOURCE
#include <stdio.h>
#include <string.h>

#include "child.h"
#include "memory.h"
#include "place.h"
#include "say.h"
#include "tools.h"

#define CROSS "x86_64-xsc-linux-gnu-"
#define NATIVE "x86_64-linux-gnu-"

/* Names of compilers, and the program behind each. */
static const char *const compilers[][2] = {
	{ "gcc", "gcc" }, { "cc", "gcc" }, { "g++", "g++" }, { "c++", "g++" }, { "cpp", "cpp" },
};

static const char *const compiler_tools[] = { "gcc-ar", "gcc-nm", "gcc-ranlib" };

/* The name without what stands before the tool; says whether the tool is one of the triplet. */
static char *tool_of(char *name, bool *own_tree)
{
	char *base = basename(name);

	*own_tree = strncmp(base, CROSS, strlen(CROSS)) == 0;
	if (*own_tree)
		return base + strlen(CROSS);
	return strncmp(base, NATIVE, strlen(NATIVE)) == 0 ? base + strlen(NATIVE) : base;
}

static bool ends_with(const char *text, const char *end)
{
	size_t length = strlen(text), end_length = strlen(end);

	return length > end_length && strcmp(text + length - end_length, end) == 0;
}

static int pass_on(const char *tool, int argc, char **argv)
{
	char *program = place_debian(tool);
	struct words words = { 0 };

	for (size_t i = 0; i < sizeof(compiler_tools) / sizeof(*compiler_tools); i++)
		if (strcmp(tool, compiler_tools[i]) == 0)
			program = format("%s-12", place_debian(tool));
	words_add(&words, program);
	for (int i = 1; i < argc; i++)
		words_add(&words, argv[i]);
	child_become(program, &words);
}

int main(int argc, char **argv)
{
	bool own_tree;
	char *tool = tool_of(argv[0], &own_tree);

	own_name = basename(argv[0]);
	if (ends_with(tool, "-12"))
		tool[strlen(tool) - 3] = 0;
	for (size_t i = 0; i < sizeof(compilers) / sizeof(*compilers); i++)
		if (strcmp(tool, compilers[i][0]) == 0)
			return compile(compilers[i][1], own_tree, argc, argv);
	if (strcmp(tool, "as") == 0)
		return assemble(tool, argc, argv);
	if (strcmp(tool, "ld") == 0 || strncmp(tool, "ld.", 3) == 0)
		return link_files(tool, own_tree, argc, argv);
	if (strcmp(tool, "trapscan") == 0)
		return scan_files(argc, argv);
	return pass_on(tool, argc, argv);
}
