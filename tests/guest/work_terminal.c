// SPDX-License-Identifier: MIT
/*
 * Description: a terminal treats a hot process as any other: /dev/tty is its own, job control
 * stops it when it reads or writes in the background, the signals of keys reach it, once each.
 */
#include "work.h"

#include <sys/ioctl.h>
#include <termios.h>

static int rounds, master = -1;
static char slave[64];
static volatile long *lines;

/*
 * A new one for each test, for the end of a session hangs it up. No echo: what the master reads is
 * what the processes have written.
 */
static void open_terminal(void)
{
	static int held = -1;
	struct termios settings;

	close(held);
	close(master);
	master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
	W_MUST(master >= 0 && !grantpt(master) && !unlockpt(master));
	W_MUST(!ptsname_r(master, slave, sizeof(slave)));
	held = open(slave, O_RDWR | O_NOCTTY | O_CLOEXEC);
	W_MUST(held >= 0 && !tcgetattr(held, &settings));
	settings.c_lflag &= ~(tcflag_t)ECHO;
	W_MUST(!tcsetattr(held, TCSANOW, &settings));
}

/* In a session of its own, with the terminal; a group of its own in it, in front or not. */
static void take_terminal(void)
{
	int fd;

	W_MUST(setsid() > 0);
	fd = open(slave, O_RDWR | O_CLOEXEC);
	W_MUST(fd >= 0 && !ioctl(fd, TIOCSCTTY, 0));
	W_MUST(dup2(fd, 0) == 0);
	close(fd);
}

static void read_lines(void)
{
	char line[16];
	int tty = open("/dev/tty", O_RDWR | O_CLOEXEC);

	W_CHECK(tty >= 0 && tcgetpgrp(tty) == getpgrp());
	for (int i = 0; i < rounds; i++) {
		w_hot();
		W_CHECK(read(i & 1 ? tty : 0, line, sizeof(line)) == 2 && line[0] == 'a' + i % 26);
		(*lines)++;
	}
	w_add_served();
	_exit(0);
}

/* One line each, and each of them is read once. */
static void test_reading(void)
{
	pid_t pid;
	char c;

	open_terminal();
	*lines = 0;
	pid = fork();
	if (!pid) {
		take_terminal();
		W_MUST(write(0, "r", 1) == 1);
		read_lines();
	}
	W_CHECK(read(master, &c, 1) == 1 && c == 'r');
	for (int i = 0; i < rounds; i++) {
		char text[2] = { (char)('a' + i % 26), '\n' };

		W_CHECK(write(master, text, 2) == 2);
		for (int k = 0; k < 5000 && *lines == i; k++)
			t_sleep_ms(1);
		W_CHECK(*lines == i + 1);
	}
	W_CHECK(t_wait_code(pid) == 0);
	w_report("lines from the own terminal and from /dev/tty");
}

/* Runs body in the background of a session; its parent, in front, sees how it stops. */
static void leader(void (*body)(void), int sig)
{
	struct termios settings;
	int status;
	pid_t pid;

	take_terminal();
	W_MUST(!tcgetattr(0, &settings));
	settings.c_lflag |= TOSTOP;
	W_MUST(!tcsetattr(0, TCSANOW, &settings));
	for (int i = 0; i < rounds; i++) {
		pid = fork();
		if (!pid) {
			setpgid(0, 0);
			w_hot();
			body();
			_exit(1);
		}
		W_CHECK(waitpid(pid, &status, WUNTRACED) == pid);
		W_CHECK(WIFSTOPPED(status) && WSTOPSIG(status) == sig);
		kill(pid, SIGKILL);
		W_CHECK(t_wait_code(pid) == 128 + SIGKILL);
	}
	_exit(0);
}

static void read_behind(void)
{
	char c;

	read(0, &c, 1);
}

static void write_behind(void) { write(0, "x", 1); }

static void set_behind(void)
{
	struct termios settings;

	tcgetattr(0, &settings);
	tcsetattr(0, TCSANOW, &settings);
}

static void test_behind(const char *name, void (*body)(void), int sig)
{
	pid_t pid;

	open_terminal();
	pid = fork();
	if (!pid)
		leader(body, sig);
	W_CHECK(t_wait_code(pid) == 0);
	w_report(name);
}

static volatile sig_atomic_t keys;

static void on_key(int sig)
{
	(void)sig;
	keys++;
}

/* Keys while it makes calls without pause. */
static void count_keys(void)
{
	take_terminal();
	signal(SIGINT, on_key);
	W_MUST(write(0, "r", 1) == 1);
	while (keys < rounds) {
		getppid();
		*lines = keys;
	}
	*lines = keys;
	w_add_served();
	_exit(0);
}

static void test_keys(void)
{
	pid_t pid;
	char c;

	open_terminal();
	*lines = 0;
	pid = fork();
	if (!pid)
		count_keys();
	W_CHECK(read(master, &c, 1) == 1 && c == 'r');
	for (int i = 0; i < rounds; i++) {
		W_CHECK(write(master, "\003", 1) == 1);
		for (int k = 0; k < 5000 && *lines == i; k++)
			t_sleep_ms(1);
		W_CHECK(*lines == i + 1);
	}
	W_CHECK(t_wait_code(pid) == 0);
	w_report("a key that interrupts is one signal to a hot process");
}

int main(int argc, char **argv)
{
	w_init(argc, argv);
	rounds = (int)t_option("--rounds", 30);
	lines = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	W_MUST(lines != MAP_FAILED);
	w_need_worker();
	test_reading();
	test_behind("a read in the background stops the process", read_behind, SIGTTIN);
	test_behind("a write in the background stops the process", write_behind, SIGTTOU);
	test_behind("so does a change of settings", set_behind, SIGTTOU);
	test_keys();
	w_report_served();
	return t_done();
}
