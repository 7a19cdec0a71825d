// SPDX-License-Identifier: MIT
/*
 * Description: pipes, polling, events, futexes, queues and semaphores behave the same over trap
 * and over gate; bytes, counters and wake-ups are counted.
 */
#include "twin.h"

#include <linux/futex.h>
#include <mqueue.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/sem.h>

static char buf[4096];

static void b_pipe(void)
{
	int p[2] = { -1, -1 };

	CHECK(C(SYS_pipe, p) == 0);
	OBS("fds", p[0] * 100 + p[1]);
	C(SYS_pipe, BAD_PTR);
	CHECK(C(SYS_pipe2, p, O_NONBLOCK | O_CLOEXEC) == 0);
	C(SYS_pipe2, p, 1);
	C(SYS_read, p[0], buf, 10);
	C(SYS_write, p[1], "piped", 5);
	C(SYS_read, p[0], buf, 10);
	OBS_MEM("data", buf, 5);
	long total = 0, n;
	while ((n = twin_transport(SYS_write, p[1], (long)buf, sizeof(buf), 0, 0, 0)) > 0)
		total += n;
	OBS("capacity", total);
	OBS("full", n);
	C(SYS_fcntl, p[1], 1031, 8192);
	C(SYS_fcntl, p[1], 1032);
}

static void b_poll(void)
{
	int p[2];
	struct timespec ts = { 0, 1000000 }, bad = { 0, -1 };
	fd_set set;

	CHECK(!pipe(p));
	struct pollfd f[2] = { { p[0], POLLIN, 0 }, { p[1], POLLOUT, 0 } };
	C(SYS_poll, f, 2, 0);
	OBS("revents", f[0].revents * 100 + f[1].revents);
	C(SYS_poll, f, 1, 2);
	C(SYS_poll, BAD_PTR, 2, 0);
	C(SYS_poll, f, 1u << 30, 0);
	C(SYS_ppoll, f, 1, &ts, NULL, 8);
	C(SYS_ppoll, f, 1, &bad, NULL, 8);
	C(SYS_ppoll, f, 1, &ts, BAD_PTR, 8);
	write(p[1], "x", 1);
	C(SYS_poll, f, 2, 100);
	OBS("revents", f[0].revents * 100 + f[1].revents);
	FD_ZERO(&set);
	FD_SET(p[0], &set);
	struct timeval tv = { 0, 1000 };
	C(SYS_select, p[0] + 1, &set, NULL, NULL, &tv);
	OBS("isset", FD_ISSET(p[0], &set));
	C(SYS_select, -1, &set, NULL, NULL, &tv);
	FD_SET(60, &set);
	C(SYS_select, 61, &set, NULL, NULL, &tv);
	C(SYS_select, 5, BAD_PTR, NULL, NULL, &tv);
	FD_ZERO(&set);
	FD_SET(p[0], &set);
	C(SYS_pselect6, p[0] + 1, &set, NULL, NULL, &ts, NULL);
	C(SYS_pselect6, p[0] + 1, &set, NULL, NULL, &bad, NULL);
}

