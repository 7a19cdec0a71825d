// SPDX-License-Identifier: MIT
/*
 * The assembler: Debian's, and then a look at what it made. Where a trap came from is asked for by
 * assembling once more with line numbers, which only a refused file pays for.
 */
#define _GNU_SOURCE
#include "tools.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "memory.h"
#include "options.h"
#include "place.h"
#include "refuse.h"
#include "say.h"

/* Assemble again with line numbers, into a file of its own; NULL if that cannot be done. */
static char *with_lines(const char *program, const struct options *options)
{
	const char *directory = getenv("TMPDIR");
	char *path = format("%s/xsc-as-XXXXXX", directory && *directory ? directory : "/tmp");
	struct words words = { 0 };
	int file;

	if (options->reads_stdin || (file = mkstemp(path)) < 0)
		return NULL;
	close(file);
	for (size_t i = 0; i < options->words.count; i++)
		words_add(&words, options->words.items[i]);
	words_add(&words, "--gdwarf-5");
	words_add(&words, "-o");
	words_add(&words, path);
	if (child_run(program, &words, true) == 0)
		return path;
	unlink(path);
	return NULL;
}

/* FILE:LINE of a trap; the name of the object file if nobody knows. */
static char *origin(const char *lined, const char *output, const struct trap *trap)
{
	char *program = place_debian("addr2line");
	struct words words = { 0 };
	char *line;

	if (lined == NULL)
		return format("%s", output);
	words_add(&words, program);
	words_add(&words, "-e");
	words_add(&words, lined);
	words_add(&words, "-j");
	words_add(&words, trap->section);
	words_add(&words, format("%#lx", trap->address));
	line = child_first_line(program, &words);
	if (!*line || line[0] == '?' || strstr(line, ":?"))
		return format("%s", output);
	/* A statement that several lines share is marked so. */
	line[strcspn(line, " ")] = 0;
	return line;
}

static int report(const char *program, const struct options *options, const struct scan *found)
{
	const char *kind = refuse_kind();
	char *lined = with_lines(program, options);

	for (size_t i = 0; i < found->count; i++) {
		const struct trap *trap = &found->traps[i];

		if (trap->reason)
			continue;
		fprintf(stderr, "%s: %s: `%s` at %s+%#lx " TRAP_TAG "\n",
			origin(lined, options->output, trap), kind, trap->opcode,
			*trap->symbol ? trap->symbol : trap->section,
			*trap->symbol ? trap->offset : trap->address);
	}
	refuse_hint();
	if (lined)
		unlink(lined);
	if (strcmp(kind, "error") != 0)
		return 0;
	unlink(options->output);
	return 1;
}

int assemble(const char *tool, int argc, char **argv)
{
	struct options options = options_read(ASSEMBLER, argc, argv);
	char *program = place_debian(tool);
	struct stamp before = stamp_of(options.output);
	struct words words = { 0 };
	struct scan found;
	int status;

	words_add(&words, program);
	for (size_t i = 0; i < options.words.count; i++)
		words_add(&words, options.words.items[i]);
	options.words = words;
	status = child_run(program, &words, false);
	/* Asked for its version, it has made nothing, whatever lies about. */
	if (status != 0 || !stamp_differs(options.output, before))
		return status;
	if (!scan_file(options.output, &found))
		return 1;
	if (refuse_count(options.output, &found, &options.lists) == 0)
		return 0;
	return report(program, &options, &found);
}
