// SPDX-License-Identifier: MIT
/*
 * Description: what sockets carry beside data is the process's, whoever executes the call: its
 * number and ids, the descriptors that it sends and those that arrive, under its own limit; and a
 * descriptor that is replaced beside a call is the old file or the new one, and nothing else.
 */
#include "work.h"

#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>

#define USER 3000
#define GROUP 2000
#define LIMIT 24

static int rounds;
static int ends[2];

union control {
	struct cmsghdr header;
	char space[CMSG_SPACE(sizeof(struct ucred)) + CMSG_SPACE(4 * sizeof(int))];
};

/* Sends a byte, with one item beside it if there is one. */
static ssize_t send_with(int type, const void *data, size_t size)
{
	struct iovec byte = { "x", 1 };
	union control c = { .header = { 0 } };
	struct msghdr m = { .msg_iov = &byte, .msg_iovlen = 1 };

	if (size) {
		m.msg_control = &c;
		m.msg_controllen = CMSG_SPACE(size);
		c.header = (struct cmsghdr){ CMSG_LEN(size), SOL_SOCKET, type };
		memcpy(CMSG_DATA(&c.header), data, size);
	}
	return sendmsg(ends[0], &m, 0);
}

/* What came beside a byte: credentials, descriptors and their number, and whether some were cut. */
struct received {
	struct ucred from;
	int fds[4], count;
	bool cut;
};

static struct received receive(void)
{
	char data;
	struct iovec byte = { &data, 1 };
	union control c;
	struct msghdr m = { .msg_iov = &byte, .msg_iovlen = 1, .msg_control = &c,
			    .msg_controllen = sizeof(c) };
	struct received r = { .count = 0 };

	W_CHECK(recvmsg(ends[1], &m, MSG_CMSG_CLOEXEC) == 1 && data == 'x');
	r.cut = m.msg_flags & MSG_CTRUNC;
	for (struct cmsghdr *h = CMSG_FIRSTHDR(&m); h; h = CMSG_NXTHDR(&m, h)) {
		if (h->cmsg_type == SCM_CREDENTIALS)
			memcpy(&r.from, CMSG_DATA(h), sizeof(r.from));
		if (h->cmsg_type == SCM_RIGHTS) {
			r.count = (int)((h->cmsg_len - CMSG_LEN(0)) / sizeof(int));
			memcpy(r.fds, CMSG_DATA(h), (size_t)r.count * sizeof(int));
		}
	}
	return r;
}

static bool from(struct ucred got, uid_t uid, gid_t gid)
{
	return got.pid == getpid() && got.uid == uid && got.gid == gid;
}

/* Those of the sender at the time of the call, also where it names them itself. */
static void check_credentials(uid_t uid, gid_t gid)
{
	struct ucred own = { getpid(), uid, gid }, other = { getpid() + 1, uid, gid };

	W_CHECK(send_with(0, NULL, 0) == 1);
	W_CHECK(from(receive().from, uid, gid));
	W_CHECK(send_with(SCM_CREDENTIALS, &own, sizeof(own)) == 1);
	W_CHECK(from(receive().from, uid, gid));
	/* The number of another process is for the privileged only. */
	if (uid) {
		W_CHECK(send_with(SCM_CREDENTIALS, &other, sizeof(other)) == -1 && errno == EPERM);
		other = (struct ucred){ getpid(), 0, gid };
		W_CHECK(send_with(SCM_CREDENTIALS, &other, sizeof(other)) == -1 && errno == EPERM);
	}
}

static void *credentials_of_thread(void *arg)
{
	(void)arg;
	for (int i = 0; i < rounds; i++) {
		w_hot();
		check_credentials(getuid(), getgid());
	}
	w_add_served();
	return NULL;
}

static void credentials(void)
{
	pthread_t t;

	credentials_of_thread(NULL);
	W_MUST(!pthread_create(&t, NULL, credentials_of_thread, NULL));
	pthread_join(t, NULL);
	if (getuid())
		return;
	W_MUST(!setresgid(GROUP, GROUP, GROUP) && !setresuid(USER, USER, USER));
	credentials_of_thread(NULL);
}

