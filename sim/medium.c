// SPDX-License-Identifier: MIT
#include "sim/medium.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "sim/fault.h"

#define BLOCK 512 /* of the faults that count blocks */

static int size_up(struct medium *medium, const char *path, struct err *err)
{
	struct stat status;

	if (fstat(medium->fd, &status) < 0)
		return err_errno(err, ERR_HOST, "%s", path);
	if (!medium->size)
		medium->size = (uint64_t)status.st_size;
	if ((uint64_t)status.st_size < medium->size &&
	    ftruncate(medium->fd, (off_t)medium->size) < 0)
		return err_errno(err, ERR_HOST, "%s", path);
	return 0;
}

int medium_open(struct medium *medium, struct sim_device *device, const char *path, uint64_t size,
		struct err *err)
{
	*medium = (struct medium){.fd = -1, .size = size, .device = device};
	if (path)
		medium->fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
	else
		medium->fd = memfd_create("medium", MFD_CLOEXEC);
	if (medium->fd < 0)
		return err_errno(err, ERR_HOST, "%s", path ? path : "memory");
	return size_up(medium, path ? path : "memory", err);
}

void medium_close(struct medium *medium)
{
	closep(&medium->fd);
}

static bool inside(const struct medium *medium, uint64_t at, uint64_t size)
{
	return at <= medium->size && size <= medium->size - at;
}

bool medium_read(struct medium *medium, uint64_t at, void *data, size_t size)
{
	size_t done = 0;
	ssize_t got;

	if (!inside(medium, at, size))
		return false;
	if (medium->read_rate)
		medium->device->busy_us += (int64_t)(size * 1000000 / medium->read_rate);
	while (done < size) {
		got = pread(medium->fd, (char *)data + done, size - done, (off_t)(at + done));
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return false;
		if (got == 0) /* the file was shortened by someone else */
			memset((char *)data + done, 0, size - done);
		if (got == 0)
			return true;
		done += (size_t)got;
	}
	return true;
}

static bool put(struct medium *medium, uint64_t at, const void *data, size_t size)
{
	size_t done = 0;
	ssize_t put;

	while (done < size) {
		put = pwrite(medium->fd, (const char *)data + done, size - done,
			     (off_t)(at + done));
		if (put < 0 && errno == EINTR)
			continue;
		if (put <= 0)
			return false;
		done += (size_t)put;
	}
	return true;
}

bool medium_write(struct medium *medium, uint64_t at, const void *data, size_t size)
{
	struct sim_device *device = medium->device;
	uint64_t blocks = (size + BLOCK - 1) / BLOCK;

	if (!inside(medium, at, size))
		return false;
	if (medium->write_rate)
		device->busy_us += (int64_t)(size * 1000000 / medium->write_rate);
	if (sim_fault(device->faults, SIM_FAULT_WRITE_ERROR, device->stage, blocks))
		return false;
	if (sim_fault(device->faults, SIM_FAULT_SWALLOW, device->stage, blocks))
		return true;
	return put(medium, at, data, size);
}

bool medium_erase(struct medium *medium, uint64_t at, uint64_t size, uint8_t value)
{
	_cleanup_(freep) uint8_t *block = NULL;
	size_t step = (size_t)1 << 20;

	if (!inside(medium, at, size))
		return false;
	if (!value && fallocate(medium->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, (off_t)at,
				(off_t)size) == 0)
		return true;
	block = xmalloc(step);
	memset(block, value, step);
	for (; size; size -= step, at += step) {
		step = size < step ? (size_t)size : step;
		if (!put(medium, at, block, step))
			return false;
	}
	return true;
}

void medium_flush(struct medium *medium)
{
	struct sim_device *device = medium->device;

	device->busy_us +=
		(int64_t)sim_fault_time(device->faults, SIM_FAULT_SLOW_FLUSH, device->stage) * 1000;
}
