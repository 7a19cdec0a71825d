// SPDX-License-Identifier: MIT
/* Starts one command as root, in a session of its own, with pipes for its three streams. */
#define _GNU_SOURCE /* pipe2 */
#include "agent.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

/* Both ends of the pipes: [0] is read from, [1] written to. */
struct pipes {
	int in[2], out[2], err[2], failure[2];
};

static void close_end(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

static void close_pair(int pair[2])
{
	close_end(&pair[0]);
	close_end(&pair[1]);
}

static int open_pipes(struct pipes *p, bool with_input)
{
	int error;

	*p = (struct pipes){ { -1, -1 }, { -1, -1 }, { -1, -1 }, { -1, -1 } };
	if (!pipe2(p->out, O_CLOEXEC) && !pipe2(p->err, O_CLOEXEC) && !pipe2(p->failure, O_CLOEXEC) &&
	    (!with_input || !pipe2(p->in, O_CLOEXEC)))
		return 0;
	error = errno;
	close_pair(p->in);
	close_pair(p->out);
	close_pair(p->err);
	close_pair(p->failure);
	return error;
}

static void set_environment(const struct json *env)
{
	const struct json *item;

	clearenv();
	setenv("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", 1);
	setenv("HOME", "/root", 1);
	setenv("USER", "root", 1);
	setenv("LOGNAME", "root", 1);
	setenv("SHELL", "/bin/sh", 1);
	setenv("LANG", "C.UTF-8", 1);
	setenv("TERM", "dumb", 1);
	for (item = env ? env->child : NULL; item; item = item->next)
		if (item->key && item->kind == JSON_STRING)
			setenv(item->key, item->string, 1);
}

/* The agent blocks and ignores signals for its own use; a command starts as init would start it. */
static void reset_signals(void)
{
	sigset_t none;

	for (int sig = 1; sig < NSIG; sig++)
		signal(sig, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

static void run_child(const struct json *request, struct pipes *p, char **argv)
{
	const char *cwd = json_string(request, "cwd", NULL);
	int input = p->in[0] >= 0 ? p->in[0] : open("/dev/null", O_RDONLY | O_CLOEXEC);
	int error;

	setsid();
	set_environment(json_get(request, "env"));
	if (input >= 0 && dup2(input, 0) == 0 && dup2(p->out[1], 1) == 1 && dup2(p->err[1], 2) == 2) {
		/* Without a wish of the host's, a missing /root is no reason to fail. */
		if (cwd ? !chdir(cwd) : (!chdir("/root") || !chdir("/"))) {
			reset_signals();
			execvp(argv[0], argv);
		}
	}
	error = errno;
	if (write(p->failure[1], &error, sizeof(error)) < 0)
		_exit(126);
	_exit(127);
}

static char **build_argv(const struct json *list)
{
	size_t count = json_length(list), i = 0;
	char **argv = calloc(count + 1, sizeof(*argv));

	if (!argv)
		return NULL;
	for (const struct json *item = list ? list->child : NULL; item; item = item->next)
		if (item->kind == JSON_STRING)
			argv[i++] = (char *)item->string;
	if (i == count && count)
		return argv;
	free(argv);
	errno = EINVAL;
	return NULL;
}

static int own_end(int fd)
{
	fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
	return fd;
}

int command_start(struct command *c, const struct json *request)
{
	char **argv = build_argv(json_get(request, "argv"));
	struct pipes p;
	int error;
	pid_t pid;

	if (!argv)
		return errno;
	error = open_pipes(&p, json_bool(request, "stdin", false));
	if (error)
		goto free_argv;
	pid = fork();
	if (pid == 0)
		run_child(request, &p, argv);
	error = pid < 0 ? errno : 0;
	close_end(&p.in[0]);
	close_end(&p.out[1]);
	close_end(&p.err[1]);
	close_end(&p.failure[1]);
	/* A successful exec closes the other end without a word. The child is reaped by the main loop either way. */
	if (pid > 0 && read(p.failure[0], &error, sizeof(error)) != (ssize_t)sizeof(error))
		error = 0;
	close_pair(p.failure);
	if (error) {
		close_pair(p.in);
		close_pair(p.out);
		close_pair(p.err);
		goto free_argv;
	}
	*c = (struct command){
		.run = (uint32_t)json_int(request, "run", 0),
		.pid = pid,
		.out = own_end(p.out[0]),
		.err = own_end(p.err[0]),
		.in = p.in[1] >= 0 ? own_end(p.in[1]) : -1,
	};
free_argv:
	free(argv);
	return error;
}
