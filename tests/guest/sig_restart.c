// SPDX-License-Identifier: MIT
/*
 * Description: a signal that arrives in a blocking call ends it with EINTR or restarts it, as
 * signal(7) says for the call and SA_RESTART; the handler runs once per signal and the restarted
 * call does its work once.
 */
#include "harness.h"

#include <linux/futex.h>
#include <poll.h>
#include <mqueue.h>
#include <sched.h>
#include <sys/epoll.h>
#include <sys/file.h>
#include <sys/msg.h>
#include <sys/select.h>
#include <sys/sem.h>
#include <sys/socket.h>
#include <sys/un.h>

struct shared {
	volatile int hits;
	volatile long result;
	volatile int error;
	volatile int word;
	char data[16];
};

static struct shared *sh;
static int rd, wr;	/* pipe */
static int sv[2];	/* socket pair */
static int lock_fd, other_lock_fd;
static int listener;
static int sem_id, msg_id;
static mqd_t mq;
static char name[64];
static struct timespec long_time = { 20, 0 };

static void on_signal(int sig)
{
	(void)sig;
	sh->hits++;
}

/* What blocks in the child, and what the parent does to let it go on. */
static long w_read(void) { return read(rd, sh->data, 1); }
static void u_read(void) { t_state.failed += write(wr, "R", 1) != 1; }
static long w_recv(void) { return recv(sv[0], sh->data, 1, 0); }
static void u_recv(void) { t_state.failed += write(sv[1], "R", 1) != 1; }
static long w_flock(void) { return flock(other_lock_fd, LOCK_EX); }
static void u_flock(void) { flock(lock_fd, LOCK_UN); }

static long w_futex(void)
{
	while (sh->word == 0) {
		long r = syscall(SYS_futex, &sh->word, FUTEX_WAIT, 0, NULL, NULL, 0);

		if (r && errno != EAGAIN)
			return r;
	}
	return 0;
}

static void u_futex(void)
{
	sh->word = 1;
	syscall(SYS_futex, &sh->word, FUTEX_WAKE, 1, NULL, NULL, 0);
}

static long w_fcntl_lock(void)
{
	struct flock fl = { .l_type = F_WRLCK };

	return fcntl(other_lock_fd, F_SETLKW, &fl);
}

static void u_fcntl_lock(void)
{
	struct flock fl = { .l_type = F_UNLCK };

	fcntl(lock_fd, F_SETLK, &fl);
}

static long w_wait(void)
{
	pid_t pid = fork();
	int status = 0;
	char c;

	if (!pid) {
		signal(SIGUSR1, SIG_IGN);
		_exit(read(rd, &c, 1) == 1 ? 9 : 8);
	}
	if (waitpid(pid, &status, 0) < 0) {
		int saved = errno;

		kill(pid, SIGKILL);
		errno = saved;
		return -1;
	}
	return WEXITSTATUS(status) == 9 ? 0 : -1;
}

static long w_accept(void)
{
	int fd = accept(listener, NULL, NULL);

	return fd < 0 ? -1 : 0;
}

static void u_accept(void)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	strcpy(un.sun_path, name);
	t_state.failed += connect(fd, (struct sockaddr *)&un, sizeof(un)) != 0;
	close(fd);
}

static long w_write(void)
{
	static char block[65536 * 2];
	ssize_t n = write(wr, block, sizeof(block));

	return n == (ssize_t)sizeof(block) ? 0 : n < 0 ? -1 : n;
}

static void u_write(void)
{
	static char sink[65536];
	size_t have = 0;
	ssize_t n;

	while (have < 2 * sizeof(sink) && (n = read(rd, sink, sizeof(sink))) > 0)
		have += (size_t)n;
}

static long w_mq(void) { return mq_receive(mq, sh->data, sizeof(sh->data), NULL) == 1 ? 0 : -1; }
static void u_mq(void) { mq_send(mq, "R", 1, 0); }

static long w_fifo(void)
{
	int fd = open(name, O_RDONLY);

	return fd < 0 ? -1 : 0;
}

static void u_fifo(void) { close(open(name, O_WRONLY)); }

static long w_semop(void)
{
	struct sembuf op = { 0, -1, 0 };

	return semop(sem_id, &op, 1);
}

static void u_semop(void)
{
	struct sembuf op = { 0, 1, 0 };

	semop(sem_id, &op, 1);
}

static long w_msgrcv(void)
{
	struct { long type; char c[8]; } m;

	return msgrcv(msg_id, &m, 8, 0, 0) == 1 ? 0 : -1;
}

static void u_msgrcv(void)
{
	struct { long type; char c[8]; } m = { 1, "R" };

	msgsnd(msg_id, &m, 1, 0);
}

static long w_nanosleep(void) { return nanosleep(&long_time, NULL); }
static long w_clock_nanosleep(void)
{
	int e = clock_nanosleep(CLOCK_MONOTONIC, 0, &long_time, NULL);

	errno = e;
	return e ? -1 : 0;
}

static long w_poll(void)
{
	struct pollfd p = { rd, POLLIN, 0 };

	return poll(&p, 1, 20000) == 1 ? 0 : -1;
}

static long w_select(void)
{
	fd_set set;

	FD_ZERO(&set);
	FD_SET(rd, &set);
	return select(rd + 1, &set, NULL, NULL, NULL) == 1 ? 0 : -1;
}

static long w_epoll(void)
{
	struct epoll_event ev = { .events = EPOLLIN };
	int ep = epoll_create1(0);

	epoll_ctl(ep, EPOLL_CTL_ADD, rd, &ev);
	return epoll_wait(ep, &ev, 1, 20000) == 1 ? 0 : -1;
}

