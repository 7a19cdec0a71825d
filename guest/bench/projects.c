// SPDX-License-Identifier: MIT
/*
 * bench-projects: what programmers do all day, in trees that are the same in every run: git status of
 * a large tree, and make of a small program. --count makes both small.
 */
#include "whole.h"

#include <fcntl.h>
#include <sys/stat.h>

#define TREE_FILES 10000
#define FILES_IN_DIRECTORY 50
#define SOURCES 5
#define FUNCTIONS 40

static char tree[300], project[300];

static void make_directory(const char *path)
{
	if (mkdir(path, 0755))
		bench_die("cannot make %s: %s", path, strerror(errno));
}

static FILE *make_file(const char *directory, const char *name)
{
	char path[400];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", directory, name);
	f = fopen(path, "we");
	if (!f)
		bench_die("cannot make %s: %s", path, strerror(errno));
	return f;
}

static void end_file(FILE *f)
{
	if (fclose(f))
		bench_die("cannot write a file: %s", strerror(errno));
}

/* Not measured, and by the image's own way into the kernel. */
static void command(const char *directory, const char *const *argv)
{
	struct whole w = { .measure = "", .directory = directory };

	for (int i = 0; argv[i] && i < WHOLE_ARGS - 1; i++)
		w.argv[i] = argv[i];
	whole_once(&w, bench.offered[LANE_BELL] ? LANE_BELL : LANE_TRAP);
}

/* Directories of files of different lengths, no two of them equal, all committed. */
static void make_tree(void)
{
	static const char *const steps[][8] = {
		{ "/usr/bin/git", "init", "-q", NULL },
		{ "/usr/bin/git", "add", "-A", NULL },
		{ "/usr/bin/git", "commit", "-q", "-m", "all", NULL },
	};
	long files = bench.count ? bench.count : TREE_FILES;
	char directory[350] = "", name[64];

	make_directory(tree);
	for (long i = 0; i < files; i++) {
		FILE *f;

		if (i % FILES_IN_DIRECTORY == 0) {
			snprintf(directory, sizeof(directory), "%s/part-%03ld", tree,
				 i / FILES_IN_DIRECTORY);
			make_directory(directory);
		}
		snprintf(name, sizeof(name), "file-%05ld.txt", i);
		f = make_file(directory, name);
		for (long line = 0; line <= i % 17; line++)
			fprintf(f, "file %ld, line %ld\n", i, line);
		end_file(f);
	}
	for (size_t i = 0; i < ARRAY_SIZE(steps); i++)
		command(tree, steps[i]);
}

static void measure_status(void)
{
	static const struct whole status = {
		"git-status", { "/usr/bin/git", "status", "--porcelain" }, tree,
	};

	if (!access(status.argv[0], X_OK))
		make_tree();
	whole_measure(&status);
}

/* Functions that call each other from file to file, with the headers that most programs need. */
static void make_source(long number, long sources)
{
	char name[32];
	FILE *f;

	snprintf(name, sizeof(name), "part%ld.c", number);
	f = make_file(project, name);
	fprintf(f, "#include <errno.h>\n#include <stdio.h>\n#include <stdlib.h>\n#include <string.h>\n"
		   "#include <unistd.h>\n#include \"parts.h\"\n");
	for (long i = 0; i < FUNCTIONS; i++)
		fprintf(f, "long f%ld_%ld(const char *s, long n)\n{\n\tlong sum = %ld;\n"
			   "\tfor (long i = 0; i < n; i++)\n\t\tsum = sum * 31 + s[i %% (n + 1)];\n"
			   "\tif (sum < 0)\n\t\tfprintf(stderr, \"%%s: %%ld\\n\", s, sum);\n"
			   "\treturn n ? f%ld_%ld(s, n - 1) + sum : (long)strlen(s);\n}\n",
			number, i, i, (number + 1) % sources, i);
	if (!number)
		fprintf(f, "int main(int argc, char **argv)\n{\n"
			   "\treturn f0_0(argv[argc - 1], 10) == 0;\n}\n");
	end_file(f);
}

static void make_project(void)
{
	long sources = bench.count ? 1 : SOURCES;
	FILE *f;

	make_directory(project);
	f = make_file(project, "parts.h");
	for (long number = 0; number < sources; number++)
		for (long i = 0; i < FUNCTIONS; i++)
			fprintf(f, "long f%ld_%ld(const char *s, long n);\n", number, i);
	end_file(f);
	for (long number = 0; number < sources; number++)
		make_source(number, sources);
	f = make_file(project, "Makefile");
	fprintf(f, "CFLAGS = -O1 -Wall\nOBJECTS =");
	for (long number = 0; number < sources; number++)
		fprintf(f, " part%ld.o", number);
	fprintf(f, "\nprogram: $(OBJECTS)\n\t$(CC) -o $@ $(OBJECTS)\n$(OBJECTS): parts.h\n");
	end_file(f);
}

/* Everything anew in each sample. */
static void measure_compile(void)
{
	static const struct whole compile = {
		"compile", { "/usr/bin/make", "-s", "-B", "CC=/usr/bin/gcc" }, project,
	};

	if (access("/usr/bin/gcc", X_OK)) {
		bench_absent(compile.measure, "/usr/bin/gcc is not in the image");
		return;
	}
	make_project();
	whole_measure(&compile);
}

/* Who commits, and when, is the same in every run, and nobody's settings count. */
static void set_environment(void)
{
	static const char *const pairs[][2] = {
		{ "HOME", "/nonexistent" }, { "PATH", "/usr/bin:/bin" }, { "TMPDIR", project },
		{ "GIT_CONFIG_NOSYSTEM", "1" }, { "GIT_CONFIG_GLOBAL", "/dev/null" },
		{ "GIT_AUTHOR_NAME", "xsc" }, { "GIT_AUTHOR_EMAIL", "xsc@localhost" },
		{ "GIT_COMMITTER_NAME", "xsc" }, { "GIT_COMMITTER_EMAIL", "xsc@localhost" },
		{ "GIT_AUTHOR_DATE", "1700000000 +0000" }, { "GIT_COMMITTER_DATE", "1700000000 +0000" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(pairs); i++)
		setenv(pairs[i][0], pairs[i][1], 1);
}

static void remove_tree(const char *path)
{
	const char *const argv[] = { "/usr/bin/rm", "-rf", path, NULL };

	command("/", argv);
}

int main(int argc, char **argv)
{
	bench_init(argc, argv, "projects");
	snprintf(tree, sizeof(tree), "%s/xsc-bench-tree-%d", bench.dir, getpid());
	snprintf(project, sizeof(project), "%s/xsc-bench-project-%d", bench.dir, getpid());
	set_environment();
	whole_init();
	if (bench_wanted("git-status"))
		measure_status();
	if (bench_wanted("compile"))
		measure_compile();
	remove_tree(tree);
	remove_tree(project);
	whole_done();
	return bench_done();
}