static void b_epoll(void)
{
	int p[2];
	struct epoll_event ev = { EPOLLIN, { .u64 = 0x1122334455667788ull } }, out[4];
	struct timespec ts = { 0, 1000 };
	long ep = C(SYS_epoll_create1, EPOLL_CLOEXEC);

	CHECK(ep >= 0 && !pipe(p));
	C(SYS_epoll_create1, 1);
	C(SYS_epoll_create, 1);
	C(SYS_epoll_create, 0);
	C(SYS_epoll_ctl, ep, EPOLL_CTL_ADD, p[0], &ev);
	C(SYS_epoll_ctl, ep, EPOLL_CTL_ADD, p[0], &ev);
	C(SYS_epoll_ctl, ep, EPOLL_CTL_ADD, ep, &ev);
	C(SYS_epoll_ctl, ep, EPOLL_CTL_ADD, 99, &ev);
	C(SYS_epoll_ctl, ep, EPOLL_CTL_MOD, p[1], &ev);
	C(SYS_epoll_ctl, ep, EPOLL_CTL_ADD, p[1], BAD_PTR);
	C(SYS_epoll_ctl, ep, 77, p[0], &ev);
	C(SYS_epoll_wait, ep, out, 4, 0);
	write(p[1], "x", 1);
	memset(out, 0, sizeof(out));
	C(SYS_epoll_wait, ep, out, 4, 100);
	OBS("data", (long)out[0].data.u64);
	C(SYS_epoll_wait, ep, out, 0, 0);
	C(SYS_epoll_wait, ep, BAD_PTR, 1, 0);
	C(SYS_epoll_wait, p[0], out, 1, 0);
	C(SYS_epoll_pwait, ep, out, 4, 0, NULL, 8);
	C(SYS_epoll_pwait, ep, out, 4, 0, &ev, 3);
	C(SYS_epoll_pwait2, ep, out, 4, &ts, NULL, 8);
	C(SYS_epoll_ctl, ep, EPOLL_CTL_DEL, p[0], NULL);
	C(SYS_epoll_wait, ep, out, 4, 0);
}

static void b_eventfd(void)
{
	uint64_t v = 5;
	long fd = C(SYS_eventfd2, 3, EFD_NONBLOCK);

	CHECK(fd >= 0);
	C(SYS_eventfd, 0);
	C(SYS_eventfd2, 0, 0x10);
	C(SYS_write, fd, &v, 8);
	C(SYS_write, fd, &v, 4);
	v = -1ull;
	C(SYS_write, fd, &v, 8);
	C(SYS_read, fd, &v, 8);
	OBS("counter", (long)v);
	C(SYS_read, fd, &v, 8);
	C(SYS_read, fd, &v, 4);
}

static int word;

static void *waker(void *arg)
{
	(void)arg;
	usleep(50000);
	__atomic_store_n(&word, 1, __ATOMIC_SEQ_CST);
	OBS("woken", CQ(SYS_futex, &word, FUTEX_WAKE_PRIVATE, 10));
	return NULL;
}

static void b_futex(void)
{
	struct timespec ts = { 0, 1000000 }, bad = { 0, 1000000000 };
	pthread_t t;
	struct { uint64_t val, uaddr; uint32_t flags, pad; } w = { 0, (uintptr_t)&word, 2, 0 };
	int other = 0;

	C(SYS_futex, &word, FUTEX_WAIT_PRIVATE, 7, NULL);
	C(SYS_futex, &word, FUTEX_WAIT_PRIVATE, 0, &ts);
	C(SYS_futex, &word, FUTEX_WAIT_PRIVATE, 0, &bad);
	C(SYS_futex, BAD_PTR, FUTEX_WAIT_PRIVATE, 0, &ts);
	C(SYS_futex, (char *)&word + 1, FUTEX_WAIT_PRIVATE, 0, &ts);
	C(SYS_futex, &word, 99, 0, NULL);
	C(SYS_futex, &word, FUTEX_WAKE_PRIVATE, 1);
	C(SYS_futex, &word, FUTEX_REQUEUE_PRIVATE, 1, 1, &other, 0);
	C(SYS_futex, &word, FUTEX_CMP_REQUEUE_PRIVATE, 1, 1, &other, 5);
	C(SYS_futex, &word, FUTEX_WAKE_OP_PRIVATE, 1, 1, &other, 0x1000);
	C(SYS_futex, &word, FUTEX_TRYLOCK_PI_PRIVATE, 0, NULL);
	OBS("owner is me", word == getpid());
	C(SYS_futex, &word, FUTEX_LOCK_PI_PRIVATE, 0, NULL);
	C(SYS_futex, &word, FUTEX_UNLOCK_PI_PRIVATE, 0, NULL);
	OBS("word", word);
	word = 0;
	pthread_create(&t, NULL, waker, NULL);
	long r = twin_transport(SYS_futex, (long)&word, FUTEX_WAIT_PRIVATE, 0, 0, 0, 0);
	pthread_join(t, NULL);
	OBS("waited", r);
	C(SYS_futex_waitv, &w, 1, 0, &ts, 99);
	C(SYS_futex_waitv, &w, 1, 0, NULL, 1);
	C(SYS_futex_waitv, BAD_PTR, 1, 0, NULL, 1);
	C(SYS_futex_waitv, &w, 0, 0, NULL, 1);
}

