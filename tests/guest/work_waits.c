// SPDX-License-Identifier: MIT
/*
 * Description: many hot threads wait at once, each in a call that only another of them ends: nobody
 * needs a thread or a processor that is not there, and each wait ends once, by what it waited for;
 * so does the wait for a page that the program itself delivers.
 */
#include "work.h"

#include <linux/futex.h>
#include <linux/userfaultfd.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/un.h>

#define PAIRS 12
#define PAGE 4096

static int rounds;

/* What one of a pair does and the other waits for. */
struct kind {
	const char *name;
	void (*prepare)(int i);
	void (*wait)(int i);
	void (*wake)(int i);
	void (*rearm)(int i);
};

static int fds[PAIRS][2];
static uint32_t words[PAIRS];
static pthread_barrier_t turns[PAIRS];
static char path[PAIRS][32];

static void nothing(int i) { (void)i; }

static void make_pipe(int i) { W_MUST(!pipe2(fds[i], O_CLOEXEC)); }

static void read_byte(int i)
{
	char c = 0;

	W_CHECK(read(fds[i][0], &c, 1) == 1 && c == 'a' + i);
}

static void write_byte(int i)
{
	char c = (char)('a' + i);

	W_CHECK(write(fds[i][1], &c, 1) == 1);
}

static void make_fifo(int i)
{
	snprintf(path[i], sizeof(path[i]), "fifo-%d", i);
	W_MUST(!mkfifo(path[i], 0600));
}

static void open_to_read(int i)
{
	int fd = open(path[i], O_RDONLY | O_CLOEXEC);

	W_CHECK(fd >= 0 && close(fd) == 0);
}

static void open_to_write(int i)
{
	int fd = open(path[i], O_WRONLY | O_CLOEXEC);

	W_CHECK(fd >= 0 && close(fd) == 0);
}

/* Locked by one open file, wanted by another. */
static void hold_lock(int i)
{
	snprintf(path[i], sizeof(path[i]), "lock-%d", i);
	for (int k = 0; k < 2; k++)
		fds[i][k] = open(path[i], O_CREAT | O_RDWR | O_CLOEXEC, 0600);
	W_MUST(!flock(fds[i][1], LOCK_EX));
}

static void want_lock(int i)
{
	W_CHECK(flock(fds[i][0], LOCK_EX) == 0);
	W_CHECK(flock(fds[i][0], LOCK_UN) == 0);
}

static void give_lock(int i) { W_CHECK(flock(fds[i][1], LOCK_UN) == 0); }

static void take_lock(int i) { W_CHECK(flock(fds[i][1], LOCK_EX) == 0); }

static void wait_word(int i)
{
	while (__atomic_load_n(&words[i], __ATOMIC_SEQ_CST) == 0) {
		long res = syscall(SYS_futex, &words[i], FUTEX_WAIT_PRIVATE, 0, NULL);

		W_CHECK(res == 0 || errno == EAGAIN);
	}
	__atomic_store_n(&words[i], 0, __ATOMIC_SEQ_CST);
}

static void wake_word(int i)
{
	__atomic_store_n(&words[i], 1, __ATOMIC_SEQ_CST);
	W_CHECK(syscall(SYS_futex, &words[i], FUTEX_WAKE_PRIVATE, 1) >= 0);
}

static void make_listener(int i)
{
	struct sockaddr_un name = { .sun_family = AF_UNIX };

	snprintf(name.sun_path, sizeof(name.sun_path), "socket-%d", i);
	fds[i][0] = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	W_MUST(!bind(fds[i][0], (void *)&name, sizeof(name)) && !listen(fds[i][0], 5));
}

static void accept_one(int i)
{
	int fd = accept4(fds[i][0], NULL, NULL, SOCK_CLOEXEC);

	W_CHECK(fd >= 0 && close(fd) == 0);
}

static void connect_one(int i)
{
	struct sockaddr_un name = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	snprintf(name.sun_path, sizeof(name.sun_path), "socket-%d", i);
	W_CHECK(fd >= 0 && connect(fd, (void *)&name, sizeof(name)) == 0);
	W_CHECK(close(fd) == 0);
}

static void fork_and_wait(int i)
{
	pid_t pid = fork();

	if (!pid) {
		w_hot();
		_exit(3 + i);
	}
	W_CHECK(t_wait_code(pid) == 3 + i);
}

