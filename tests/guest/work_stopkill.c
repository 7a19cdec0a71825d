// SPDX-License-Identifier: MIT
/*
 * Description: hot and waiting processes stop for SIGSTOP, do nothing then, and go on; SIGKILL of
 * a hot process with threads is complete when wait returns: its locks are free, its pipes closed.
 */
#include "work.h"

#include <sys/file.h>

static volatile long *ticks;

static void loop_hot(void)
{
	for (;;) {
		getppid();
		(*ticks)++;
	}
}

static bool moves(void)
{
	long before = *ticks;

	for (int i = 0; i < 5000 && *ticks == before; i++)
		t_sleep_ms(1);
	return *ticks != before;
}

static void stop(pid_t pid)
{
	int status = 0;

	W_CHECK(!kill(pid, SIGSTOP));
	W_CHECK(waitpid(pid, &status, WUNTRACED) == pid);
	W_CHECK(WIFSTOPPED(status) && WSTOPSIG(status) == SIGSTOP);
}

static void resume(pid_t pid)
{
	int status = 0;

	W_CHECK(!kill(pid, SIGCONT));
	W_CHECK(waitpid(pid, &status, WCONTINUED) == pid && WIFCONTINUED(status));
}

static void test_stop_hot(int rounds, int threads)
{
	pid_t pid = fork();
	char name[64];

	if (!pid) {
		pthread_t t;

		for (int i = 1; i < threads; i++)
			W_MUST(!pthread_create(&t, NULL, w_busy, NULL));
		loop_hot();
	}
	for (int i = 0; i < rounds; i++) {
		long at;

		W_CHECK(moves());
		stop(pid);
		at = *ticks;
		t_sleep_ms(5);
		W_CHECK(*ticks == at);
		resume(pid);
	}
	W_CHECK(moves());
	kill(pid, SIGKILL);
	W_CHECK(t_wait_code(pid) == 128 + SIGKILL);
	snprintf(name, sizeof(name), "stops of a hot process, threads: %d", threads);
	w_report(name);
}

/* One byte for each stop, of which none may be lost or read twice. */
static void test_stop_waiting(int rounds)
{
	int to[2], from[2];
	pid_t pid;
	char in, out;

	W_MUST(!pipe(to) && !pipe(from));
	pid = fork();
	if (!pid) {
		w_hot();
		while (read(to[0], &in, 1) == 1)
			if (write(from[1], &in, 1) != 1)
				break;
		_exit(1);
	}
	for (int i = 0; i < rounds; i++) {
		W_CHECK(t_wait_blocked(pid));
		stop(pid);
		in = (char)i;
		W_CHECK(write(to[1], &in, 1) == 1);
		resume(pid);
		W_CHECK(read(from[0], &out, 1) == 1 && out == in);
	}
	kill(pid, SIGKILL);
	W_CHECK(t_wait_code(pid) == 128 + SIGKILL);
	for (int i = 0; i < 2; i++)
		W_CHECK(!close(to[i]) && !close(from[i]));
	w_report("stops of a process that waits in read");
}

static void hold_and_run(int locked, int owned, int ready)
{
	struct flock lock = { .l_type = F_WRLCK };
	pthread_t t;

	W_MUST(!flock(locked, LOCK_EX) && !fcntl(owned, F_SETLK, &lock));
	for (int i = 0; i < 2; i++)
		W_MUST(!pthread_create(&t, NULL, w_busy, NULL));
	w_hot();
	W_MUST(write(ready, "x", 1) == 1);
	w_busy(NULL);
}

static void test_kill(int rounds)
{
	for (int i = 0; i < rounds; i++) {
		int ready[2], locked = open("locked", O_RDWR | O_CLOEXEC);
		int owned = open("owned", O_RDWR | O_CLOEXEC);
		struct flock lock = { .l_type = F_WRLCK };
		pid_t pid;
		char c;

		W_MUST(locked >= 0 && owned >= 0 && !pipe2(ready, O_CLOEXEC));
		pid = fork();
		if (!pid) {
			/* An open file of its own: the parent's is not to hold the lock. */
			locked = open("locked", O_RDWR | O_CLOEXEC);
			hold_and_run(locked, owned, ready[1]);
		}
		close(ready[1]);
		W_CHECK(read(ready[0], &c, 1) == 1);
		W_CHECK(flock(locked, LOCK_EX | LOCK_NB) == -1 && errno == EWOULDBLOCK);
		W_CHECK(fcntl(owned, F_SETLK, &lock) == -1 && errno == EAGAIN);
		fcntl(ready[0], F_SETFL, O_NONBLOCK);
		usleep((useconds_t)(i * 97 % 3000));
		kill(pid, SIGKILL);
		W_CHECK(t_wait_code(pid) == 128 + SIGKILL);
		W_CHECK(read(ready[0], &c, 1) == 0);
		W_CHECK(flock(locked, LOCK_EX | LOCK_NB) == 0);
		W_CHECK(fcntl(owned, F_SETLK, &lock) == 0);
		W_CHECK(!close(ready[0]) && !close(locked) && !close(owned));
	}
	w_report("SIGKILL of three hot threads: locks and pipe are free when wait returns");
}

int main(int argc, char **argv)
{
	const char *dir;

	w_init(argc, argv);
	ticks = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	dir = w_scratch();
	w_file("locked", 0600, getuid(), getgid());
	w_file("owned", 0600, getuid(), getgid());
	w_need_worker();
	test_stop_hot((int)t_option("--stops", 50), 1);
	test_stop_hot((int)t_option("--stops", 50), 3);
	test_stop_waiting((int)t_option("--stops", 50));
	test_kill((int)t_option("--rounds", 100));
	w_remove(dir);
	return t_done();
}
