// SPDX-License-Identifier: MIT
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/mem.h"
#include "build/disk_table_write.h"

#define HEADS   255
#define SECTORS 63

int fdisk_failed(int code, const char *what, struct err *err)
{
	errno = code < 0 ? -code : code;
	return err_errno(err, ERR_HOST, "partition table: %s", what);
}

void fdisk_closep(struct fdisk_context **context)
{
	if (!*context)
		return;
	fdisk_deassign_device(*context, 1);
	fdisk_set_script(*context, NULL); /* they hold each other */
	fdisk_unref_context(*context);
	*context = NULL;
}

/* libfdisk takes the first usable sector only from a script's header. */
static int set_first(struct fdisk_context *context, uint64_t first)
{
	struct fdisk_script *script = fdisk_new_script(context);
	char text[32];
	int rc;

	if (!script)
		return -ENOMEM;
	snprintf(text, sizeof(text), "%llu", (unsigned long long)(first / SECTOR_SIZE));
	rc = fdisk_script_set_header(script, "first-lba", text);
	if (rc == 0)
		rc = fdisk_set_script(context, script);
	fdisk_unref_script(script);
	return rc;
}

int fdisk_open(struct fdisk_context **context, const char *path, const char *label, uint64_t first,
	       const char *id, struct err *err)
{
	_cleanup_(fdisk_closep) struct fdisk_context *made = fdisk_new_context();
	int rc = made ? 0 : -ENOMEM;

	if (rc == 0)
		rc = fdisk_assign_device(made, path, 0);
	if (rc == 0)
		rc = fdisk_disable_dialogs(made, 1);
	/* A boot loader may be in the first 440 bytes. */
	if (rc == 0)
		rc = fdisk_enable_bootbits_protection(made, 1);
	if (rc == 0)
		rc = set_first(made, first);
	if (rc == 0)
		rc = fdisk_create_disklabel(made, label);
	if (rc == 0)
		rc = fdisk_set_disklabel_id_from_string(made, id);
	if (rc < 0)
		return fdisk_failed(rc, "cannot be made", err);
	*context = steal(made);
	return 0;
}

struct fdisk_partition *fdisk_part(struct fdisk_context *context, size_t number, const char *type,
				   uint64_t start, uint64_t size)
{
	struct fdisk_label *label = fdisk_get_label(context, NULL);
	struct fdisk_parttype *parttype = fdisk_label_parse_parttype(label, type);
	struct fdisk_partition *part = fdisk_new_partition();

	fdisk_partition_set_partno(part, number);
	fdisk_partition_set_start(part, start / SECTOR_SIZE);
	fdisk_partition_set_size(part, size / SECTOR_SIZE);
	fdisk_partition_size_explicit(part, 1);
	if (parttype)
		fdisk_partition_set_type(part, parttype);
	fdisk_unref_parttype(parttype);
	return part;
}

/* Cylinder, head and sector as they fit into three bytes; what lies beyond reads as the last. */
static void put_chs(uint8_t out[3], uint64_t lba)
{
	uint64_t cylinder = lba / (HEADS * SECTORS);
	unsigned int head = (unsigned int)(lba / SECTORS % HEADS);
	unsigned int sector = (unsigned int)(lba % SECTORS + 1);

	if (cylinder > 1023) {
		cylinder = 1023;
		head = HEADS - 1;
		sector = SECTORS;
	}
	out[0] = (uint8_t)head;
	out[1] = (uint8_t)(sector | (unsigned int)(cylinder >> 2 & 0xc0));
	out[2] = (uint8_t)cylinder;
}

void mbr_entry(uint8_t out[16], bool active, uint8_t type, uint64_t at, uint64_t lba,
	       uint64_t count)
{
	out[0] = active ? 0x80 : 0;
	put_chs(out + 1, at);
	out[4] = type;
	put_chs(out + 5, at + count - 1);
	put_le32(out + 8, (uint32_t)lba);
	put_le32(out + 12, (uint32_t)count);
}

int file_put(int fd, const void *data, size_t size, uint64_t at, struct err *err)
{
	const char *bytes = data;
	ssize_t step;

	for (; size; bytes += step, at += (size_t)step, size -= (size_t)step) {
		step = pwrite(fd, bytes, size, (off_t)at);
		if (step < 0 && errno == EINTR)
			step = 0;
		else if (step <= 0)
			return err_errno(err, ERR_HOST, "cannot write");
	}
	return 0;
}

int file_get(int fd, void *data, size_t size, uint64_t at, struct err *err)
{
	char *bytes = data;
	ssize_t step;

	for (; size; bytes += step, at += (size_t)step, size -= (size_t)step) {
		step = pread(fd, bytes, size, (off_t)at);
		if (step < 0 && errno == EINTR)
			step = 0;
		else if (step < 0)
			return err_errno(err, ERR_HOST, "cannot read");
		else if (step == 0)
			return err_set(err, ERR_HOST, "shorter than it was");
	}
	return 0;
}
