// SPDX-License-Identifier: MIT
/*
 * Description: sockets (Unix and loopback TCP/UDP) give the same results, data, ancillary
 * messages and errors over trap and over gate.
 */
#include "twin.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <net/if.h>

static char buf[4096];

static struct sockaddr_un name_of(const char *path)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };

	strcpy(un.sun_path, path);
	return un;
}

static void b_create(void)
{
	int sv[2] = { -7, -7 };

	CHECK(C(SYS_socket, AF_UNIX, SOCK_STREAM, 0) >= 0);
	C(SYS_socket, AF_UNIX, 77, 0);
	C(SYS_socket, 300, SOCK_STREAM, 0);
	C(SYS_socket, AF_INET, SOCK_STREAM, 999);
	C(SYS_socketpair, AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sv);
	OBS("sv", sv[0] * 100 + sv[1]);
	C(SYS_socketpair, AF_UNIX, SOCK_STREAM, 0, BAD_PTR);
	C(SYS_socketpair, AF_INET, SOCK_STREAM, 0, sv);
}

static void b_stream(void)
{
	struct sockaddr_un un = name_of("sock"), got;
	socklen_t len = sizeof(got);
	long srv = C(SYS_socket, AF_UNIX, SOCK_STREAM, 0), cli, con;

	CHECK(C(SYS_bind, srv, &un, sizeof(un)) == 0);
	C(SYS_bind, srv, &un, sizeof(un));
	C(SYS_bind, srv, BAD_PTR, sizeof(un));
	C(SYS_bind, 0, &un, sizeof(un));
	cli = C(SYS_socket, AF_UNIX, SOCK_STREAM, 0);
	C(SYS_connect, cli, &un, sizeof(un));
	CHECK(C(SYS_listen, srv, 2) == 0);
	C(SYS_listen, 99, 2);
	CHECK(C(SYS_connect, cli, &un, sizeof(un)) == 0);
	C(SYS_connect, cli, &un, sizeof(un));
	C(SYS_connect, cli, BAD_PTR, sizeof(un));
	con = C(SYS_accept4, srv, &got, &len, SOCK_CLOEXEC);
	OBS("len", len);
	C(SYS_accept4, srv, &got, &len, 0x40);
	C(SYS_accept, 0, &got, &len);
	fcntl((int)srv, F_SETFL, O_NONBLOCK);
	C(SYS_accept, srv, &got, &len);
	CHECK(C(SYS_sendto, cli, "hello", 5, 0, NULL, 0) == 5);
	C(SYS_sendto, cli, BAD_PTR, 5, 0, NULL, 0);
	C(SYS_recvfrom, con, buf, 3, MSG_PEEK, NULL, NULL);
	C(SYS_recvfrom, con, buf, 100, 0, NULL, NULL);
	OBS_MEM("data", buf, 5);
	C(SYS_recvfrom, con, buf, 100, MSG_DONTWAIT, NULL, NULL);
	C(SYS_recvfrom, con, BAD_PTR, 100, MSG_DONTWAIT, NULL, NULL);
	len = sizeof(got);
	C(SYS_getsockname, srv, &got, &len);
	OBS_MEM("name", got.sun_path, 5);
	OBS("len", len);
	C(SYS_getpeername, cli, &got, &len);
	C(SYS_getpeername, srv, &got, &len);
	C(SYS_getsockname, srv, &got, BAD_PTR);
	C(SYS_shutdown, cli, SHUT_WR);
	C(SYS_recvfrom, con, buf, 100, 0, NULL, NULL);
	C(SYS_shutdown, cli, 9);
	C(SYS_shutdown, 0, SHUT_WR);
	C(SYS_sendto, cli, "x", 1, MSG_NOSIGNAL, NULL, 0);
	signal(SIGPIPE, SIG_IGN);
	C(SYS_write, cli, "x", 1);
}

