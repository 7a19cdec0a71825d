// SPDX-License-Identifier: MIT
/*
 * Description: directory, umask and descriptors that threads share are seen by the next call of
 * every hot thread; after unshare(CLONE_FS) or unshare(CLONE_FILES) they are not.
 */
#include "work.h"

#include <sched.h>

static int rounds;
static pthread_barrier_t barrier;
static int shared_fd, other_fd;

/* Both threads come here before and after each step of the main thread. */
static void turn(void)
{
	pthread_barrier_wait(&barrier);
}

static bool in_directory(char last)
{
	char path[256] = "";

	return getcwd(path, sizeof(path)) && path[strlen(path) - 1] == last;
}

static mode_t created_mode(const char *path)
{
	struct stat st = { .st_mode = 0 };
	int fd = open(path, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0666);

	W_CHECK(fd >= 0 && !fstat(fd, &st) && !unlink(path) && !close(fd));
	return st.st_mode & 0777;
}

/* The other thread: hot before each look at what the main thread has changed. */
static void *sharing(void *arg)
{
	for (int i = 0; i < rounds; i++) {
		w_hot();
		turn();
		turn();
		W_CHECK(in_directory(i & 1 ? 'a' : 'b'));
		W_CHECK(w_open_error(i & 1 ? "only-a" : "only-b") == 0);
		W_CHECK(created_mode("by-other") == (i & 1 ? 0600 : 0644));
		W_CHECK(fcntl(shared_fd, F_GETFD) == 0);
		w_hot();
		turn();
		turn();
		W_CHECK(fcntl(shared_fd, F_GETFD) == -1 && errno == EBADF);
	}
	w_add_served();
	return arg;
}

static void test_sharing(void)
{
	pthread_t t;

	W_MUST(!pthread_create(&t, NULL, sharing, NULL));
	for (int i = 0; i < rounds; i++) {
		w_hot();
		turn();
		W_CHECK(!chdir(i & 1 ? "../a" : "../b"));
		umask(i & 1 ? 077 : 022);
		shared_fd = dup(0);
		W_CHECK(in_directory(i & 1 ? 'a' : 'b'));
		W_CHECK(created_mode("by-main") == (i & 1 ? 0600 : 0644));
		turn();
		turn();
		close(shared_fd);
		turn();
	}
	pthread_join(t, NULL);
	w_report("chdir, umask, dup and close are seen by the next call of the other thread");
}

/* The other thread: has left what was shared, and sees no change any more. */
static void *unsharing(void *arg)
{
	char c;

	w_hot();
	W_CHECK(!unshare(CLONE_FS) && !unshare(CLONE_FILES));
	turn();
	turn();
	W_CHECK(in_directory('a'));
	W_CHECK(w_open_error("only-a") == 0);
	W_CHECK(created_mode("by-other") == 0644);
	W_CHECK(pread(shared_fd, &c, 1, 0) == 1 && c == 't');
	W_CHECK(fcntl(other_fd, F_GETFD) == -1 && errno == EBADF);
	w_hot();
	W_CHECK(!chdir("../b") && in_directory('b'));
	W_CHECK(dup(0) == other_fd);
	W_CHECK(!close(other_fd) && !close(shared_fd));
	umask(0);
	turn();
	turn();
	w_add_served();
	return arg;
}

static void test_unsharing(void)
{
	pthread_t t;

	W_MUST(!chdir("../a"));
	umask(022);
	shared_fd = open("only-a", O_RDONLY | O_CLOEXEC);
	W_MUST(shared_fd >= 0 && !pthread_create(&t, NULL, unsharing, NULL));
	w_hot();
	turn();
	other_fd = dup(0);
	W_CHECK(!chdir("../c"));
	umask(077);
	w_hot();
	turn();
	turn();
	W_CHECK(in_directory('c'));
	W_CHECK(umask(022) == 077);
	W_CHECK(fcntl(other_fd, F_GETFD) == 0 && fcntl(shared_fd, F_GETFD) == FD_CLOEXEC);
	close(other_fd);
	close(shared_fd);
	turn();
	pthread_join(t, NULL);
}

int main(int argc, char **argv)
{
	const char *dir;

	w_init(argc, argv);
	rounds = (int)t_option("--rounds", 200);
	dir = w_scratch();
	W_MUST(!mkdir("a", 0755) && !mkdir("b", 0755) && !mkdir("c", 0755));
	w_file("a/only-a", 0644, getuid(), getgid());
	w_file("b/only-b", 0644, getuid(), getgid());
	W_MUST(!chdir("a"));
	w_need_worker();
	pthread_barrier_init(&barrier, NULL, 2);
	test_sharing();
	for (int i = 0; i < rounds; i++)
		test_unsharing();
	w_report("after unshare of CLONE_FS and CLONE_FILES neither sees the other's changes");
	w_report_served();
	w_remove(dir);
	return t_done();
}
