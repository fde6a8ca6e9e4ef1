// SPDX-License-Identifier: MIT
#include "io/block.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/cdrom.h>
#include <linux/fs.h>
#include <linux/netlink.h>
#include <scsi/scsi_ioctl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/mem.h"

/* Long transfers going upwards are what flash is good at; more would only make cancelling slow. */
#define CHUNK ((size_t)1 << 20)
/* Suits every medium with sectors of 512 or 4096 bytes, and every direct write. */
#define SECTOR_MIN 4096

struct block {
	int fd;
	char node[64];
	uint64_t size;   /* bytes; regular files: where they may grow to */
	uint32_t sector; /* bytes that direct transfers are whole multiples of */
	uint8_t *chunk;  /* CHUNK bytes, aligned to a page; owned */
	bool device;     /* else a regular file */
	bool zeroes;     /* the device zeroes by itself, as far as is known */
};

static int cannot_open(const struct block_info *info, struct err *err)
{
	if (errno == EBUSY) {
		err_set(err, ERR_TARGET, "%s is in use", info->node);
		return err_remedy(err, "let go of it: nothing of it may be mounted or held");
	}
	if (errno == ENOENT || errno == ENXIO || errno == ENODEV || errno == ENOMEDIUM)
		return err_errno(err, ERR_USB, "cannot open %s", info->node);
	err_errno(err, ERR_HOST, "cannot open %s", info->node);
	if (errno == EACCES || errno == EPERM)
		return err_remedy(err, "run as root or as a member of the group 'disk'");
	return -ERR_HOST;
}

/* Between looking and opening, another disk may have got the name. */
static int check_node(struct block *block, const struct block_info *info, struct err *err)
{
	struct stat st;

	if (fstat(block->fd, &st) < 0)
		return err_errno(err, ERR_HOST, "cannot look at %s", info->node);
	block->device = S_ISBLK(st.st_mode);
	if (!block->device && !S_ISREG(st.st_mode))
		return err_set(err, ERR_TARGET, "%s is no block device", info->node);
	if (block->device && (major(st.st_rdev) != info->major || minor(st.st_rdev) != info->minor))
		return err_set(err, ERR_USB, "%s is another device by now", info->node);
	block->size = info->size;
	if (block->device && ioctl(block->fd, BLKGETSIZE64, &block->size) < 0)
		return err_errno(err, ERR_HOST, "cannot read the size of %s", info->node);
	return 0;
}

/* tmpfs and some network file systems know no direct transfers; files there are only for tests. */
static int open_node(const struct block_info *info, bool writable)
{
	int flags = (writable ? O_RDWR : O_RDONLY) | O_CLOEXEC | O_EXCL;
	int fd = open(info->node, flags | O_DIRECT);
	struct stat st;

	if (fd < 0 && errno == EINVAL && stat(info->node, &st) == 0 && S_ISREG(st.st_mode))
		fd = open(info->node, flags);
	return fd;
}

int block_open(struct block **block, const struct block_info *info, bool writable, struct err *err)
{
	_cleanup_(block_closep) struct block *opened = xcalloc(1, sizeof(*opened));
	int rc;

	opened->fd = open_node(info, writable);
	if (opened->fd < 0)
		return cannot_open(info, err);
	memcpy(opened->node, info->node, sizeof(opened->node));
	opened->sector = info->sector > SECTOR_MIN ? info->sector : SECTOR_MIN;
	opened->zeroes = true;
	rc = check_node(opened, info, err);
	if (rc < 0)
		return rc;
	if (opened->size % opened->sector != 0)
		opened->sector = info->sector ? info->sector : 512;
	if (opened->sector > CHUNK || (opened->sector & (opened->sector - 1)) != 0)
		return err_set(err, ERR_TARGET, "%s has sectors of %u bytes", info->node,
			       opened->sector);
	opened->chunk = xaligned(SECTOR_MIN, CHUNK);
	*block = steal(opened);
	return 0;
}

void block_close(struct block *block)
{
	if (!block)
		return;
	closep(&block->fd);
	free(block->chunk);
	free(block);
}

void block_closep(struct block **block)
{
	block_close(*block);
	*block = NULL;
}

/* A disk that was unplugged while it is open has no size any more. */
static bool is_gone(const struct block *block)
{
	uint64_t size = 0;

	return block->device && (ioctl(block->fd, BLKGETSIZE64, &size) < 0 || !size);
}

static int failed(const struct block *block, const char *what, uint64_t offset, struct err *err)
{
	int saved = errno;
	enum err_kind kind = is_gone(block) ? ERR_USB : ERR_BOARD;

	if (saved == ENOSPC && kind == ERR_BOARD)
		kind = ERR_TARGET;
	errno = saved;
	err_errno(err, kind, "%s %s, %llu bytes after the start", what, block->node,
		  (unsigned long long)offset);
	if (saved != EIO || kind != ERR_BOARD)
		return -(int)kind;
	return err_remedy(err, "a damaged medium, a cable or a hub does this: 'dmesg' has the "
			       "kernel's words, U-Boot's console the board's");
}

/* Moves all of `size` bytes between the chunk and the device. */
static int move(struct block *block, bool out, uint64_t offset, size_t size, struct err *err)
{
	size_t done = 0;
	ssize_t step;

	while (done < size) {
		uint8_t *at = block->chunk + done;

		step = out ? pwrite(block->fd, at, size - done, (off_t)(offset + done))
			   : pread(block->fd, at, size - done, (off_t)(offset + done));
		if (step < 0 && errno == EINTR)
			continue;
		if (step < 0)
			return failed(block, out ? "writing" : "reading", offset + done, err);
		if (step == 0 && is_gone(block))
			return err_set(err, ERR_USB, "%s is gone, after %llu bytes", block->node,
				       (unsigned long long)(offset + done));
		if (step == 0 && block->device)
			return err_set(err, ERR_BOARD, "%s ends after %llu bytes", block->node,
				       (unsigned long long)(offset + done));
		if (step == 0) { /* a file that is to grow */
			memset(at, 0, size - done);
			return 0;
		}
		done += (size_t)step;
	}
	return 0;
}

