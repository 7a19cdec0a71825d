// SPDX-License-Identifier: MIT
/*
 * Standard input of the command. The stdin port carries frames, little endian: u32 run, u32 length, then the bytes;
 * length 0 is the end of that run's input. A frame of a run that is over is read and dropped. A frame of a run that
 * has not started yet stays in the port: the two ports race, and the start message may come second.
 */
#include "agent.h"

#include <endian.h>
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

short input_events(const struct input *in, int *fd)
{
	if (in->done < in->fill && in->pipe >= 0) {
		*fd = in->pipe;
		return POLLOUT;
	}
	if (in->header_fill == sizeof(in->header) && in->frame_run > in->run) {
		*fd = -1;
		return 0;
	}
	*fd = in->port;
	return POLLIN;
}

void input_close(struct input *in)
{
	if (in->pipe >= 0)
		close(in->pipe);
	in->pipe = -1;
	in->fill = in->done = 0;
}

static void input_write(struct input *in)
{
	while (in->done < in->fill && in->pipe >= 0) {
		ssize_t n = write(in->pipe, in->buffer + in->done, in->fill - in->done);

		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			return;
		if (n < 0) /* EPIPE: the command does not want it */
			input_close(in);
		else
			in->done += (size_t)n;
	}
	in->fill = in->done = 0;
}

/* Reads as much of the present header or body as there is. False when the port has nothing more to give now. */
static bool input_read(struct input *in)
{
	size_t want;
	ssize_t n;

	if (in->header_fill < sizeof(in->header)) {
		n = read(in->port, in->header + in->header_fill, sizeof(in->header) - in->header_fill);
		if (n <= 0)
			return false;
		in->header_fill += (size_t)n;
		if (in->header_fill < sizeof(in->header))
			return true;
		memcpy(&in->frame_run, in->header, 4);
		memcpy(&in->frame_left, in->header + 4, 4);
		in->frame_run = le32toh(in->frame_run);
		in->frame_left = le32toh(in->frame_left);
	}
	if (in->frame_run > in->run)
		return false;
	if (!in->frame_left) {
		if (in->frame_run == in->run)
			input_close(in);
		in->header_fill = 0;
		return true;
	}
	want = in->frame_left < sizeof(in->buffer) ? in->frame_left : sizeof(in->buffer);
	n = read(in->port, in->buffer, want);
	if (n <= 0)
		return false;
	in->frame_left -= (uint32_t)n;
	if (!in->frame_left)
		in->header_fill = 0;
	if (in->frame_run == in->run && in->pipe >= 0) {
		in->fill = (size_t)n;
		in->done = 0;
	}
	return true;
}

void input_move(struct input *in)
{
	do {
		input_write(in);
		if (in->done < in->fill)
			return;
	} while (input_read(in));
}
