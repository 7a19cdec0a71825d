// SPDX-License-Identifier: MIT
/*
 * The guest agent of `xsc vm exec`. It runs as PID 1, or as a service of the system's own init, obeys one JSON object
 * per line on the virtio-serial port xsc.control, and answers in kind:
 *
 *   agent  {"type":"hello","protocol":1,"pid":1,"kernel":"6.1.0"}
 *   host   {"type":"mount","tag":"xsc-share0","path":"/mnt"}         -> {"type":"mounted","tag":..,"error":0}
 *   host   {"type":"start","run":1,"argv":[..],"env":{..},"cwd":"/","stdin":true}
 *                                        -> {"type":"started","run":1,"pid":42} or {"type":"failed","run":1,"error":2}
 *   agent  {"type":"exit","run":1,"status":"exited","code":0,"stdout":12,"stderr":0}
 *   host   {"type":"kill","run":1,"signal":9}
 *   host   {"type":"poweroff"}                                       -> {"type":"bye"}, and the machine powers off
 *
 * stdout and stderr travel on ports of their own, as they are. The exit message says how many bytes each carried, so
 * the host knows when it has them all. Errors are errno values. Runs are numbered from 1 upwards, one at a time.
 */
#include "agent.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#define PORT_WAIT_MS 20000

static struct command command;
static struct stream out, err;
static struct input input;
static int control = -1;
static bool adopted;

/* Messages are short; the port blocks while the host is behind, which is what we want. */
static void __attribute__((format(printf, 1, 2))) tell(const char *format, ...)
{
	char line[1024];
	va_list args;
	int length;

	va_start(args, format);
	length = vsnprintf(line, sizeof(line), format, args);
	va_end(args);
	for (int done = 0; done < length;) {
		ssize_t n = write(control, line + done, (size_t)(length - done));

		if (n > 0) {
			done += (int)n;
		} else if (n < 0 && errno == EAGAIN) {
			struct pollfd wait = { .fd = control, .events = POLLOUT };

			poll(&wait, 1, -1);
		} else if (n < 0 && errno != EINTR) {
			return;
		}
	}
}

static void start_command(const struct json *request)
{
	uint32_t run = (uint32_t)json_int(request, "run", 0);
	int error = command.run ? EBUSY : command_start(&command, request);

	/* From here on frames of this run are accepted, and dropped if nobody reads them. */
	input.run = run;
	if (error) {
		tell("{\"type\":\"failed\",\"run\":%u,\"error\":%d}\n", run, error);
		return;
	}
	out.pipe = command.out;
	err.pipe = command.err;
	out.sent = err.sent = 0;
	input.pipe = command.in;
	/* The end of its input may be read already: no event of the port would bring it up again. */
	input_move(&input);
	tell("{\"type\":\"started\",\"run\":%u,\"pid\":%d}\n", run, command.pid);
}

static void kill_command(const struct json *request)
{
	if (!command.run || json_int(request, "run", 0) != command.run)
		return;
	/* The command leads a session: its children of the same process group go with it. */
	kill(-command.pid, (int)json_int(request, "signal", SIGKILL));
}

static void finish_command(int status)
{
	bool signaled = WIFSIGNALED(status);

	stream_finish(&out);
	stream_finish(&err);
	input_close(&input);
	tell("{\"type\":\"exit\",\"run\":%u,\"status\":\"%s\",\"code\":%d,\"stdout\":%llu,\"stderr\":%llu}\n", command.run,
	     signaled ? "signaled" : "exited", signaled ? WTERMSIG(status) : WEXITSTATUS(status),
	     (unsigned long long)out.sent, (unsigned long long)err.sent);
	command.run = 0;
}

static void mount_share(const struct json *request)
{
	const char *tag = json_string(request, "tag", ""), *path = json_string(request, "path", "");

	tell("{\"type\":\"mounted\",\"tag\":\"%s\",\"error\":%d}\n", tag, -system_mount_share(tag, path));
}

