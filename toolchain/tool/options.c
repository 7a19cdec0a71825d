// SPDX-License-Identifier: MIT
#define _GNU_SOURCE
#include "options.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "memory.h"
#include "say.h"

#define PROGRAM "--xsc-program"
#define ALLOW "--xsc-allow="
/* Response files may name each other, and themselves by mistake. */
#define NESTING 16

static char *read_whole(const char *path)
{
	int file = open(path, O_RDONLY | O_CLOEXEC);
	struct stat status;
	char *text = NULL;

	if (file >= 0 && fstat(file, &status) == 0 && (text = malloc(status.st_size + 1)) != NULL) {
		ssize_t length = read(file, text, status.st_size);

		text[length < 0 ? 0 : length] = 0;
	}
	if (file >= 0)
		close(file);
	return text;
}

/* Take the next word of a response file out of `*text`, without its quotes; NULL at the end. */
static char *next_word(char **text)
{
	char *from = *text + strspn(*text, " \t\r\n\f\v"), *word = from, *to = from;
	char quote = 0;

	if (!*from)
		return NULL;
	for (; *from && (quote || !isspace((unsigned char)*from)); from++) {
		if (*from == '\\' && from[1])
			*to++ = *++from;
		else if (quote && *from == quote)
			quote = 0;
		else if (!quote && (*from == '\'' || *from == '"'))
			quote = *from;
		else
			*to++ = *from;
	}
	*text = *from ? from + 1 : from;
	*to = 0;
	return word;
}

static const char *value_of(const char *word, const char *name)
{
	size_t length = strlen(name);

	return strncmp(word, name, length) == 0 ? word + length : NULL;
}

struct reader {
	struct options *options;
	enum reader_of tool;
	/* What the next word is, after an option that stands alone. */
	enum value { NO_VALUE, OUTPUT, SYSROOT, DIRECTORY } follows;
};

/* Options that have a value, in a word of its own too. */
static const struct {
	const char *name;
	bool joins;	/* the value may follow without `=` */
	enum value value;
} valued[] = {
	{ "-o", true, OUTPUT },
	{ "--output", false, OUTPUT },
	{ "--sysroot", false, SYSROOT },
	{ "-L", true, DIRECTORY },
	{ "--library-path", false, DIRECTORY },
};

static void take(struct options *options, enum value value, const char *text)
{
	if (value == OUTPUT)
		options->output = text;
	else if (value == SYSROOT)
		options->sysroot = text;
	else
		words_add(&options->directories, text);
}

/* Take what an option with a value says; returns false if the word is none. */
static bool take_valued(struct reader *reader, const char *word)
{
	/* Not -o, with the format as its value. */
	if (strncmp(word, "-oformat", 8) == 0)
		return false;
	for (size_t i = 0; i < sizeof(valued) / sizeof(*valued); i++) {
		const char *rest = value_of(word, valued[i].name);

		if (!rest || (valued[i].value == DIRECTORY && reader->tool != LINKER))
			continue;
		if (!*rest)
			reader->follows = valued[i].value;
		else if (valued[i].joins || *rest == '=')
			take(reader->options, valued[i].value, rest + !valued[i].joins);
		else
			continue;
		return true;
	}
	return false;
}

static bool is_shared_library(const char *word)
{
	const char *name = strrchr(word, '/'), *end = strstr(name ? name : word, ".so");

	return *word != '-' && end && (end[3] == 0 || end[3] == '.');
}

/* Write words as a response file that only children of this process can read; return `@FILE`. */
static char *response_file(const struct words *words)
{
	int file = memfd_create("words", 0);
	FILE *stream = file < 0 ? NULL : fdopen(dup(file), "w");

	if (stream == NULL)
		die("cannot write a response file: %s", strerror(errno));
	for (size_t i = 0; i < words->count; i++) {
		for (const char *at = words->items[i]; *at; at++) {
			if (isspace((unsigned char)*at) || strchr("\\\"'", *at))
				fputc('\\', stream);
			fputc(*at, stream);
		}
		fputc('\n', stream);
	}
	if (fclose(stream) != 0)
		die("cannot write a response file: %s", strerror(errno));
	return format("@/proc/self/fd/%d", file);
}

static void read_word(struct reader *reader, struct words *kept, char *word, int depth);

/* Read a response file. It is passed on as it is, unless something in it is not for the tool. */
static void look_into(struct reader *reader, struct words *kept, char *word, int depth)
{
	char *text = depth < NESTING ? read_whole(word + 1) : NULL;
	struct words inside = { 0 };
	size_t count = 0;
	char *next;

	/* A name that begins with @ and is no file is a file's name: the tool will say. */
	for (; text && (next = next_word(&text)) != NULL; count++)
		read_word(reader, &inside, next, depth);
	words_add(kept, inside.count == count ? word : response_file(&inside));
}

/* Note what a word means, and keep it if it is for the real tool. */
static void read_word(struct reader *reader, struct words *kept, char *word, int depth)
{
	struct options *options = reader->options;
	const char *value;

	if (reader->follows != NO_VALUE) {
		words_add(kept, word);
		take(options, reader->follows, word);
		reader->follows = NO_VALUE;
		return;
	}
	if (word[0] == '@') {
		look_into(reader, kept, word, depth + 1);
		return;
	}
	if (strcmp(word, PROGRAM) == 0) {
		options->is_program = true;
		return;
	}
	if ((value = value_of(word, ALLOW)) != NULL) {
		words_add(&options->lists, value);
		return;
	}
	words_add(kept, word);
	if (take_valued(reader, word))
		return;
	if (strcmp(word, "-r") == 0 || strcmp(word, "--relocatable") == 0 ||
	    strcmp(word, "-i") == 0 || strcmp(word, "-Ur") == 0)
		options->is_partial = true;
	else if (strcmp(word, "-") == 0 || strcmp(word, "--") == 0)
		options->reads_stdin = true;
	else if (is_shared_library(word))
		words_add(&options->libraries, word);
}

struct options options_read(enum reader_of tool, int argc, char **argv)
{
	struct options options = { .output = "a.out" };
	struct reader reader = { &options, tool, NO_VALUE };

	for (int i = 1; i < argc; i++)
		read_word(&reader, &options.words, argv[i], 0);
	return options;
}

struct stamp stamp_of(const char *path)
{
	struct stat status;

	if (stat(path, &status) < 0 || !S_ISREG(status.st_mode))
		return (struct stamp){ 0 };
	return (struct stamp){ status.st_ino, status.st_mtim.tv_sec, status.st_mtim.tv_nsec };
}

bool stamp_differs(const char *path, struct stamp before)
{
	struct stamp now = stamp_of(path);

	return now.inode && (now.inode != before.inode || now.seconds != before.seconds ||
			     now.nanoseconds != before.nanoseconds);
}