/* The part of [offset, offset + size) that one chunk can hold, in whole sectors around it. */
struct window {
	uint64_t start; /* of the sectors */
	size_t span;    /* bytes of them */
	size_t skip;    /* bytes before what is meant */
	size_t take;    /* bytes that are meant */
};

static struct window window_at(const struct block *block, uint64_t offset, uint64_t size)
{
	struct window window = {.start = offset / block->sector * block->sector};
	uint64_t most;

	window.skip = (size_t)(offset - window.start);
	most = CHUNK - window.skip;
	window.take = (size_t)(size < most ? size : most);
	window.span =
		(window.skip + window.take + block->sector - 1) / block->sector * block->sector;
	return window;
}

static int check_range(const struct block *block, uint64_t offset, uint64_t size, struct err *err)
{
	if (offset <= block->size && size <= block->size - offset)
		return 0;
	return err_set(err, ERR_TARGET, "%s ends before %llu bytes", block->node,
		       (unsigned long long)(offset + size));
}

/* Fills the window's part of the chunk with `data` (NULL: zeros) and writes it. */
static int write_window(struct block *block, const struct window *window, const void *data,
			struct err *err)
{
	int rc = 0;

	if (window->take < window->span)
		rc = move(block, false, window->start, window->span, err);
	if (rc < 0)
		return rc;
	if (data)
		memcpy(block->chunk + window->skip, data, window->take);
	else
		memset(block->chunk + window->skip, 0, window->take);
	return move(block, true, window->start, window->span, err);
}

static int write_all(struct block *block, uint64_t offset, const uint8_t *data, uint64_t size,
		     struct err *err)
{
	int rc = check_range(block, offset, size, err);

	while (rc == 0 && size > 0) {
		struct window window = window_at(block, offset, size);

		rc = write_window(block, &window, data, err);
		offset += window.take;
		size -= window.take;
		data = data ? data + window.take : NULL;
	}
	return rc;
}

int block_write(struct block *block, uint64_t offset, const void *data, size_t size,
		struct err *err)
{
	return write_all(block, offset, data, size, err);
}

int block_read(struct block *block, uint64_t offset, void *data, size_t size, struct err *err)
{
	uint8_t *to = data;
	int rc = check_range(block, offset, size, err);

	while (rc == 0 && size > 0) {
		struct window window = window_at(block, offset, size);

		rc = move(block, false, window.start, window.span, err);
		if (rc < 0)
			return rc;
		memcpy(to, block->chunk + window.skip, window.take);
		to += window.take;
		offset += window.take;
		size -= window.take;
	}
	return rc;
}

/* BLKZEROOUT promises zeros, which BLKDISCARD does not; it takes whole sectors only. */
int block_zero(struct block *block, uint64_t offset, uint64_t size, struct err *err)
{
	uint64_t start = (offset + block->sector - 1) / block->sector * block->sector;
	uint64_t end = (offset + size) / block->sector * block->sector;
	uint64_t range[2] = {start, end - start};
	int rc = check_range(block, offset, size, err);

	if (rc < 0)
		return rc;
	if (!block->device || !block->zeroes || start >= end)
		return write_all(block, offset, NULL, size, err);
	if (ioctl(block->fd, BLKZEROOUT, range) < 0) {
		if (errno == ENODEV || errno == ENXIO || errno == EIO)
			return failed(block, "zeroing", offset, err);
		block->zeroes = false;
		return write_all(block, offset, NULL, size, err);
	}
	rc = write_all(block, offset, NULL, start - offset, err);
	return rc < 0 ? rc : write_all(block, end, NULL, offset + size - end, err);
}

/* An fsync that has failed must not be tried again: the kernel has forgotten what it could not
 * write. */
int block_flush(struct block *block, struct err *err)
{
	if (fsync(block->fd) < 0)
		return failed(block, "flushing", 0, err);
	if (block->device && ioctl(block->fd, BLKFLSBUF, 0) < 0 && errno != EACCES)
		return failed(block, "flushing", 0, err);
	return 0;
}

void block_eject(struct block *block)
{
	if (!block->device)
		return;
	/* Linux has locked a removable medium since it was opened. */
	(void)ioctl(block->fd, SCSI_IOCTL_DOORUNLOCK, 0);
	(void)ioctl(block->fd, CDROMEJECT, 0);
}

#define WATCH_PAUSE 100 /* ms */

void block_watch_open(struct block_watch *watch)
{
	struct sockaddr_nl address = {.nl_family = AF_NETLINK, .nl_groups = 1};

	watch->fd = socket(AF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK,
			   NETLINK_KOBJECT_UEVENT);
	if (watch->fd >= 0 && bind(watch->fd, (void *)&address, sizeof(address)) < 0)
		closep(&watch->fd);
}

void block_watch_close(struct block_watch *watch)
{
	closep(&watch->fd);
}

static void drain(int fd)
{
	char event[8192];

	while (recv(fd, event, sizeof(event), 0) > 0)
		;
}

int block_watch_wait(struct block_watch *watch, struct deadline deadline, struct err *err)
{
	struct pollfd fd = {.fd = watch->fd, .events = POLLIN};
	int rc;

	if (watch->fd < 0)
		return deadline_pause(WATCH_PAUSE, deadline, err);
	rc = deadline_poll(&fd, 1, deadline, err);
	if (rc < 0)
		return rc;
	drain(watch->fd);
	return 0;
}
