// SPDX-License-Identifier: MIT
/*
 * Description: who is told which thread makes a call hears of the thread that makes it, whoever
 * executes it: fanotify with FAN_REPORT_TID, the server of a FUSE file system, the daemon of autofs.
 */
#include "work.h"

#include <linux/auto_fs.h>
#include <linux/fuse.h>
#include <poll.h>
#include <sys/fanotify.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>

#define THREADS 2	/* the first one among them */
#define FIRST_NODE 2	/* of FUSE, by thread; 1 is the root */

static const char *const names[THREADS] = { "of-first", "of-second" };
static int rounds;

/* Shared with servers: which thread uses a name, and what they were told. */
struct ledger {
	volatile pid_t tid[THREADS];
	volatile pid_t tgid;
	volatile long told[THREADS];
	volatile long wrong;
	volatile pid_t last_wrong;
};

static struct ledger *ledger;

static void note_pid(int who, pid_t pid)
{
	__atomic_add_fetch(&ledger->told[who], 1, __ATOMIC_SEQ_CST);
	if (pid == ledger->tid[who])
		return;
	ledger->last_wrong = pid;
	__atomic_add_fetch(&ledger->wrong, 1, __ATOMIC_SEQ_CST);
}

static int thread_of(const char *name)
{
	for (int i = 0; i < THREADS; i++)
		if (!strcmp(name, names[i]))
			return i;
	return -1;
}

/* Both threads use files of their own at the same time; `use` gets the path. */
struct user {
	int who;
	void (*use)(const char *path);
	char path[128];
};

static void *use_hot(void *arg)
{
	struct user *u = arg;

	ledger->tid[u->who] = gettid();
	for (int i = 0; i < rounds; i++) {
		w_hot();
		for (int k = 0; k < 8; k++)
			u->use(u->path);
	}
	w_add_served();
	return NULL;
}

static void use_by_threads(const char *dir, void (*use)(const char *path))
{
	struct user users[THREADS];
	pthread_t t;

	memset(ledger, 0, sizeof(*ledger));
	ledger->tgid = getpid();
	for (int i = 0; i < THREADS; i++) {
		users[i] = (struct user){ .who = i, .use = use };
		snprintf(users[i].path, sizeof(users[i].path), "%s/%s", dir, names[i]);
	}
	W_MUST(!pthread_create(&t, NULL, use_hot, &users[1]));
	use_hot(&users[0]);
	pthread_join(t, NULL);
}

static void report(const char *name)
{
	for (int i = 0; i < THREADS; i++)
		W_CHECK(ledger->told[i] > 0);
	if (ledger->wrong)
		t_note("process %d, threads %d and %d, but was told of %d", ledger->tgid,
		       ledger->tid[0], ledger->tid[1], ledger->last_wrong);
	W_CHECK(ledger->wrong == 0);
	w_report(name);
}

/* fanotify */

static void open_and_write(const char *path)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	W_CHECK(fd >= 0 && pwrite(fd, "x", 1, 0) == 1);
	W_CHECK(close(fd) == 0);
}

static void read_events(int group)
{
	struct fanotify_event_metadata events[64];
	char link[32], path[256];
	ssize_t n;

	while ((n = read(group, events, sizeof(events))) > 0) {
		struct fanotify_event_metadata *e = events;

		for (; FAN_EVENT_OK(e, n); e = FAN_EVENT_NEXT(e, n)) {
			ssize_t size;

			snprintf(link, sizeof(link), "/proc/self/fd/%d", e->fd);
			size = readlink(link, path, sizeof(path) - 1);
			path[size > 0 ? size : 0] = 0;
			note_pid(thread_of(strrchr(path, '/') + 1), e->pid);
			close(e->fd);
		}
	}
}

static void *listen_to_events(void *arg)
{
	struct pollfd group = { .fd = *(int *)arg, .events = POLLIN };

	while (poll(&group, 1, -1) == 1 && group.fd == *(volatile int *)arg)
		read_events(group.fd);
	return NULL;
}

