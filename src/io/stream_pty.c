// SPDX-License-Identifier: MIT
/* pty:PATH: a pseudo terminal whose other end is reached by the symbolic link PATH. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

#include "base/mem.h"
#include "io/stream_kinds.h"

struct pty_stream {
	struct fd_stream fd; /* the master */
	/* Our own end of the other side: keeps the terminal raw and alive while nobody has it open,
	   and its lock says that the link is in use. */
	int other_fd;
	char *link, *other; /* link is NULL until it is ours */
};

static bool points_to(const char *link, const char *other)
{
	char now[256];
	ssize_t length = readlink(link, now, sizeof(now) - 1);

	if (length < 0)
		return false;
	now[length] = '\0';
	return strcmp(now, other) == 0;
}

static void close_pty(struct stream *stream)
{
	struct pty_stream *self = container_of(stream, struct pty_stream, fd.stream);

	if (self->link && points_to(self->link, self->other))
		unlink(self->link);
	closep(&self->other_fd);
	freep(&self->link);
	freep(&self->other);
	fd_stream_close(stream);
}

static const struct stream_ops ops = {
	.read = fd_stream_read,
	.write = fd_stream_write,
	.close = close_pty,
	.poll_fd = fd_stream_poll_fd,
};

/* Says that the terminal is ours; 0, or -1 when another owner lives. Not by flock(), which belongs
   to the program at the other end. */
static int hold(int fd)
{
	struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};

	return fcntl(fd, F_OFD_SETLK, &whole);
}

static bool is_held(const char *link)
{
	_cleanup_(closep) int fd = open(link, O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);

	return fd >= 0 && hold(fd) < 0;
}

/* A link that was left behind by an owner that was killed is replaced. */
static int make_link(const char *other, const char *link, struct err *err)
{
	struct stat now;

	if (symlink(other, link) == 0)
		return 0;
	if (errno != EEXIST)
		return err_errno(err, ERR_HOST, "cannot make the link");
	if (lstat(link, &now) < 0 || !S_ISLNK(now.st_mode))
		return err_set(err, ERR_CONFIG, "something that is no link is there already");
	/* It may name what is ours now: numbers of pseudo terminals come again. */
	if (points_to(link, other))
		return 0;
	if (is_held(link))
		return err_set(err, ERR_BUSY, "another program has its pseudo terminal there");
	if (unlink(link) < 0 || symlink(other, link) < 0)
		return err_errno(err, ERR_HOST, "cannot replace the link");
	return 0;
}

static int open_other(struct pty_stream *self, struct err *err)
{
	char other[128];
	struct termios raw;
	int failed;

	if (grantpt(self->fd.fd) < 0 || unlockpt(self->fd.fd) < 0)
		return err_errno(err, ERR_HOST, "cannot make a pseudo terminal");
	failed = ptsname_r(self->fd.fd, other, sizeof(other));
	if (failed)
		return err_set(err, ERR_HOST, "the pseudo terminal has no name");
	self->other = xstrdup(other);
	self->other_fd = open(other, O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (self->other_fd < 0 || tcgetattr(self->other_fd, &raw) < 0)
		return err_errno(err, ERR_HOST, "cannot open %s", other);
	cfmakeraw(&raw);
	if (tcsetattr(self->other_fd, TCSANOW, &raw) < 0 || hold(self->other_fd) < 0)
		return err_errno(err, ERR_HOST, "cannot set up %s", other);
	return 0;
}

int stream_open_pty(struct stream **stream, const char *path,
		    const struct stream_settings *settings, struct deadline deadline,
		    struct err *err)
{
	_cleanup_(stream_closep) struct stream *opened = NULL;
	struct pty_stream *self;
	int fd = posix_openpt(O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC), rc;

	(void)settings, (void)deadline;
	if (fd < 0)
		return err_errno(err, ERR_HOST, "cannot make a pseudo terminal");
	self = xcalloc(1, sizeof(*self));
	fd_stream_init(&self->fd, &ops, fd, path);
	self->other_fd = -1;
	opened = &self->fd.stream;
	rc = open_other(self, err);
	if (rc == 0)
		rc = make_link(self->other, path, err);
	if (rc < 0)
		return rc;
	self->link = xstrdup(path);
	*stream = steal(opened);
	return 0;
}