static void b_semaphores(void)
{
	struct sembuf op = { 0, 2, 0 }, no = { 0, -5, IPC_NOWAIT }, bad = { 9, 1, 0 };
	struct sembuf undo = { 1, 3, SEM_UNDO };
	struct timespec ts = { 0, 1000000 };
	long id = twin_transport(SYS_semget, IPC_PRIVATE, 2, 0600, 0, 0, 0);

	CHECK(id >= 0);
	CHECK(C(SYS_semop, id, &op, 1) == 0);
	C(SYS_semop, id, &no, 1);
	C(SYS_semop, id, &bad, 1);
	C(SYS_semop, id, BAD_PTR, 1);
	C(SYS_semop, id, &op, 0);
	C(SYS_semctl, id, 0, 12);	/* GETVAL */
	C(SYS_semctl, id, 0, 16, 9);	/* SETVAL */
	C(SYS_semctl, id, 0, 12);
	C(SYS_semctl, id, 7, 12);
	OBS("last is me", CQ(SYS_semctl, id, 0, 11) == getpid());
	no = (struct sembuf){ 0, -50, 0 };
	C(SYS_semtimedop, id, &no, 1, &ts);
	C(SYS_semtimedop, id, &no, 1, BAD_PTR);
	/* The undo list belongs to the task that made it and runs at its exit. */
	long pid = twin_transport(SYS_fork, 0, 0, 0, 0, 0, 0);
	if (!pid) {
		OBS("undo", C(SYS_semop, id, &undo, 1));
		C(SYS_semctl, id, 1, 12);
		twin_transport(SYS_exit_group, 0, 0, 0, 0, 0, 0);
	}
	OBS("wait", t_wait_code((pid_t)pid));
	C(SYS_semctl, id, 1, 12);
	C(SYS_semctl, id, 0, IPC_RMID);
	C(SYS_semop, id, &op, 1);
	C(SYS_semget, 0x7eadbeef, 1, 0);
	C(SYS_semget, IPC_PRIVATE, -1, 0600);
}

static void b_messages(void)
{
	struct { long type; char text[16]; } m = { 3, "queued" }, got;
	struct msqid_ds ds;
	long id = twin_transport(SYS_msgget, IPC_PRIVATE, 0600, 0, 0, 0, 0);

	CHECK(id >= 0);
	CHECK(C(SYS_msgsnd, id, &m, 7, 0) == 0);
	m.type = 0;
	C(SYS_msgsnd, id, &m, 7, 0);
	C(SYS_msgsnd, id, BAD_PTR, 7, 0);
	C(SYS_msgctl, id, IPC_STAT, &ds);
	OBS("qnum", ds.msg_qnum);
	OBS("last is me", ds.msg_lspid == getpid());
	C(SYS_msgrcv, id, &got, 2, 0, 0);
	memset(&got, 0, sizeof(got));
	C(SYS_msgrcv, id, &got, 16, 0, IPC_NOWAIT);
	OBS_MEM("message", &got, sizeof(got));
	C(SYS_msgrcv, id, &got, 16, 0, IPC_NOWAIT);
	C(SYS_msgctl, id, IPC_RMID, NULL);
	C(SYS_msgctl, id, IPC_STAT, &ds);
	C(SYS_msgget, 0x7eadbeef, 0);
}

