// SPDX-License-Identifier: MIT
/*
 * Description: what close() ends has ended when it returns: readers of a pipe or socket see the
 * end, locks and ports are free, space is given back, a file system can be unmounted.
 */
#include "work.h"

#include <arpa/inet.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/statvfs.h>
#include <sys/un.h>

/* The ways to give up a descriptor. */
static bool by_close(int fd) { return close(fd) == 0; }

static bool by_dup2(int fd)
{
	int other = open("/dev/null", O_RDONLY | O_CLOEXEC);

	return dup2(other, fd) == fd && close(fd) == 0 && close(other) == 0;
}

static bool by_range(int fd) { return close_range((unsigned)fd, (unsigned)fd, 0) == 0; }

static const struct {
	const char *name;
	bool (*give_up)(int fd);
} ways[] = {
	{ "close", by_close },
	{ "dup2", by_dup2 },
	{ "close_range", by_range },
};

static bool (*give_up)(int fd);

static void end_pipe(void)
{
	int p[2];
	char c;

	W_MUST(!pipe2(p, O_NONBLOCK | O_CLOEXEC));
	W_CHECK(write(p[1], "x", 1) == 1);
	W_CHECK(read(p[0], &c, 1) == 1);
	W_CHECK(read(p[0], &c, 1) == -1 && errno == EAGAIN);
	W_CHECK(give_up(p[1]));
	W_CHECK(read(p[0], &c, 1) == 0);
	W_CHECK(close(p[0]) == 0);
}

static void end_socket(void)
{
	int s[2];
	char c;

	W_MUST(!socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, s));
	W_CHECK(recv(s[0], &c, 1, 0) == -1 && errno == EAGAIN);
	W_CHECK(give_up(s[1]));
	W_CHECK(recv(s[0], &c, 1, 0) == 0);
	W_CHECK(send(s[0], &c, 1, MSG_NOSIGNAL) == -1 && errno == EPIPE);
	W_CHECK(close(s[0]) == 0);
}

static void end_flock(void)
{
	int one = open("file", O_RDWR | O_CLOEXEC), two = open("file", O_RDWR | O_CLOEXEC);

	W_CHECK(flock(one, LOCK_EX) == 0);
	W_CHECK(flock(two, LOCK_EX | LOCK_NB) == -1 && errno == EWOULDBLOCK);
	W_CHECK(give_up(one));
	W_CHECK(flock(two, LOCK_EX | LOCK_NB) == 0);
	W_CHECK(close(two) == 0);
}

static int port;

static int listening(void)
{
	struct sockaddr_in in = { .sin_family = AF_INET, .sin_port = (in_port_t)port,
				  .sin_addr = { htonl(INADDR_LOOPBACK) } };
	socklen_t size = sizeof(in);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	W_MUST(fd >= 0);
	if (bind(fd, (void *)&in, sizeof(in)) || listen(fd, 5)) {
		int error = errno;

		close(fd);
		errno = error;
		return -1;
	}
	W_CHECK(!getsockname(fd, (void *)&in, &size));
	port = in.sin_port;
	return fd;
}

static void end_listener(void)
{
	int fd = listening();

	W_CHECK(fd >= 0);
	W_CHECK(listening() == -1 && errno == EADDRINUSE);
	W_CHECK(give_up(fd));
	fd = listening();
	W_CHECK(fd >= 0);
	W_CHECK(close(fd) == 0);
}

static unsigned long blocks_free(const char *path)
{
	struct statvfs st;

	W_CHECK(!statvfs(path, &st));
	return st.f_bfree;
}

static void end_file(void)
{
	static char data[65536];
	unsigned long before;
	int fd;

	W_MUST(!mount("none", "mounted", "tmpfs", 0, NULL));
	before = blocks_free("mounted");
	fd = open("mounted/file", O_CREAT | O_RDWR | O_CLOEXEC, 0600);
	W_CHECK(fd >= 0 && write(fd, data, sizeof(data)) == sizeof(data));
	W_CHECK(unlink("mounted/file") == 0);
	W_CHECK(blocks_free("mounted") == before - sizeof(data) / 4096);
	W_CHECK(umount("mounted") == -1 && errno == EBUSY);
	W_CHECK(give_up(fd));
	W_CHECK(blocks_free("mounted") == before);
	W_CHECK(umount("mounted") == 0);
}

static const struct {
	const char *name;
	void (*body)(void);
	bool root;
} rows[] = {
	{ "a pipe's reader sees the end", end_pipe, false },
	{ "a socket's peer sees the end", end_socket, false },
	{ "a lock is free", end_flock, false },
	{ "a port is free", end_listener, false },
	{ "space is free, and the file system not busy", end_file, true },
};

static void test_row(size_t row, size_t way, int rounds)
{
	char name[96];

	snprintf(name, sizeof(name), "%s: %s", ways[way].name, rows[row].name);
	if (rows[row].root && getuid() != 0) {
		t_skip(name, "needs root");
		return;
	}
	give_up = ways[way].give_up;
	port = 0;
	for (int i = 0; i < rounds; i++) {
		if (i % 8 == 0)
			w_hot();
		rows[row].body();
	}
	w_report(name);
}

int main(int argc, char **argv)
{
	const char *dir;
	int rounds;

	w_init(argc, argv);
	rounds = (int)t_option("--rounds", 200);
	dir = w_scratch();
	w_file("file", 0600, getuid(), getgid());
	W_MUST(!mkdir("mounted", 0700));
	w_need_worker();
	for (size_t way = 0; way < ARRAY_SIZE(ways); way++)
		for (size_t row = 0; row < ARRAY_SIZE(rows); row++)
			test_row(row, way, rounds);
	w_remove(dir);
	return t_done();
}
