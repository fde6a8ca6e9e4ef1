// SPDX-License-Identifier: MIT
/* Which block device is meant, on the board that is there: strictly, and with its size compared
 * before a byte is written. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "drivers/uboot/uboot.h"

static int list_devices(struct job *job, struct blockdevs *devs, struct deadline deadline,
			struct err *err)
{
	_cleanup_(buf_free) struct buf output = {0};
	int rc = board_cmd(job, SHELL_POSIX, deadline, &output, err, "%s", blockdevs_command);

	if (rc == 0)
		blockdevs_parse(devs, buf_text(&output));
	return rc;
}

/* "/dev/disk/by-..." and other links are followed on the board first. */
static int follow_link(struct job *job, const char *selector, struct buf *real,
		       struct deadline deadline, struct err *err)
{
	_cleanup_(buf_free) struct buf output = {0};
	int rc;

	buf_clear(real);
	if (!text_starts(selector, "/dev/") || !strchr(selector + 5, '/')) {
		buf_add_text(real, selector);
		return 0;
	}
	rc = board_cmd(job, SHELL_POSIX, deadline, &output, err, "readlink -f '%s'", selector);
	if (rc == 0)
		buf_add_text(real, output.data ? text_trim(output.data) : "");
	return rc;
}

static int check_size(const struct item *item, struct err *err)
{
	char wanted[TEXT_SIZE], there[TEXT_SIZE];

	if (item->image.size == IMAGE_SIZE_UNKNOWN || item->image.size <= item->device_size)
		return 0;
	err_set(err, ERR_TARGET,
		"the image does not fit: it has %s (%" PRIu64 " bytes), %s has %s (%" PRIu64 ")",
		text_of_size(item->image.size, wanted), item->image.size, item->device,
		text_of_size(item->device_size, there), item->device_size);
	return err_remedy(err, "nothing was written; choose another target or a smaller image");
}

static int check_unused(struct job *job, const struct item *item, struct deadline deadline,
			struct err *err)
{
	int status, rc;

	rc = board_try(job, SHELL_POSIX, deadline, NULL, &status, err,
		       "grep -q '^%s' /proc/mounts /proc/swaps", item->device);
	if (rc < 0 || status != 0)
		return rc;
	return err_set(err, ERR_TARGET, "%s is in use by the flasher's Linux itself", item->device);
}

static int choose(struct job *job, struct item *item, const struct blockdevs *devs,
		  struct deadline deadline, struct err *err)
{
	_cleanup_(buf_free) struct buf selector = {0};
	const struct blockdev *dev;
	int rc = follow_link(job, item->selector, &selector, deadline, err);

	if (rc == 0)
		rc = blockdevs_select(devs, buf_text(&selector), &dev, err);
	if (rc == 0 && item->request->partition)
		rc = blockdevs_partition(devs, dev, item->request->partition, &dev, err);
	if (rc < 0)
		return err_prefix(err, "target '%s'", item->target);
	snprintf(item->device, sizeof(item->device), "/dev/%s", dev->name);
	snprintf(item->sysfs, sizeof(item->sysfs), "/sys/class/block/%s", dev->name);
	item->device_size = dev->bytes;
	if (dev->bytes == 0)
		return err_set(err, ERR_TARGET, "%s has no medium", item->device);
	if (dev->read_only)
		return err_set(err, ERR_TARGET, "%s is write-protected", item->device);
	return 0;
}

int uboot_target(struct job *job, struct deadline deadline, struct err *err)
{
	_cleanup_(freep) struct blockdevs *devs = xcalloc(1, sizeof(*devs));
	struct uboot *uboot = uboot_of(job);
	char size[TEXT_SIZE];
	size_t i;
	int rc = list_devices(job, devs, deadline, err);

	for (i = 0; rc == 0 && i < uboot->item_count; i++) {
		struct item *item = &uboot->items[i];

		rc = choose(job, item, devs, deadline, err);
		if (rc == 0)
			rc = check_size(item, err);
		if (rc == 0)
			rc = check_unused(job, item, deadline, err);
		if (rc == 0)
			events_log(job->events, "info", "%s is %s (%s)", item->describe,
				   item->device, text_of_size(item->device_size, size));
	}
	return rc;
}
