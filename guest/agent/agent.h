/* SPDX-License-Identifier: MIT */
/* The guest half of `xsc vm exec`: what the files of the agent offer one another. */
#ifndef XSC_AGENT_H
#define XSC_AGENT_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "json.h"

/* Bumped when a host and an agent of different versions could misunderstand each other. */
#define AGENT_PROTOCOL 1

/* system.c: what PID 1 owes the system, and how it ends. */
void system_prepare(void);
bool system_is_init(void);
/* Hands PID 1 over to /sbin/init, with a unit that starts this agent again. Returns only on failure, with errno set. */
void system_exec_init(void);
/* True if the kernel command line asks for the handover above. */
bool system_wants_init(void);
/* 0 or -errno. Creates `path`. */
int system_mount_share(const char *tag, const char *path);
/* Never returns as PID 1. Elsewhere it asks the service manager and returns. */
void system_power_off(void);

/* port.c: the virtio-serial port called `name`, opened; waits for it up to `wait_ms`. -errno if it does not appear. */
int port_open(const char *name, int flags, int wait_ms);

/* stream.c: one output stream of the command, copied to a port and counted. */
struct stream {
	int pipe;		/* read end, -1 when closed */
	int port;
	uint64_t sent;		/* bytes of the present command written to the port */
	size_t fill, done;	/* bytes in `buffer`, and how many of them are written */
	char buffer[65536];
};

/* Events to poll for: POLLIN on the pipe or POLLOUT on the port, whichever moves this stream on. */
short stream_events(const struct stream *s, int *fd);
/* Moves what can be moved without blocking, `limit` bytes at most from the pipe. False when the pipe has ended. */
bool stream_move(struct stream *s, size_t limit);
/* Blocks until all that is in the pipe now has been written to the port, then closes the pipe. */
void stream_finish(struct stream *s);

/* input.c: frames of the stdin port, fed to the command's standard input. */
struct input {
	int port;
	int pipe;		/* write end, -1 when closed */
	uint32_t run;		/* the run that `pipe` belongs to */
	uint32_t frame_run;	/* header of the frame being read */
	uint32_t frame_left;
	unsigned char header[8];
	size_t header_fill;
	size_t fill, done;
	char buffer[65536];
};

short input_events(const struct input *in, int *fd);
void input_move(struct input *in);
void input_close(struct input *in);

/* command.c: one command at a time. */
struct command {
	uint32_t run;		/* id the host gave, 0 when idle */
	pid_t pid;
	int out, err, in;	/* our ends of its pipes; -1 where there is none */
};

/* 0, or the errno of the step that failed: nothing was started then. `request` is the host's `start` message. */
int command_start(struct command *c, const struct json *request);

#endif