static void b_messages(void)
{
	int sv[2], on = 1, fds[1];
	char control[256] = "";
	struct iovec v[2] = { { "ab", 2 }, { "cde", 3 } }, r = { buf, sizeof(buf) };
	struct msghdr m = { .msg_iov = v, .msg_iovlen = 2 };

	CHECK(!socketpair(AF_UNIX, SOCK_DGRAM, 0, sv));
	setsockopt(sv[1], SOL_SOCKET, SO_PASSCRED, &on, sizeof(on));
	CHECK(C(SYS_sendmsg, sv[0], &m, 0) == 5);
	/* A descriptor travels; it must be the sender's, in the receiver's table. */
	fds[0] = open("passed", O_CREAT | O_RDWR, 0600);
	m.msg_control = control;
	m.msg_controllen = CMSG_LEN(sizeof(int));
	*CMSG_FIRSTHDR(&m) = (struct cmsghdr){ CMSG_LEN(sizeof(int)), SOL_SOCKET, SCM_RIGHTS };
	memcpy(CMSG_DATA(CMSG_FIRSTHDR(&m)), fds, sizeof(int));
	C(SYS_sendmsg, sv[0], &m, 0);
	C(SYS_sendmsg, sv[0], BAD_PTR, 0);
	struct msghdr in = { .msg_iov = &r, .msg_iovlen = 1 };
	for (int i = 0; i < 2; i++) {
		memset(control, 0, sizeof(control));
		in.msg_control = control;
		in.msg_controllen = sizeof(control);
		C(SYS_recvmsg, sv[1], &in, 0);
		OBS_MEM("data", buf, 5);
		OBS("flags", in.msg_flags);
		for (struct cmsghdr *c = CMSG_FIRSTHDR(&in); c; c = CMSG_NXTHDR(&in, c)) {
			OBS("cmsg", c->cmsg_type);
			if (c->cmsg_type == SCM_RIGHTS) {
				memcpy(fds, CMSG_DATA(c), sizeof(int));
				OBS("received fd", fds[0]);
				write(fds[0], "through", 7);
			} else {
				OBS("cred is me", *(pid_t *)CMSG_DATA(c) == getpid());
			}
		}
	}
	C(SYS_recvmsg, sv[1], &in, MSG_DONTWAIT);
	C(SYS_recvmsg, sv[1], BAD_PTR, MSG_DONTWAIT);
}

static void b_many_messages(void)
{
	int sv[2];
	struct iovec v = { "packet", 6 }, r[3];
	struct mmsghdr out[3], in[3];
	struct timespec ts = { 0, 0 };

	CHECK(!socketpair(AF_UNIX, SOCK_DGRAM, 0, sv));
	memset(out, 0, sizeof(out));
	memset(in, 0, sizeof(in));
	for (int i = 0; i < 3; i++) {
		out[i].msg_hdr = (struct msghdr){ .msg_iov = &v, .msg_iovlen = 1 };
		r[i] = (struct iovec){ buf + 100 * i, 100 };
		in[i].msg_hdr = (struct msghdr){ .msg_iov = &r[i], .msg_iovlen = 1 };
	}
	CHECK(C(SYS_sendmmsg, sv[0], out, 3, 0) == 3);
	C(SYS_sendmmsg, sv[0], BAD_PTR, 3, 0);
	C(SYS_recvmmsg, sv[1], in, 3, 0, NULL);
	OBS("length", in[2].msg_len);
	OBS_MEM("data", buf, 300);
	C(SYS_recvmmsg, sv[1], in, 3, MSG_DONTWAIT, NULL);
	C(SYS_recvmmsg, sv[1], in, 3, 0, BAD_PTR);
	ts.tv_nsec = -1;
	C(SYS_recvmmsg, sv[1], in, 3, 0, &ts);
}