static bool same_file(int one, int two)
{
	struct stat a, b;

	return !fstat(one, &a) && !fstat(two, &b) && a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

static void descriptors(void)
{
	int file = open("file", O_RDONLY | O_CLOEXEC), pair[2] = { file, ends[0] };

	for (int i = 0; i < rounds; i++) {
		struct received r;

		w_hot();
		W_CHECK(send_with(SCM_RIGHTS, pair, sizeof(pair)) == 1);
		r = receive();
		W_CHECK(r.count == 2 && !r.cut);
		W_CHECK(same_file(r.fds[0], file) && same_file(r.fds[1], ends[0]));
		W_CHECK(fcntl(r.fds[0], F_GETFD) == FD_CLOEXEC);
		W_CHECK(close(r.fds[0]) == 0 && close(r.fds[1]) == 0);
	}
}

static int fill_table(int *filled)
{
	int count = 0, fd;

	while ((fd = dup(0)) >= 0)
		filled[count++] = fd;
	W_CHECK(errno == EMFILE);
	return count;
}

/* With a full table no descriptor arrives, by whatever call; with one place one does. */
static void limit(void)
{
	struct rlimit few = { LIMIT, LIMIT };
	struct sockaddr_un name = { .sun_family = AF_UNIX, .sun_path = "listener" };
	int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int client = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int file = open("file", O_RDONLY | O_CLOEXEC), pair[2] = { file, file };

	unlink("listener");
	W_MUST(!bind(listener, (void *)&name, sizeof(name)) && !listen(listener, 5));
	W_MUST(!setrlimit(RLIMIT_NOFILE, &few));
	for (int i = 0; i < rounds; i++) {
		int filled[LIMIT], count, p[2];
		struct received r;

		w_hot();
		count = fill_table(filled);
		W_CHECK(open("file", O_RDONLY | O_CLOEXEC) == -1 && errno == EMFILE);
		W_CHECK(pipe(p) == -1 && errno == EMFILE);
		W_CHECK(socket(AF_UNIX, SOCK_STREAM, 0) == -1 && errno == EMFILE);
		if (!i)
			W_CHECK(!connect(client, (void *)&name, sizeof(name)));
		W_CHECK(accept(listener, NULL, NULL) == -1 && errno == EMFILE);
		W_CHECK(send_with(SCM_RIGHTS, pair, sizeof(pair)) == 1);
		close(filled[--count]);
		r = receive();
		W_CHECK(r.count == 1 && r.cut && r.fds[0] == filled[count]);
		W_CHECK(close(r.fds[0]) == 0);
		while (count)
			W_CHECK(close(filled[--count]) == 0);
	}
}

static int replaced;
static volatile bool done;

static void *replace(void *arg)
{
	int one = open("one", O_RDONLY | O_CLOEXEC), two = open("two", O_RDONLY | O_CLOEXEC);

	for (long i = 0; !done; i++)
		W_CHECK(dup2(i & 1 ? one : two, replaced) == replaced);
	return arg;
}

/* Never neither of them: no error, no byte of a third file. */
static void replacing(void)
{
	uint64_t end = t_now_ns() + (uint64_t)rounds * 20000000u;
	long seen[2] = { 0, 0 };
	pthread_t t;
	char c;

	replaced = open("one", O_RDONLY | O_CLOEXEC);
	W_MUST(replaced >= 0 && !pthread_create(&t, NULL, replace, NULL));
	while (t_now_ns() < end || !seen[0] || !seen[1]) {
		c = 0;
		W_CHECK(pread(replaced, &c, 1, 0) == 1 && (c == '1' || c == '2'));
		seen[c == '2']++;
	}
	done = true;
	pthread_join(t, NULL);
}

static void one_byte(const char *path, char c)
{
	int fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);

	W_MUST(fd >= 0 && write(fd, &c, 1) == 1 && !close(fd));
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		void (*body)(void);
	} rows[] = {
		{ "credentials that a socket passes on", credentials },
		{ "descriptors that a socket passes on", descriptors },
		{ "descriptors that find no place", limit },
		{ "a descriptor that is replaced beside reads", replacing },
	};
	const char *dir;
	int on = 1;

	w_init(argc, argv);
	rounds = (int)t_option("--rounds", 60);
	dir = w_scratch();
	w_file("file", 0644, getuid(), getgid());
	one_byte("one", '1');
	one_byte("two", '2');
	W_MUST(!socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, ends));
	W_MUST(!setsockopt(ends[1], SOL_SOCKET, SO_PASSCRED, &on, sizeof(on)));
	w_need_worker();
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		w_in_child(rows[i].body);
		w_report(rows[i].name);
	}
	w_report_served();
	w_remove(dir);
	return t_done();
}
