// SPDX-License-Identifier: MIT
/*
 * Description: a hot process can execute a file that it has just written and closed, by execve in
 * any of its threads, vfork or posix_spawn; the new program starts with one thread; after an
 * execve that failed the old one goes on.
 */
#include "work.h"

#include <spawn.h>

#define CODE 7

extern char **environ;

static char self_path[512];
static char *image;
static size_t image_size;

static void load_image(void)
{
	struct stat st;
	int fd;

	W_MUST(realpath("/proc/self/exe", self_path));
	fd = open(self_path, O_RDONLY | O_CLOEXEC);
	W_MUST(fd >= 0 && !fstat(fd, &st));
	image_size = (size_t)st.st_size;
	image = malloc(image_size);
	W_MUST(image && read(fd, image, image_size) == (ssize_t)image_size);
	close(fd);
}

/* The program that is executed: this one, as "answer". */
static int answer(void)
{
	bool alone = w_entries("/proc/self/task") == 1 && getpid() == gettid();

	w_hot();
	return alone && !w_shared->bad && w_entries("/proc/self/task") == 1 ? CODE : 1;
}

static void write_file(const char *path, const void *data, size_t size)
{
	int fd = open(path, O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0600);

	W_CHECK(fd >= 0 && write(fd, data, size) == (ssize_t)size);
	W_CHECK(!fchmod(fd, 0700) && !close(fd));
}

static void write_elf(const char *path)
{
	write_file(path, image, image_size);
}

static void write_script(const char *path)
{
	char text[600];

	snprintf(text, sizeof(text), "#!%s answer\n", self_path);
	write_file(path, text, strlen(text));
}

typedef void (*writer_t)(const char *path);

static void execute(const char *path)
{
	char *argv[] = { (char *)path, "answer", NULL };

	execve(path, argv, environ);
	W_CHECK(!"execve returned");
	_exit(126);
}

static pid_t by_execve(writer_t write_it, const char *path)
{
	pid_t pid = fork();

	if (pid)
		return pid;
	w_hot();
	write_it(path);
	execute(path);
	return -1;
}

static pid_t by_vfork(writer_t write_it, const char *path)
{
	pid_t pid;

	w_hot();
	write_it(path);
	pid = vfork();
	if (!pid)
		execute(path);
	return pid;
}

static pid_t by_spawn(writer_t write_it, const char *path)
{
	char *argv[] = { (char *)path, "answer", NULL };
	pid_t pid = -1;

	w_hot();
	write_it(path);
	W_CHECK(posix_spawn(&pid, path, NULL, NULL, argv, environ) == 0);
	return pid;
}

static writer_t thread_writer;
static const char *thread_path;

static void *executing(void *arg)
{
	w_hot();
	thread_writer(thread_path);
	execute(thread_path);
	return arg;
}

static pid_t by_thread(writer_t write_it, const char *path)
{
	pid_t pid = fork();
	pthread_t t;

	if (pid)
		return pid;
	thread_writer = write_it;
	thread_path = path;
	W_MUST(!pthread_create(&t, NULL, w_busy, NULL));
	W_MUST(!pthread_create(&t, NULL, executing, NULL));
	w_busy(NULL);
	return -1;
}

static void test_exec(const char *how, pid_t (*start)(writer_t, const char *), int rounds)
{
	char name[64];

	for (int i = 0; i < rounds; i++) {
		bool script = i & 1;
		const char *path = script ? "./script" : "./program";

		W_CHECK(t_wait_code(start(script ? write_script : write_elf, path)) == CODE);
		W_CHECK(!unlink(path));
	}
	snprintf(name, sizeof(name), "%s of what has just been written", how);
	w_report(name);
}

static void test_failure(int rounds)
{
	char *argv[] = { "nothing", NULL };

	write_file("./text", "text", 4);
	for (int i = 0; i < rounds; i++) {
		w_hot();
		W_CHECK(execve("./nothing", argv, environ) == -1 && errno == ENOENT);
		w_hot();
		W_CHECK(execve("./text", argv, environ) == -1 && errno == ENOEXEC);
		W_CHECK(w_entries("/proc/self/task") == 1);
	}
	w_report("after an execve that fails the process goes on");
	w_need_worker();
}

int main(int argc, char **argv)
{
	const char *dir;
	int rounds;

	w_init(argc, argv);
	if (t_flag("answer"))
		return answer();
	rounds = (int)t_option("--rounds", 200);
	load_image();
	dir = w_scratch();
	w_need_worker();
	test_exec("execve", by_execve, rounds);
	test_exec("vfork and execve", by_vfork, rounds);
	test_exec("posix_spawn", by_spawn, rounds);
	test_exec("execve in one of three threads", by_thread, rounds);
	test_failure(rounds);
	w_remove(dir);
	return t_done();
}