static void b_mqueue(void)
{
	struct mq_attr a = { .mq_maxmsg = 4, .mq_msgsize = 64 }, got;
	struct timespec past = { 1, 0 };
	unsigned int prio = 0;

	CHECK(!unshare(CLONE_NEWIPC));	/* names of its own */
	long q = C(SYS_mq_open, "xsc", O_CREAT | O_RDWR, 0600, &a);
	C(SYS_mq_open, "absent", O_RDWR, 0, NULL);
	C(SYS_mq_open, BAD_PTR, O_RDWR, 0, NULL);
	C(SYS_mq_timedsend, q, "low", 3, 1, NULL);
	C(SYS_mq_timedsend, q, "high", 4, 9, NULL);
	C(SYS_mq_timedsend, q, buf, 65, 0, NULL);
	C(SYS_mq_timedsend, q, BAD_PTR, 4, 0, NULL);
	memset(&got, 0, sizeof(got));
	C(SYS_mq_getsetattr, q, NULL, &got);
	OBS("curmsgs", got.mq_curmsgs);
	C(SYS_mq_timedreceive, q, buf, 64, &prio, NULL);
	OBS("prio", prio);
	OBS_MEM("text", buf, 4);
	C(SYS_mq_timedreceive, q, buf, 3, &prio, NULL);
	C(SYS_mq_timedreceive, q, buf, 64, &prio, NULL);
	C(SYS_mq_timedreceive, q, buf, 64, &prio, &past);
	struct sigevent sev = { .sigev_notify = SIGEV_NONE };
	C(SYS_mq_notify, q, &sev);
	C(SYS_mq_notify, q, &sev);
	C(SYS_mq_notify, q, BAD_PTR);
	C(SYS_mq_unlink, "xsc");
	C(SYS_mq_unlink, "xsc");
}

static void b_aio(void)
{
	unsigned long ctx = 0;
	struct { uint64_t data; uint32_t key, rw; uint16_t op; int16_t prio; uint32_t fd; uint64_t buf,
		 n; int64_t off; uint64_t r2; uint32_t flags, resfd; } io = { 0 }, *list[1] = { &io };
	struct { uint64_t data, obj; int64_t res, res2; } ev[2];
	int fd = open("f", O_CREAT | O_RDWR, 0600);
	struct timespec ts = { 1, 0 };

	C(SYS_io_setup, 4, BAD_PTR);
	C(SYS_io_setup, 0, &ctx);
	if (C(SYS_io_setup, 4, &ctx))
		return;
	io.op = 1;
	io.fd = (uint32_t)fd;
	io.buf = (uintptr_t)"async";
	io.n = 5;
	C(SYS_io_submit, ctx, 1, list);
	C(SYS_io_getevents, ctx, 1, 2, ev, &ts);
	OBS("res", ev[0].res);
	C(SYS_io_pgetevents, ctx, 0, 2, ev, &ts, NULL);
	C(SYS_io_cancel, ctx, &io, ev);
	C(SYS_io_submit, ctx, -1, list);
	C(SYS_io_submit, 12345, 1, list);
	C(SYS_io_destroy, ctx);
	C(SYS_io_destroy, ctx);
}

static void b_uring(void)
{
	uint32_t params[30] = { 0 };
	long fd = C(SYS_io_uring_setup, 4, params);

	C(SYS_io_uring_setup, 0, params);
	C(SYS_io_uring_setup, 4, BAD_PTR);
	C(SYS_io_uring_enter, fd, 0, 0, 0, NULL, 0);
	C(SYS_io_uring_enter, 99, 0, 0, 0, NULL, 0);
	C(SYS_io_uring_register, fd, 999, NULL, 0);
	C(SYS_io_uring_register, 99, 0, NULL, 0);
}

static const struct twin_row rows[] = {
	{ "pipe", b_pipe },	  { "poll", b_poll },	      { "epoll", b_epoll },
	{ "eventfd", b_eventfd }, { "futex", b_futex },	      { "semaphores", b_semaphores },
	{ "messages", b_messages }, { "mqueue", b_mqueue },   { "aio", b_aio },
	{ "uring", b_uring },
};

int main(int argc, char **argv)
{
	return twin_main(argc, argv, rows, ARRAY_SIZE(rows));
}
