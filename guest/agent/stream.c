// SPDX-License-Identifier: MIT
/* Copies what the command writes to the host, at once and without waiting for full buffers. */
#include "agent.h"

#include <errno.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <unistd.h>

short stream_events(const struct stream *s, int *fd)
{
	if (s->done < s->fill) {
		*fd = s->port;
		return POLLOUT;
	}
	*fd = s->pipe;
	return s->pipe >= 0 ? POLLIN : 0;
}

static void stream_close(struct stream *s)
{
	if (s->pipe >= 0)
		close(s->pipe);
	s->pipe = -1;
}

bool stream_move(struct stream *s, size_t limit)
{
	ssize_t n;

	if (s->done == s->fill && s->pipe >= 0) {
		n = read(s->pipe, s->buffer, limit < sizeof(s->buffer) ? limit : sizeof(s->buffer));
		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			return true;
		if (n <= 0) {
			stream_close(s);
			return false;
		}
		s->fill = (size_t)n;
		s->done = 0;
	}
	while (s->done < s->fill) {
		n = write(s->port, s->buffer + s->done, s->fill - s->done);
		if (n <= 0)
			break;
		s->done += (size_t)n;
		s->sent += (uint64_t)n;
	}
	return true;
}

static void stream_flush(struct stream *s)
{
	while (s->done < s->fill) {
		struct pollfd wait = { .fd = s->port, .events = POLLOUT };

		poll(&wait, 1, -1);
		stream_move(s, 0);
	}
}

void stream_finish(struct stream *s)
{
	int left = 0;

	stream_flush(s);
	/* A process left in the background may write for ever: take what is there now, and no more. */
	if (s->pipe >= 0 && ioctl(s->pipe, FIONREAD, &left))
		left = 0;
	while (left > 0 && s->pipe >= 0) {
		if (!stream_move(s, (size_t)left))
			break;
		left -= (int)s->fill;
		stream_flush(s);
	}
	stream_close(s);
}