static void test_fanotify(const char *dir)
{
	int group = fanotify_init(FAN_CLASS_NOTIF | FAN_REPORT_TID | FAN_UNLIMITED_QUEUE | FAN_NONBLOCK,
				  O_RDONLY | O_CLOEXEC);
	pthread_t t;

	if (group < 0) {
		t_skip("fanotify", "there is none, or not for us");
		return;
	}
	for (int i = 0; i < THREADS; i++) {
		w_file(names[i], 0600, getuid(), getgid());
		W_MUST(!fanotify_mark(group, FAN_MARK_ADD, FAN_OPEN | FAN_MODIFY | FAN_CLOSE_WRITE,
				      AT_FDCWD, names[i]));
	}
	W_MUST(!pthread_create(&t, NULL, listen_to_events, &group));
	use_by_threads(dir, open_and_write);
	t_sleep_ms(100);
	pthread_cancel(t);
	pthread_join(t, NULL);
	read_events(group);
	close(group);
	report("fanotify with FAN_REPORT_TID");
}

/* FUSE: a server that knows a directory and a file for each thread. */

static struct fuse_attr attributes(uint64_t node)
{
	bool root = node == FUSE_ROOT_ID;

	return (struct fuse_attr){
		.ino = node, .mode = root ? S_IFDIR | 0755 : S_IFREG | 0644, .nlink = 1,
		.blksize = 4096,
	};
}

static void answer_fuse(int fd, const struct fuse_in_header *in, int error, const void *data,
			size_t size)
{
	static char text[1024];
	bool sent;
	struct fuse_out_header out = {
		.len = (uint32_t)(sizeof(out) + (error ? 0 : size)), .error = -error,
		.unique = in->unique,
	};

	memcpy(text, &out, sizeof(out));
	if (!error)
		memcpy(text + sizeof(out), data, size);
	sent = write(fd, text, out.len) == (ssize_t)out.len;
	/* close() does not wait for this one: by now all may have been unmounted. */
	W_CHECK(sent || (in->opcode == FUSE_RELEASE && errno == ENOENT));
}

static void answer_lookup(int fd, const struct fuse_in_header *in, const char *name)
{
	struct fuse_entry_out entry = { .generation = 1 };
	int who = thread_of(name);

	if (who < 0) {
		answer_fuse(fd, in, ENOENT, NULL, 0);
		return;
	}
	note_pid(who, (pid_t)in->pid);
	entry.nodeid = (uint64_t)(FIRST_NODE + who);
	entry.attr = attributes(entry.nodeid);
	answer_fuse(fd, in, 0, &entry, sizeof(entry));
}

static void serve_fuse_request(int fd, const struct fuse_in_header *in)
{
	struct fuse_init_out init = {
		.major = FUSE_KERNEL_VERSION, .minor = FUSE_KERNEL_MINOR_VERSION, .max_write = 4096,
	};
	struct fuse_attr_out attr = { .attr = attributes(in->nodeid) };
	struct fuse_open_out opened = { .fh = 1, .open_flags = FOPEN_DIRECT_IO };
	const void *data = in + 1;

	/* A request of the root may come from whoever looks the name up. */
	if (in->nodeid >= FIRST_NODE && in->opcode != FUSE_RELEASE && in->opcode != FUSE_FORGET &&
	    in->opcode != FUSE_FLUSH)
		note_pid((int)in->nodeid - FIRST_NODE, (pid_t)in->pid);
	switch (in->opcode) {
	case FUSE_INIT:
		answer_fuse(fd, in, 0, &init, sizeof(init));
		break;
	case FUSE_LOOKUP:
		answer_lookup(fd, in, data);
		break;
	case FUSE_GETATTR:
		answer_fuse(fd, in, 0, &attr, sizeof(attr));
		break;
	case FUSE_OPEN:
		answer_fuse(fd, in, 0, &opened, sizeof(opened));
		break;
	case FUSE_READ:
		answer_fuse(fd, in, 0, "text", 4);
		break;
	case FUSE_FLUSH:
	case FUSE_RELEASE:
	case FUSE_ACCESS:
		answer_fuse(fd, in, 0, NULL, 0);
		break;
	case FUSE_FORGET:
	case FUSE_BATCH_FORGET:
	case FUSE_INTERRUPT:
		break;
	default:
		answer_fuse(fd, in, ENOSYS, NULL, 0);
	}
}

