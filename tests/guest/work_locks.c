// SPDX-License-Identifier: MIT
/*
 * Description: locks of hot threads belong to their process or open file, whoever executes the
 * call, with its number in F_GETLK and /proc/locks; a file position that threads share moves for
 * each of their reads and writes once.
 */
#include "work.h"

#include <sched.h>
#include <sys/file.h>

#define RECORDS 8000
#define READERS 2

static int rounds;

static struct flock whole(short type)
{
	return (struct flock){ .l_type = type, .l_whence = SEEK_SET };
}

static int set_lock(int fd, int command, short type)
{
	struct flock lock = whole(type);

	return fcntl(fd, command, &lock);
}

/* Asked by a child: who holds a lock against it? 0 for nobody. */
static pid_t holder(const char *path)
{
	pid_t pid = fork();
	int status = 0;

	if (!pid) {
		struct flock lock = whole(F_WRLCK);
		int fd = open(path, O_RDWR | O_CLOEXEC);

		w_hot();
		if (fcntl(fd, F_GETLK, &lock))
			_exit(3);
		if (lock.l_type == F_UNLCK)
			_exit(0);
		_exit(lock.l_pid == getppid() ? 1 : lock.l_pid == -1 ? 2 : 4);
	}
	while (waitpid(pid, &status, 0) < 0)
		;
	switch (WEXITSTATUS(status)) {
	case 0: return 0;
	case 1: return getpid();
	case 2: return -1;
	}
	return -2;
}

/* The process that /proc/locks names for a file that is locked once. */
static pid_t listed(const char *path)
{
	char line[256], file[64];
	struct stat st;
	pid_t found = 0, pid;
	FILE *f = fopen("/proc/locks", "re");

	W_CHECK(f && !stat(path, &st));
	while (f && fgets(line, sizeof(line), f)) {
		unsigned long inode = 0;
		char *colon;

		if (sscanf(line, "%*s %*s %*s %*s %d %63s", &pid, file) != 2)
			continue;
		colon = strrchr(file, ':');
		if (colon)
			inode = strtoul(colon + 1, NULL, 10);
		if (inode == st.st_ino)
			found = pid;
	}
	if (f)
		fclose(f);
	return found;
}

static void *lock_in_thread(void *arg)
{
	int fd = open("posix", O_RDWR | O_CLOEXEC);

	w_hot();
	/* The process holds it already, by another thread: no conflict. */
	W_CHECK(set_lock(fd, F_SETLK, F_WRLCK) == 0);
	W_CHECK(holder("posix") == getpid());
	W_CHECK(unshare(CLONE_FILES) == 0);
	w_hot();
	/* Now it is somebody else's. */
	W_CHECK(set_lock(fd, F_SETLK, F_WRLCK) == -1 && errno == EAGAIN);
	return arg;
}

static void posix_lock(void)
{
	int fd = open("posix", O_RDWR | O_CLOEXEC), other;
	pthread_t t;

	w_hot();
	W_CHECK(set_lock(fd, F_SETLK, F_WRLCK) == 0);
	W_CHECK(holder("posix") == getpid());
	W_CHECK(listed("posix") == getpid());
	W_MUST(!pthread_create(&t, NULL, lock_in_thread, NULL));
	pthread_join(t, NULL);
	W_CHECK(holder("posix") == getpid());
	/* Closing any descriptor of the file gives up the lock. */
	other = open("posix", O_RDWR | O_CLOEXEC);
	W_CHECK(close(other) == 0);
	W_CHECK(holder("posix") == 0);
	close(fd);
}

static void file_lock(void)
{
	int one = open("ofd", O_RDWR | O_CLOEXEC), two = open("ofd", O_RDWR | O_CLOEXEC);

	w_hot();
	W_CHECK(set_lock(one, F_OFD_SETLK, F_WRLCK) == 0);
	W_CHECK(set_lock(two, F_OFD_SETLK, F_WRLCK) == -1 && errno == EAGAIN);
	W_CHECK(holder("ofd") == -1);
	W_CHECK(set_lock(one, F_OFD_SETLK, F_UNLCK) == 0);
	W_CHECK(set_lock(two, F_OFD_SETLK, F_WRLCK) == 0);
	close(one);
	close(two);
}

