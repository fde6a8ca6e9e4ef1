// SPDX-License-Identifier: MIT
#include "sim/models.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"

void sim_device_begin(struct sim_device *device, const struct sim_model *model,
		      const struct sim_settings *settings, const char *serial)
{
	device->model = model;
	device->faults = settings->faults;
	device->transfer_us = settings->transfer_us;
	device->bulk_rate = settings->bulk_rate;
	if (settings->serial)
		snprintf(device->serial, sizeof(device->serial), "%s", settings->serial);
	else
		snprintf(device->serial, sizeof(device->serial), "%s%04u", serial,
			 settings->number);
}

char *sim_file_name(const char *pattern, unsigned int number)
{
	_cleanup_(buf_free) struct buf name = {0};
	const char *at;

	for (; (at = strstr(pattern, "%d")); pattern = at + 2) {
		buf_add(&name, pattern, (size_t)(at - pattern));
		buf_addf(&name, "%u", number);
	}
	buf_add_text(&name, pattern);
	return buf_steal(&name);
}

void sim_file_split(const char *text, unsigned int number, char **path, uint64_t *size)
{
	const char *colon = strrchr(text, ':');

	*size = 0;
	if (colon && text_size(colon + 1, size)) {
		_cleanup_(freep) char *pattern = xstrndup(text, (size_t)(colon - text));

		*path = pattern[0] ? sim_file_name(pattern, number) : NULL;
		return;
	}
	*size = 0;
	*path = sim_file_name(text, number);
}
