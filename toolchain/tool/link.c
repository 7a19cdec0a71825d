// SPDX-License-Identifier: MIT
/*
 * The linker: Debian's, and then a look at what it made. Which object file a trap came from is
 * asked for by linking once more with a map, which only a refused link pays for.
 */
#define _GNU_SOURCE
#include "tools.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "map.h"
#include "memory.h"
#include "needed.h"
#include "options.h"
#include "place.h"
#include "refuse.h"
#include "say.h"

/* Link again with a map, in a directory of its own; NULL if that cannot be done. */
static char *with_map(const char *program, const struct words *given)
{
	const char *parent = getenv("TMPDIR");
	char *directory = format("%s/xsc-ld-XXXXXX", parent && *parent ? parent : "/tmp");
	struct words words = { 0 };

	if (mkdtemp(directory) == NULL)
		return NULL;
	for (size_t i = 0; i < given->count; i++)
		words_add(&words, given->items[i]);
	words_add(&words, format("-Map=%s/map", directory));
	words_add(&words, "-o");
	words_add(&words, format("%s/out", directory));
	child_run(program, &words, true);
	unlink(words.items[words.count - 1]);
	return directory;
}

static int report(const char *program, const struct words *words, const char *output,
		  const struct scan *found)
{
	const char *kind = refuse_kind();
	char *directory = with_map(program, words);
	char *map = format("%s/map", directory ? directory : "");

	for (size_t i = 0; i < found->count; i++) {
		const struct trap *trap = &found->traps[i];
		char *from;

		if (trap->reason)
			continue;
		from = map_origin(map, trap->address);
		say(kind, "%s: `%s` at %s+%#lx in %s, from %s " TRAP_TAG, output, trap->opcode,
		    *trap->symbol ? trap->symbol : "no symbol", trap->offset, trap->section,
		    from ? from : "an unknown object file");
	}
	refuse_hint();
	unlink(map);
	if (directory)
		rmdir(directory);
	if (strcmp(kind, "error") != 0)
		return 0;
	unlink(output);
	return 1;
}

static int check(const char *program, const struct options *options)
{
	struct scan found;

	if (!scan_file(options->output, &found))
		return 1;
	if (refuse_count(options->output, &found, &options->lists) != 0 &&
	    report(program, &options->words, options->output, &found) != 0)
		return 1;
	needed_check(options);
	if (!options->is_program || !found.is_program || found.is_tagged)
		return 0;
	say("error", "%s: lacks the note XSC_ABI: the start files are not those of XSC's C library, or "
	    "a linker script drops .note.xsc", options->output);
	say("note", "install XSC's libc6-dev, or the package xsc-sysroot");
	unlink(options->output);
	return 1;
}

int link_files(const char *tool, bool own_tree, int argc, char **argv)
{
	struct options options = options_read(LINKER, argc, argv);
	char *program = place_debian(tool);
	const char *tree = own_tree && !options.sysroot ? place_sysroot() : NULL;
	struct stamp before = stamp_of(options.output);
	struct words words = { 0 };
	int status;

	words_add(&words, program);
	if (tree) {
		words_add(&words, format("--sysroot=%s", tree));
		options.sysroot = tree;
	}
	for (size_t i = 0; i < options.words.count; i++)
		words_add(&words, options.words.items[i]);
	options.words = words;
	if (options.is_partial)
		child_become(program, &words);
	status = child_run(program, &words, false);
	/* Asked for its version, it has made nothing, whatever lies about. */
	if (status != 0 || !stamp_differs(options.output, before))
		return status;
	return check(program, &options);
}