static long w_sigwait(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR2);
	sigprocmask(SIG_BLOCK, &set, NULL);
	return sigtimedwait(&set, NULL, &long_time) == SIGUSR2 ? 0 : -1;
}

static long w_pause(void) { return pause(); }

struct row {
	const char *name;
	long (*wait)(void);
	void (*release)(void);	/* NULL: nothing restarts this call, so nothing needs to end it */
	bool restarts;
};

static const struct row rows[] = {
	{ "read", w_read, u_read, true },	    { "recv", w_recv, u_recv, true },
	{ "write", w_write, u_write, false },	    { "flock", w_flock, u_flock, true },
	{ "fcntl F_SETLKW", w_fcntl_lock, u_fcntl_lock, true },
	{ "futex", w_futex, u_futex, true },	    { "waitpid", w_wait, u_read, true },
	{ "accept", w_accept, u_accept, true },	    { "mq_receive", w_mq, u_mq, true },
	{ "open of a fifo", w_fifo, u_fifo, true },  { "semop", w_semop, u_semop, false },
	{ "msgrcv", w_msgrcv, u_msgrcv, false },    { "nanosleep", w_nanosleep, NULL, false },
	{ "clock_nanosleep", w_clock_nanosleep, NULL, false },
	{ "poll", w_poll, u_read, false },	    { "select", w_select, u_read, false },
	{ "epoll_wait", w_epoll, u_read, false },   { "sigtimedwait", w_sigwait, NULL, false },
	{ "pause", w_pause, NULL, false },
};

static void set_up(const struct row *row)
{
	struct flock fl = { .l_type = F_WRLCK };
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	struct mq_attr attr = { .mq_maxmsg = 2, .mq_msgsize = sizeof(sh->data) };
	int p[2];

	memset((void *)sh, 0, sizeof(*sh));
	if (pipe(p) || socketpair(AF_UNIX, SOCK_STREAM, 0, sv))
		exit(1);
	rd = p[0];
	wr = p[1];
	snprintf(name, sizeof(name), "/tmp/xsc-restart-%d", getpid());
	if (row->wait == w_fifo)
		mkfifo(name, 0600);
	if (row->wait == w_flock || row->wait == w_fcntl_lock) {
		lock_fd = open(name, O_CREAT | O_RDWR, 0600);
		if (row->wait == w_flock)
			flock(lock_fd, LOCK_EX);
		else
			fcntl(lock_fd, F_SETLK, &fl);
		other_lock_fd = open(name, O_RDWR);
	}
	if (row->wait == w_accept) {
		strcpy(un.sun_path, name);
		listener = socket(AF_UNIX, SOCK_STREAM, 0);
		t_ok(!bind(listener, (struct sockaddr *)&un, sizeof(un)) && !listen(listener, 4),
		     "listening");
	}
	sem_id = semget(IPC_PRIVATE, 1, 0600);
	msg_id = msgget(IPC_PRIVATE, 0600);
	if (row->wait == w_mq) {
		snprintf(name, sizeof(name), "/xsc-restart-%d", getpid());
		mq = mq_open(name, O_CREAT | O_RDWR, 0600, &attr);
	}
}

static void tear_down(const struct row *row)
{
	close(rd);
	close(wr);
	close(sv[0]);
	close(sv[1]);
	semctl(sem_id, 0, IPC_RMID);
	msgctl(msg_id, IPC_RMID, NULL);
	if (row->wait == w_mq) {
		mq_close(mq);
		mq_unlink(name);
	} else {
		unlink(name);
	}
}

static void child(const struct row *row, int flags)
{
	struct sigaction sa = { .sa_handler = on_signal, .sa_flags = flags };

	sigaction(SIGUSR1, &sa, NULL);
	errno = 0;
	sh->result = row->wait();
	sh->error = errno;
	_exit(0);
}

static void await_hits(int n)
{
	for (int i = 0; i < 3000 && sh->hits < n; i++)
		t_sleep_ms(1);
}

static void run(const struct row *row, int flags, int signals)
{
	bool restart = row->restarts && flags;
	char text[96];
	pid_t pid;

	set_up(row);
	pid = fork();
	if (!pid)
		child(row, flags);
	for (int i = 1; i <= signals; i++) {
		t_wait_settled(pid);
		kill(pid, SIGUSR1);
		await_hits(i);
		if (!restart)
			break;
	}
	if (restart) {
		t_wait_blocked(pid);
		row->release();
	}
	snprintf(text, sizeof(text), "%s%s", row->name, flags ? " with SA_RESTART" : "");
	t_eq(t_wait_code(pid), 0, text);
	if (restart) {
		t_ok(sh->result >= 0, "  went on after the handlers");
		t_eq(sh->hits, signals, "  each signal was handled once");
		if (row->wait == w_read || row->wait == w_recv || row->wait == w_mq)
			t_eq(sh->data[0], 'R', "  and got what was sent");
	} else if (row->wait == w_write) {
		/* 64 KiB went in before the signal: a short count, not EINTR. */
		t_eq(sh->result, 65536, "  reports what was written");
	} else {
		t_ok(sh->result == -1 && sh->error == EINTR, "  ended with EINTR");
		t_eq(sh->hits, 1, "  the signal was handled once");
	}
	tear_down(row);
}

int main(int argc, char **argv)
{
	t_init(argc, argv);
	sh = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		run(&rows[i], 0, 1);
		run(&rows[i], SA_RESTART, 3);
	}
	return t_done();
}