static void b_options(void)
{
	int n = 0, on = 1;
	socklen_t len = sizeof(n);
	long fd = C(SYS_socket, AF_INET, SOCK_STREAM, 0);

	CHECK(fd >= 0);
	C(SYS_setsockopt, fd, SOL_SOCKET, SO_REUSEADDR, &on, 4);
	C(SYS_setsockopt, fd, SOL_SOCKET, SO_REUSEADDR, &on, 1);
	C(SYS_setsockopt, fd, SOL_SOCKET, SO_REUSEADDR, BAD_PTR, 4);
	C(SYS_setsockopt, fd, SOL_SOCKET, 9999, &on, 4);
	C(SYS_setsockopt, fd, IPPROTO_TCP, TCP_NODELAY, &on, 4);
	C(SYS_getsockopt, fd, SOL_SOCKET, SO_REUSEADDR, &n, &len);
	OBS("reuse", n);
	C(SYS_getsockopt, fd, SOL_SOCKET, SO_TYPE, &n, &len);
	OBS("type", n);
	C(SYS_getsockopt, fd, SOL_SOCKET, SO_TYPE, &n, BAD_PTR);
	C(SYS_getsockopt, fd, SOL_SOCKET, 9999, &n, &len);
	C(SYS_getsockopt, 0, SOL_SOCKET, SO_TYPE, &n, &len);
}

static void loopback_up(void)
{
	struct ifreq ifr = { .ifr_name = "lo", .ifr_flags = IFF_UP };
	int s;

	CHECK(!unshare(CLONE_NEWNET));
	s = socket(AF_INET, SOCK_DGRAM, 0);
	CHECK(!ioctl(s, SIOCSIFFLAGS, &ifr));
	close(s);
}

static void b_inet(void)
{
	struct sockaddr_in in = { .sin_family = AF_INET, .sin_port = htons(4711) };
	struct sockaddr_in from;
	socklen_t len = sizeof(from);
	long srv, cli, con, udp;

	in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	loopback_up();	/* a network namespace of its own: ports never collide */
	srv = C(SYS_socket, AF_INET, SOCK_STREAM, 0);
	cli = C(SYS_socket, AF_INET, SOCK_STREAM, 0);
	C(SYS_connect, cli, &in, sizeof(in));
	CHECK(C(SYS_bind, srv, &in, sizeof(in)) == 0);
	C(SYS_listen, srv, 4);
	CHECK(C(SYS_connect, cli, &in, sizeof(in)) == 0);
	con = C(SYS_accept, srv, &from, &len);
	OBS("family", from.sin_family);
	C(SYS_write, cli, "over tcp", 8);
	C(SYS_read, con, buf, 8);
	OBS_MEM("data", buf, 8);
	C(SYS_sendto, con, "oob", 3, MSG_OOB, NULL, 0);
	udp = C(SYS_socket, AF_INET, SOCK_DGRAM, 0);
	C(SYS_bind, udp, &in, sizeof(in));
	C(SYS_sendto, udp, "datagram", 8, 0, &in, sizeof(in));
	len = sizeof(from);
	C(SYS_recvfrom, udp, buf, 4, 0, &from, &len);
	OBS("port", ntohs(from.sin_port));
	OBS_MEM("data", buf, 4);
	C(SYS_recvfrom, udp, buf, 4, MSG_DONTWAIT, &from, &len);
	C(SYS_sendto, udp, "x", 1, 0, BAD_PTR, sizeof(in));
	in.sin_port = htons(4712);
	C(SYS_connect, udp, &in, sizeof(in));
	C(SYS_write, udp, "x", 1);
	C(SYS_write, udp, "x", 1);
}

static const struct twin_row rows[] = {
	{ "create", b_create },		{ "stream", b_stream },
	{ "messages", b_messages },	{ "many_messages", b_many_messages },
	{ "options", b_options },	{ "inet", b_inet },
};

int main(int argc, char **argv)
{
	return twin_main(argc, argv, rows, ARRAY_SIZE(rows));
}
