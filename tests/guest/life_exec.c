// SPDX-License-Identifier: MIT
/*
 * Description: exec of static, dynamic, PIE and static-PIE programs and of scripts, by fork,
 * vfork and posix_spawn, from a thread that is not the leader, and of a setuid program: the new
 * program has a gate exactly when its parent's kernel gives one, and its exit code arrives.
 */
#include "harness.h"

#include <libgen.h>
#include <pthread.h>
#include <spawn.h>

static const char *const kinds[] = { "static", "dynamic", "pie", "static-pie" };
static char dir[512];
static char line[512];

extern char **environ;

/* Reads what the child writes to the pipe, then its exit code. */
static int finish(pid_t pid, int fd)
{
	size_t have = 0;
	ssize_t n;

	while ((n = read(fd, line + have, sizeof(line) - 1 - have)) > 0)
		have += (size_t)n;
	line[have] = 0;
	close(fd);
	return t_wait_code(pid);
}

static long field(const char *name)
{
	char *p = strstr(line, name);

	return p ? strtol(p + strlen(name), NULL, 10) : -1;
}

static void check_line(const char *what, int code, int want)
{
	char name[128];
	bool gate = t_have_gate();

	snprintf(name, sizeof(name), "%s: exit code", what);
	t_eq(code, want, name);
	snprintf(name, sizeof(name), "%s: argument and environment arrive", what);
	t_result(strstr(line, "env=value arg=word") != NULL, name, "%s", line);
	snprintf(name, sizeof(name), "%s: it has %s", what, gate ? "a gate" : "no gate");
	t_result(field("base=") == gate && field("windows=") == gate, name, "%s", line);
	if (gate) {
		snprintf(name, sizeof(name), "%s: no trap", what);
		t_eq(field("traps="), 0, name);
	}
	snprintf(name, sizeof(name), "%s: it is a leader and its threads work", what);
	t_result(field("threads=") == 1 && field("leader=") == 1, name, "%s", line);
}

typedef pid_t (*starter_t)(const char *path, int out);

static pid_t by_fork(const char *path, int out)
{
	pid_t pid = fork();

	if (!pid) {
		dup2(out, 1);
		execl(path, path, "42", "word", (char *)NULL);
		_exit(126);
	}
	return pid;
}

static pid_t by_vfork(const char *path, int out)
{
	pid_t pid = vfork();

	if (!pid) {
		dup2(out, 1);
		execl(path, path, "42", "word", (char *)NULL);
		_exit(126);
	}
	return pid;
}

static pid_t by_spawn(const char *path, int out)
{
	char *argv[] = { (char *)path, "42", "word", NULL };
	posix_spawn_file_actions_t fa;
	pid_t pid = -1;

	posix_spawn_file_actions_init(&fa);
	posix_spawn_file_actions_adddup2(&fa, out, 1);
	posix_spawn(&pid, path, &fa, NULL, argv, environ);
	posix_spawn_file_actions_destroy(&fa);
	return pid;
}

struct thread_exec {
	const char *path;
	int out;
};

static void *exec_in_thread(void *arg)
{
	struct thread_exec *t = arg;

	dup2(t->out, 1);
	execl(t->path, t->path, "42", "word", (char *)NULL);
	_exit(126);
}

static void *spin(void *arg)
{
	for (;;)
		getppid();
	return arg;
}

/* The child's other threads, its leader among them, are in the middle of calls when exec comes. */
static pid_t by_thread(const char *path, int out)
{
	pid_t pid = fork();

	if (!pid) {
		struct thread_exec te = { path, out };
		pthread_t t;

		pthread_create(&t, NULL, spin, NULL);
		pthread_create(&t, NULL, exec_in_thread, &te);
		spin(NULL);
	}
	return pid;
}

static void test_start(const char *what, starter_t start, const char *path)
{
	int p[2], code;
	pid_t pid;

	if (pipe2(p, O_CLOEXEC))
		exit(1);
	pid = start(path, p[1]);
	close(p[1]);
	code = finish(pid, p[0]);
	check_line(what, code, 42);
}

static void test_script(void)
{
	char path[] = "/tmp/xsc-script-XXXXXX", text[640];
	int fd = mkostemp(path, O_CLOEXEC), p[2], code;
	pid_t pid;

	snprintf(text, sizeof(text), "#!%s/exec_target-dynamic 42\n", dir);
	t_ok(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text), "script written");
	fchmod(fd, 0755);
	close(fd);
	if (pipe2(p, O_CLOEXEC))
		exit(1);
	pid = fork();
	if (!pid) {
		dup2(p[1], 1);
		execl(path, path, "word", (char *)NULL);
		_exit(126);
	}
	close(p[1]);
	code = finish(pid, p[0]);
	t_eq(code, 42, "script: exit code of its interpreter");
	t_result(strstr(line, path) != NULL, "script: its path is the interpreter's argument", "%s", line);
	t_eq(field("base="), t_have_gate(), "script: gate as in its parent");
	unlink(path);
}

/* A copy owned by another user, in a directory every user can enter, with the setuid bit. */
static void test_setuid(const char *kind)
{
	char tmp[] = "/var/tmp/xsc-setuid-XXXXXX", from[600], to[64], cmd[1024], name[128];
	int p[2], code;
	pid_t pid;

	if (getuid() != 0) {
		t_skip("setuid exec", "needs root");
		return;
	}
	if (!mkdtemp(tmp))
		exit(1);
	chmod(tmp, 0755);
	snprintf(from, sizeof(from), "%s/exec_target-%s", dir, kind);
	snprintf(to, sizeof(to), "%s/t", tmp);
	snprintf(cmd, sizeof(cmd), "cp '%s' '%s' && chown 4321 '%s' && chmod 4755 '%s'", from, to, to, to);
	t_eq(system(cmd), 0, "setuid copy made");
	if (pipe2(p, O_CLOEXEC))
		exit(1);
	pid = fork();
	if (!pid) {
		dup2(p[1], 1);
		if (setgid(1234) || setuid(1234))
			_exit(125);
		execl(to, to, "42", "word", (char *)NULL);
		_exit(126);
	}
	close(p[1]);
	code = finish(pid, p[0]);
	snprintf(name, sizeof(name), "setuid %s", kind);
	check_line(name, code, 42);
	t_result(field("uid=") == 1234 && field("euid=") == 4321 && field("secure=") == 1,
		 "setuid: identity and AT_SECURE", "%s", line);
	snprintf(cmd, sizeof(cmd), "rm -r '%s'", tmp);
	t_eq(system(cmd), 0, "setuid copy removed");
}

int main(int argc, char **argv)
{
	char self[512];

	t_init(argc, argv);
	if (!realpath("/proc/self/exe", self))
		return 1;
	strcpy(dir, dirname(self));
	setenv("XSC_V", "value", 1);
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		char path[600], what[64];
		static const struct {
			const char *name;
			starter_t start;
		} how[] = { { "fork", by_fork }, { "vfork", by_vfork },
			    { "spawn", by_spawn }, { "thread", by_thread } };

		snprintf(path, sizeof(path), "%s/exec_target-%s", dir, kinds[i]);
		for (size_t k = 0; k < ARRAY_SIZE(how); k++) {
			snprintf(what, sizeof(what), "%s by %s", kinds[i], how[k].name);
			test_start(what, how[k].start, path);
		}
	}
	test_script();
	test_setuid("dynamic");
	test_setuid("static");
	return t_done();
}