static const struct kind kinds[] = {
	{ "read of a pipe", make_pipe, read_byte, write_byte, nothing },
	{ "open of a FIFO", make_fifo, open_to_read, open_to_write, nothing },
	{ "flock", hold_lock, want_lock, give_lock, take_lock },
	{ "futex", nothing, wait_word, wake_word, nothing },
	{ "accept", make_listener, accept_one, connect_one, nothing },
	{ "wait for a child", nothing, fork_and_wait, nothing, nothing },
};

static const struct kind *kind;

/* The waiter comes first, mostly; who wakes it is hot meanwhile. */
static void *waiting(void *arg)
{
	int i = (int)(uintptr_t)arg;

	for (int k = 0; k < rounds; k++) {
		w_hot();
		pthread_barrier_wait(&turns[i]);
		kind->wait(i);
		pthread_barrier_wait(&turns[i]);
	}
	w_add_served();
	return NULL;
}

static void *waking(void *arg)
{
	int i = (int)(uintptr_t)arg;

	for (int k = 0; k < rounds; k++) {
		pthread_barrier_wait(&turns[i]);
		for (int n = 0; n < 50 * (k % 3); n++)
			getppid();
		kind->wake(i);
		pthread_barrier_wait(&turns[i]);
		kind->rearm(i);
	}
	w_add_served();
	return NULL;
}

static void all_pairs(void)
{
	pthread_t t[PAIRS][2];

	for (int i = 0; i < PAIRS; i++) {
		kind->prepare(i);
		pthread_barrier_init(&turns[i], NULL, 2);
	}
	for (int i = 0; i < PAIRS; i++) {
		void *arg = (void *)(uintptr_t)i;

		W_MUST(!pthread_create(&t[i][0], NULL, waiting, arg));
		W_MUST(!pthread_create(&t[i][1], NULL, waking, arg));
	}
	for (int i = 0; i < PAIRS; i++)
		for (int k = 0; k < 2; k++)
			pthread_join(t[i][k], NULL);
}

/* Pages of 'p', each delivered when somebody touches it, by a thread that is hot itself. */
static int delivering;
static volatile long delivered;

static void *deliver(void *arg)
{
	static char data[PAGE] __attribute__((aligned(PAGE)));
	struct uffd_msg message;

	(void)arg;
	memset(data, 'p', sizeof(data));
	while (read(delivering, &message, sizeof(message)) == sizeof(message)) {
		struct uffdio_copy copy = {
			.dst = message.arg.pagefault.address & ~(uint64_t)(PAGE - 1),
			.src = (uint64_t)(uintptr_t)data, .len = PAGE,
		};

		for (int i = 0; i < 100; i++)
			getppid();
		W_CHECK(ioctl(delivering, UFFDIO_COPY, &copy) == 0);
		delivered++;
	}
	return NULL;
}

/* The call that touches the page sleeps in the middle, and then goes on. */
static void touch_pages(char *pages)
{
	int p[2];

	W_MUST(!pipe(p));
	for (int i = 0; i < rounds; i++) {
		char got[8] = "";

		w_hot();
		W_CHECK(write(p[1], pages + (long)i * PAGE, sizeof(got)) == sizeof(got));
		W_CHECK(read(p[0], got, sizeof(got)) == sizeof(got));
		W_CHECK(!memcmp(got, "pppppppp", sizeof(got)));
	}
	for (int i = 0; i < 1000 && delivered < rounds; i++)
		t_sleep_ms(1);
	W_CHECK(delivered == rounds);
}

static void test_delivery(void)
{
	const char *name = "a page that another thread delivers to a call";
	size_t size = (size_t)rounds * PAGE;
	char *pages = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct uffdio_api api = { .api = UFFD_API };
	struct uffdio_register range = {
		.range = { (uint64_t)(uintptr_t)pages, size }, .mode = UFFDIO_REGISTER_MODE_MISSING,
	};
	pthread_t t;

	delivering = (int)syscall(SYS_userfaultfd, O_CLOEXEC);
	if (delivering < 0) {
		t_skip(name, "there is no userfaultfd, or not for us");
		return;
	}
	W_MUST(pages != MAP_FAILED && !ioctl(delivering, UFFDIO_API, &api));
	W_MUST(!ioctl(delivering, UFFDIO_REGISTER, &range));
	W_MUST(!pthread_create(&t, NULL, deliver, NULL));
	touch_pages(pages);
	w_report(name);
}

int main(int argc, char **argv)
{
	const char *dir;

	w_init(argc, argv);
	rounds = (int)t_option("--rounds", 40);
	dir = w_scratch();
	w_need_worker();
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		kind = &kinds[i];
		w_in_child(all_pairs);
		w_report(kind->name);
	}
	w_report_served();
	test_delivery();
	w_remove(dir);
	return t_done();
}
