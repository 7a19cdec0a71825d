// SPDX-License-Identifier: MIT
#define _GNU_SOURCE
#include "child.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "memory.h"
#include "say.h"

extern char **environ;

void words_add(struct words *words, const char *word)
{
	words->items = grow(words->items, words->count, sizeof(*words->items));
	words->items[words->count++] = (char *)word;
}

static char *const *terminated(const struct words *words)
{
	struct words copy = { 0 };

	for (size_t i = 0; i < words->count; i++)
		words_add(&copy, words->items[i]);
	words_add(&copy, NULL);
	return copy.items;
}

noreturn void child_become(const char *program, const struct words *words)
{
	execv(program, terminated(words));
	die("cannot run %s: %s", program, strerror(errno));
}

static int start(const char *program, const struct words *words, posix_spawn_file_actions_t *files)
{
	char *const *argv = terminated(words);
	pid_t child;
	int error;

	error = posix_spawn(&child, program, files, NULL, argv, environ);
	free((void *)argv);
	if (error)
		die("cannot run %s: %s", program, strerror(error));
	return child;
}

static int wait_for(pid_t child)
{
	int status;

	while (waitpid(child, &status, 0) < 0)
		if (errno != EINTR)
			die("cannot wait: %s", strerror(errno));
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

int child_run(const char *program, const struct words *words, bool quiet)
{
	posix_spawn_file_actions_t files;
	int status;

	posix_spawn_file_actions_init(&files);
	for (int i = 0; quiet && i < 3; i++)
		posix_spawn_file_actions_addopen(&files, i, "/dev/null", O_RDWR, 0);
	status = wait_for(start(program, words, &files));
	posix_spawn_file_actions_destroy(&files);
	return status;
}

char *child_first_line(const char *program, const struct words *words)
{
	posix_spawn_file_actions_t files;
	char *line = NULL;
	size_t room = 0;
	FILE *output;
	int ends[2];
	pid_t child;

	if (pipe2(ends, O_CLOEXEC) < 0)
		die("cannot make a pipe: %s", strerror(errno));
	posix_spawn_file_actions_init(&files);
	posix_spawn_file_actions_adddup2(&files, ends[1], STDOUT_FILENO);
	child = start(program, words, &files);
	posix_spawn_file_actions_destroy(&files);
	close(ends[1]);
	output = fdopen(ends[0], "r");
	if (output == NULL || getline(&line, &room, output) < 0) {
		free(line);
		line = format("%s", "");
	}
	line[strcspn(line, "\n")] = 0;
	if (output)
		fclose(output);
	wait_for(child);
	return line;
}