static void obey(char *line)
{
	struct json *request = json_parse(line);
	const char *type = json_string(request, "type", "");

	if (!strcmp(type, "start")) {
		start_command(request);
	} else if (!strcmp(type, "kill")) {
		kill_command(request);
	} else if (!strcmp(type, "mount")) {
		mount_share(request);
	} else if (!strcmp(type, "poweroff")) {
		tell("{\"type\":\"bye\"}\n");
		if (adopted)
			exit(0);
		system_power_off();
	} else {
		tell("{\"type\":\"error\",\"text\":\"message not understood\"}\n");
	}
	json_free(request);
}

/* A line may come in pieces and may be as long as the longest argument list. */
static void read_control(void)
{
	static char *text;
	static size_t fill, size;
	char *end;
	ssize_t n;

	if (size - fill < 4096) {
		char *larger = realloc(text, size + 65536);

		if (!larger)
			return;
		text = larger;
		size += 65536;
	}
	n = read(control, text + fill, size - fill);
	if (n <= 0)
		return;
	fill += (size_t)n;
	while ((end = memchr(text, '\n', fill))) {
		size_t length = (size_t)(end - text) + 1;

		*end = '\0';
		obey(text);
		fill -= length;
		memmove(text, text + length, fill);
	}
}

static void reap(int signals)
{
	struct signalfd_siginfo info;
	pid_t pid;
	int status;

	while (read(signals, &info, sizeof(info)) > 0)
		;
	/* As PID 1 this reaps orphans as well. */
	while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
		if (command.run && pid == command.pid)
			finish_command(status);
}

static void serve(int signals)
{
	for (;;) {
		struct pollfd fds[5] = { { .fd = control, .events = POLLIN }, { .fd = signals, .events = POLLIN } };

		fds[2].events = stream_events(&out, &fds[2].fd);
		fds[3].events = stream_events(&err, &fds[3].fd);
		fds[4].events = input_events(&input, &fds[4].fd);
		if (poll(fds, 5, -1) < 0)
			continue;
		if (fds[2].revents)
			stream_move(&out, sizeof(out.buffer));
		if (fds[3].revents)
			stream_move(&err, sizeof(err.buffer));
		if (fds[4].revents)
			input_move(&input);
		if (fds[0].revents)
			read_control();
		/* Last: what the command wrote before it ended has been seen in this round or is still in its pipe. */
		if (fds[1].revents)
			reap(signals);
	}
}

static int open_signals(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	sigprocmask(SIG_BLOCK, &set, NULL);
	signal(SIGPIPE, SIG_IGN);
	return signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
}

/* Four numbers as arguments: descriptors to use instead of ports. So the agent is tested without a machine. */
static int adopt_ports(char **numbers)
{
	int *const ports[] = { &control, &input.port, &out.port, &err.port };

	for (size_t i = 0; i < 4; i++) {
		*ports[i] = atoi(numbers[i]);
		if (fcntl(*ports[i], F_SETFL, O_NONBLOCK) || fcntl(*ports[i], F_SETFD, FD_CLOEXEC))
			return -1;
	}
	return 0;
}

static int open_ports(void)
{
	control = port_open("xsc.control", O_RDWR | O_NONBLOCK, PORT_WAIT_MS);
	out.port = port_open("xsc.stdout", O_WRONLY | O_NONBLOCK, PORT_WAIT_MS);
	err.port = port_open("xsc.stderr", O_WRONLY | O_NONBLOCK, PORT_WAIT_MS);
	input.port = port_open("xsc.stdin", O_RDONLY | O_NONBLOCK, PORT_WAIT_MS);
	return control < 0 || out.port < 0 || err.port < 0 || input.port < 0 ? -1 : 0;
}

int main(int argc, char **argv)
{
	struct utsname name;
	int signals;

	adopted = argc == 5;

	out.pipe = err.pipe = input.pipe = -1;
	if (system_wants_init()) {
		system_exec_init();
		perror("xsc-agent: cannot hand over to /sbin/init");
		return 1;
	}
	if (system_is_init())
		system_prepare();
	signals = open_signals();
	if (signals < 0 || (adopted ? adopt_ports(argv + 1) : open_ports())) {
		fprintf(stderr, "xsc-agent: no virtio-serial ports\n");
		return 1;
	}
	uname(&name);
	tell("{\"type\":\"hello\",\"protocol\":%d,\"pid\":%d,\"kernel\":\"%s\"}\n", AGENT_PROTOCOL, getpid(), name.release);
	serve(signals);
}
