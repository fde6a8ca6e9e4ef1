// SPDX-License-Identifier: MIT
#include "power/usb_find.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

void usb_found_free(struct usb_found *found)
{
	usb_bus_close(found->bus);
	free(found->list);
	*found = (struct usb_found){0};
}

static bool is_it(const struct usb_find *find, const char *own, const struct usb_info *info)
{
	if (!find->is_kind(info) || (own[0] && strcmp(own, info->path) != 0))
		return false;
	return !find->serial || strcmp(find->serial, info->serial) == 0;
}

static int missing(const struct usb_find *find, const struct usb_found *found, struct err *err)
{
	_cleanup_(buf_free) struct buf list = {.max = 300};
	size_t i;

	for (i = 0; i < found->count; i++)
		if (find->is_kind(&found->list[i]))
			buf_addf(&list, "%s%s serial %s", list.size ? ", " : "",
				 found->list[i].path, found->list[i].serial);
	err_set(err, ERR_NOT_FOUND, "the %s is not attached", find->what);
	return err_remedy(err, "attached are: %s", list.size ? buf_text(&list) : "none");
}

int usb_find(const struct usb_find *find, struct usb_found *found, struct deadline deadline,
	     struct err *err)
{
	_cleanup_(freep) char *address = NULL;
	char own[USB_PATH] = "";
	size_t i;
	int rc = 0;

	*found = (struct usb_found){0};
	if (find->path)
		rc = usb_path_check(find->path, &address, own, err);
	if (rc == 0)
		rc = usb_bus_open(&found->bus, address, deadline, err);
	if (rc == 0)
		rc = usb_bus_list(found->bus, find->serial != NULL, &found->list, &found->count,
				  deadline, err);
	if (rc < 0)
		return rc;
	for (i = 0; i < found->count; i++) {
		if (!is_it(find, own, &found->list[i]))
			continue;
		if (found->info) {
			err_set(err, ERR_CONFIG, "there are several: %s, %s", found->info->path,
				found->list[i].path);
			return err_remedy(err, "say by 'serial' or 'path' which %s it is",
					  find->what);
		}
		found->info = &found->list[i];
	}
	return found->info ? 0 : missing(find, found, err);
}