static void serve_fuse(int fd)
{
	static uint64_t request[16384];
	ssize_t n;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	/* ENODEV when it is unmounted. */
	while ((n = read(fd, request, sizeof(request))) > 0 || errno == EINTR || errno == ENOENT)
		if (n >= (ssize_t)sizeof(struct fuse_in_header))
			serve_fuse_request(fd, (const struct fuse_in_header *)request);
	_exit(errno == ENODEV ? 0 : 1);
}

static void stat_and_read(const char *path)
{
	struct stat st;
	char data[8];
	int fd;

	W_CHECK(!stat(path, &st) && st.st_mode == (S_IFREG | 0644));
	fd = open(path, O_RDONLY | O_CLOEXEC);
	W_CHECK(fd >= 0 && read(fd, data, sizeof(data)) == 4 && !memcmp(data, "text", 4));
	W_CHECK(close(fd) == 0);
}

static void test_fuse(const char *dir)
{
	int fd = open("/dev/fuse", O_RDWR | O_CLOEXEC);
	char options[96], path[128];
	pid_t server;

	snprintf(options, sizeof(options), "fd=%d,rootmode=40000,user_id=%d,group_id=%d", fd, getuid(),
		 getgid());
	snprintf(path, sizeof(path), "%s/fuse", dir);
	W_MUST(!mkdir(path, 0755));
	if (fd < 0 || mount("none", path, "fuse", 0, options)) {
		t_skip("FUSE", "there is none, or not for us");
		return;
	}
	server = fork();
	if (!server)
		serve_fuse(fd);
	use_by_threads(path, stat_and_read);
	W_CHECK(!umount(path));
	close(fd);
	W_CHECK(t_wait_code(server) == 0);
	report("the server of a FUSE file system");
}

/* autofs: a daemon that refuses each name that it is asked for. */

static void serve_autofs(int fd, const char *path)
{
	struct autofs_v5_packet asked;
	int where = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	W_MUST(where >= 0);
	while (read(fd, &asked, sizeof(asked)) > 0) {
		int who = thread_of(asked.name);

		if (asked.hdr.type != autofs_ptype_missing_indirect)
			continue;
		if (who >= 0) {
			note_pid(who, (pid_t)asked.pid);
			W_CHECK((pid_t)asked.tgid == ledger->tgid);
		}
		W_CHECK(!ioctl(where, AUTOFS_IOC_FAIL, (long)asked.wait_queue_token));
	}
	_exit(0);
}

static void stat_nothing(const char *path)
{
	struct stat st;

	W_CHECK(stat(path, &st) == -1 && errno == ENOENT);
}

/* In a group of processes of its own: those of the daemon's group are not made to wait. */
static void ask_autofs(const char *path)
{
	pid_t pid = fork();

	if (!pid) {
		setpgid(0, 0);
		use_by_threads(path, stat_nothing);
		_exit(0);
	}
	W_CHECK(t_wait_code(pid) == 0);
}

static void test_autofs(const char *dir)
{
	char options[96], path[128];
	pid_t daemon;
	int p[2];

	W_MUST(!pipe2(p, O_DIRECT | O_CLOEXEC));
	snprintf(path, sizeof(path), "%s/autofs", dir);
	snprintf(options, sizeof(options), "fd=%d,pgrp=%d,minproto=5,maxproto=5,indirect", p[1],
		 getpgrp());
	W_MUST(!mkdir(path, 0755));
	if (mount("none", path, "autofs", 0, options)) {
		t_skip("autofs", "there is none, or not for us");
		return;
	}
	daemon = fork();
	if (!daemon) {
		close(p[1]);
		serve_autofs(p[0], path);
	}
	ask_autofs(path);
	kill(daemon, SIGKILL);
	W_CHECK(t_wait_code(daemon) == 128 + SIGKILL);
	close(p[0]);
	close(p[1]);
	W_CHECK(!umount(path));
	report("the daemon of autofs");
}

int main(int argc, char **argv)
{
	const char *dir;

	w_init(argc, argv);
	rounds = (int)t_option("--rounds", 20);
	ledger = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	W_MUST(ledger != MAP_FAILED);
	dir = w_scratch();
	w_need_worker();
	test_fanotify(dir);
	test_fuse(dir);
	test_autofs(dir);
	/* A worker that is earned needs a processor that nobody else wants. */
	if (strcmp(w_setting(), "auto"))
		w_report_served();
	w_remove(dir);
	return t_done();
}
