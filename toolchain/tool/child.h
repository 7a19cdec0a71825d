/* SPDX-License-Identifier: MIT */
/* Argument lists, and programs that are run with them. */
#ifndef XSC_CHILD_H
#define XSC_CHILD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdnoreturn.h>

/* A list of words, ended by NULL as execv() wants it. */
struct words {
	char **items;
	size_t count;
};

void words_add(struct words *words, const char *word);

/* Become the program. Ends with a message if it is not installed. */
noreturn void child_become(const char *program, const struct words *words);

/*
 * Run a program and wait for it. Returns its exit status, 128 + n if signal n ended it.
 * `quiet` keeps what it says, and what it could read, from it.
 */
int child_run(const char *program, const struct words *words, bool quiet);

/* Run a program and return the first line of what it prints, without its end; "" if none. */
char *child_first_line(const char *program, const struct words *words);

#endif