static void whole_file_lock(void)
{
	int one = open("flock", O_RDWR | O_CLOEXEC), two = open("flock", O_RDWR | O_CLOEXEC);
	int same = dup(one);

	w_hot();
	W_CHECK(flock(one, LOCK_EX | LOCK_NB) == 0);
	W_CHECK(flock(same, LOCK_EX | LOCK_NB) == 0);
	W_CHECK(flock(two, LOCK_EX | LOCK_NB) == -1 && errno == EWOULDBLOCK);
	W_CHECK(listed("flock") == getpid());
	W_CHECK(flock(same, LOCK_UN) == 0);
	W_CHECK(flock(two, LOCK_SH | LOCK_NB) == 0);
	close(one);
	close(two);
	close(same);
}

/* A lock that must be waited for: free as soon as the child, which holds it, has ended. */
static void awaited_lock(void)
{
	int fd = open("wait", O_RDWR | O_CLOEXEC), p[2];
	pid_t pid;
	char c;

	W_MUST(!pipe(p));
	pid = fork();
	if (!pid) {
		W_CHECK(set_lock(fd, F_SETLK, F_WRLCK) == 0);
		W_CHECK(write(p[1], "x", 1) == 1);
		usleep(2000);
		_exit(0);
	}
	w_hot();
	W_CHECK(read(p[0], &c, 1) == 1);
	W_CHECK(set_lock(fd, F_SETLKW, F_WRLCK) == 0);
	W_CHECK(t_wait_code(pid) == 0);
	close(p[0]);
	close(p[1]);
	close(fd);
}

static int shared_fd;
static int seen[RECORDS];

static void *read_records(void *arg)
{
	int number;

	while (read(shared_fd, &number, sizeof(number)) == sizeof(number)) {
		W_CHECK(number >= 0 && number < RECORDS);
		__atomic_add_fetch(&seen[number], 1, __ATOMIC_SEQ_CST);
	}
	w_add_served();
	return arg;
}

static void *write_records(void *arg)
{
	int first = (int)(uintptr_t)arg;

	for (int number = first; number < RECORDS; number += READERS)
		W_CHECK(write(shared_fd, &number, sizeof(number)) == sizeof(number));
	w_add_served();
	return NULL;
}

static void run_threads(void *(*body)(void *))
{
	pthread_t t[READERS];

	for (size_t i = 0; i < READERS; i++)
		W_MUST(!pthread_create(&t[i], NULL, body, (void *)(uintptr_t)i));
	for (size_t i = 0; i < READERS; i++)
		pthread_join(t[i], NULL);
}

static void test_position(void)
{
	shared_fd = open("records", O_CREAT | O_RDWR | O_CLOEXEC, 0600);
	W_MUST(shared_fd >= 0);
	run_threads(write_records);
	W_CHECK(lseek(shared_fd, 0, SEEK_CUR) == RECORDS * (off_t)sizeof(int));
	W_CHECK(lseek(shared_fd, 0, SEEK_SET) == 0);
	run_threads(read_records);
	for (int i = 0; i < RECORDS; i++)
		W_CHECK(seen[i] == 1);
	close(shared_fd);
	w_report("threads that share a position write and read each record once");
}

int main(int argc, char **argv)
{
	static const struct {
		const char *file;
		const char *name;
		void (*body)(void);
	} rows[] = {
		{ "posix", "a lock of a process", posix_lock },
		{ "ofd", "a lock of an open file", file_lock },
		{ "flock", "flock", whole_file_lock },
		{ "wait", "waiting for a lock", awaited_lock },
	};
	const char *dir;

	w_init(argc, argv);
	rounds = (int)t_option("--rounds", 50);
	dir = w_scratch();
	w_need_worker();
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		w_file(rows[i].file, 0600, getuid(), getgid());
		for (int k = 0; k < rounds; k++)
			rows[i].body();
		w_report(rows[i].name);
	}
	test_position();
	w_report_served();
	w_remove(dir);
	return t_done();
}
