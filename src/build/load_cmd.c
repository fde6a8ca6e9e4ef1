// SPDX-License-Identifier: MIT
#include "build/load_cmd.h"

#include <ctype.h>
#include <stdint.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"

static const struct {
	const char *name, *command;
} short_names[] = {
	{"tftp", "tftpb"},          {"sd", "load mmc 0:1"},        {"scsi", "load scsi 0:1"},
	{"usb", "fatload usb 0:1"}, {"virtio", "load virtio 0:1"},
};

const char *load_cmd_of(const char *text)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(short_names); i++)
		if (text_equal(text, short_names[i].name))
			return short_names[i].command;
	return text;
}

const char *load_cmd_of_config(const struct config *config)
{
	const char *text = config_text(config, "LOAD_CMD");

	if (!text)
		text = config_environment(config, "LOAD_CMD");
	return text && *text ? text : NULL;
}

/* The device is the last word before the last colon, the partition what follows the first one. */
int load_cmd_disk(const char *command, struct load_disk *disk, struct err *err)
{
	const char *first = command ? strchr(command, ':') : NULL;
	const char *last = first ? strrchr(command, ':') : NULL, *word;
	_cleanup_(freep) char *behind = first ? xstrdup(first + 1) : NULL;
	_cleanup_(freep) char *number = NULL;
	uint64_t device, partition;

	disk->mmc = command && strstr(command, "mmc");
	if (!disk->mmc && !(command && strstr(command, "scsi")))
		return err_set(
			err, ERR_CONFIG,
			"the disk's name in Linux cannot be told from the load command `%s`: "
			"only mmc and scsi are understood, as in `load mmc 0:1`",
			command ? command : "");
	for (word = last; word && word > command && !isblank((unsigned char)word[-1]); word--)
		;
	number = word ? xstrndup(word, (size_t)(last - word)) : NULL;
	if (!number || !text_u64(number, 25, &device) ||
	    !text_u64(text_trim(behind), 127, &partition))
		return err_set(err, ERR_CONFIG,
			       "cannot find device and partition in the load command `%s`",
			       command);
	disk->device = (unsigned int)device;
	disk->partition = (unsigned int)partition;
	return 0;
}

char *load_disk_name(const struct load_disk *disk, unsigned int partition)
{
	return disk->mmc ? xasprintf("/dev/mmcblk%up%u", disk->device, partition)
			 : xasprintf("/dev/sd%c%u", (char)('a' + disk->device), partition);
}
