// SPDX-License-Identifier: MIT
#include "engine/job_usb.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"

/* What is known of the board's device once it was seen. */
struct usb_known {
	struct usb_bus *bus;   /* owned */
	char path[USB_PATH];   /* empty: never seen */
	char serial[USB_TEXT]; /* empty: it has told none */
	unsigned int address;  /* that must not be taken for the one that comes back; 0: any */
};

static bool has_interface(const struct usb_info *info, struct usb_class wanted)
{
	size_t i;

	for (i = 0; i < info->interface_count; i++)
		if (memcmp(&info->interfaces[i], &wanted, sizeof(wanted)) == 0)
			return true;
	return false;
}

static bool has_id(const struct usb_mode *mode, const struct usb_info *info)
{
	return (!mode->vid || mode->vid == info->vid) && (!mode->pid || mode->pid == info->pid);
}

bool usb_mode_match(const struct usb_mode *mode, const struct usb_info *info)
{
	return has_id(mode, info) &&
	       (!mode->interface.class || has_interface(info, mode->interface)) &&
	       (!mode->product || strstr(info->product, mode->product));
}

const struct usb_mode *usb_mode_find(const struct usb_mode *modes, const struct usb_info *info)
{
	for (; modes->mode; modes++)
		if (usb_mode_match(modes, info))
			return modes;
	return NULL;
}

/* A USB/IP server does not tell all before a device is attached: what it does not tell is looked at
 * once it is open. */
static bool may_be_in(const struct usb_mode *modes, const struct usb_info *info)
{
	if (info->described)
		return usb_mode_find(modes, info);
	for (; modes->mode; modes++)
		if (has_id(modes, info))
			return true;
	return false;
}

static bool same_path(const char *given, const struct usb_info *info)
{
	char own[USB_PATH];

	return usb_path_check(given, NULL, own, NULL) == 0 && strcmp(own, info->path) == 0;
}

static bool same_id(const char *given, const struct usb_info *info)
{
	char id[16];

	snprintf(id, sizeof(id), "%04x:%04x", info->vid, info->pid);
	return strcasecmp(given, id) == 0;
}

bool board_usb_match(const struct board *board, const struct usb_info *info)
{
	const char *path = yaml_text(board->usb, "path", NULL);
	const char *serial = yaml_text(board->usb, "serial", NULL);
	const char *id = yaml_text(board->usb, "id", NULL);

	if (!path && !serial && !id)
		return board->driver->usb_modes && usb_mode_find(board->driver->usb_modes, info);
	return (!path || same_path(path, info)) && (!serial || strcmp(serial, info->serial) == 0) &&
	       (!id || same_id(id, info));
}

/* Once it was seen, the port or the serial number is enough: its ids and the rest change from stage
 * to stage. */
static bool is_board(const struct job *job, const struct usb_info *info)
{
	const struct usb_known *known = job->usb_known;

	if (!known->path[0])
		return board_usb_match(job->board, info);
	return strcmp(known->path, info->path) == 0 ||
	       (known->serial[0] && strcmp(known->serial, info->serial) == 0);
}

static int open_bus(struct job *job, struct deadline deadline, struct err *err)
{
	const char *path = yaml_text(job->board->usb, "path", NULL);
	_cleanup_(freep) char *address = NULL;
	int rc = 0;

	if (job->usb_known)
		return 0;
	job->usb_known = xcalloc(1, sizeof(*job->usb_known));
	if (path)
		rc = usb_path_check(path, &address, NULL, err);
	return rc < 0 ? rc : usb_bus_open(&job->usb_known->bus, address, deadline, err);
}

/* Everything that is attached; strings of other machines' devices only where the board is known by
   nothing else, because asking takes the device from whoever uses it. */
static int list_all(struct job *job, struct usb_info **list, size_t *count,
		    struct deadline deadline, struct err *err)
{
	const struct usb_known *known = job->usb_known;
	const char *path = yaml_text(job->board->usb, "path", "usb:");
	bool strings = text_starts(path, "usb:") || (known->path[0] && known->serial[0]);

	return usb_bus_list(known->bus, strings, list, count, deadline, err);
}

static void add_device(struct buf *out, const struct usb_info *info)
{
	buf_addf(out, "%s%s %04x:%04x", out->size ? ", " : "", info->path, info->vid, info->pid);
	if (info->product[0])
		buf_addf(out, " '%.60s'", info->product);
	if (info->serial[0])
		buf_addf(out, " serial %.40s", info->serial);
}

static char *describe(const struct usb_info *list, size_t count)
{
	struct buf out = {.max = 400};
	size_t i;

	for (i = 0; i < count; i++)
		add_device(&out, &list[i]);
	return out.size ? buf_steal(&out) : xstrdup("nothing");
}

/* What the modes are called: "STM32MP boot ROM, STM32MP U-Boot". */
static char *describe_modes(const struct usb_mode *modes)
{
	struct buf out = {.max = 300};
	const struct usb_mode *mode;

	for (mode = modes; mode->mode; mode++)
		buf_addf(&out, "%s%s %s", mode == modes ? "" : ", ", mode->family, mode->mode);
	return buf_steal(&out);
}

static int too_many(struct job *job, const struct usb_info *list, size_t count, struct err *err)
{
	_cleanup_(freep) char *devices = describe(list, count);

	err_set(err, ERR_CONFIG, "%zu devices may be board '%s': %s", count, job->board->name,
		devices);
	return err_remedy(err,
			  "say in its board file which it is: 'usb: %s', or 'usb: {serial: ...}'",
			  list[0].path);
}

/* One port is one board: a match by it is better than one by a serial number that two may share. */
static size_t keep_best(const struct job *job, struct usb_info *list, size_t count)
{
	size_t i;

	for (i = 0; i < count && count > 1; i++) {
		if (strcmp(list[i].path, job->usb_known->path) != 0)
			continue;
		list[0] = list[i];
		return 1;
	}
	return count;
}

/* The board among what is attached now; *found false (and success) when it is not. */
static int find(struct job *job, const struct usb_mode *modes, struct usb_info *info, bool *found,
		struct deadline deadline, struct err *err)
{
	const struct usb_known *known = job->usb_known;
	_cleanup_(freep) struct usb_info *list = NULL;
	size_t count, matches = 0, i;
	int rc = list_all(job, &list, &count, deadline, err);

	*found = false;
	for (i = 0; rc == 0 && i < count; i++) {
		bool old = known->address && known->address == list[i].address &&
			   strcmp(known->path, list[i].path) == 0;

		if (!old && is_board(job, &list[i]) && may_be_in(modes, &list[i]))
			list[matches++] = list[i];
	}
	matches = rc == 0 ? keep_best(job, list, matches) : 0;
	if (matches > 1)
		return too_many(job, list, matches, err);
	*found = matches == 1;
	if (*found)
		*info = list[0];
	return rc;
}

/* What is there instead goes into the remedy of an error that is set. */
static int tell_instead(struct job *job, const struct usb_mode *modes, struct err *err)
{
	_cleanup_(freep) char *wanted = describe_modes(modes), *devices = NULL;
	_cleanup_(freep) struct usb_info *list = NULL;
	struct deadline deadline = deadline_of_cancel(job->cancel_fd, 2000);
	size_t count = 0;

	if (list_all(job, &list, &count, deadline, NULL) < 0)
		return -(int)err->kind;
	devices = describe(list, count);
	return err_remedy(err,
			  "wanted: %s; attached: %s. See that it is plugged in and in that "
			  "mode; 'aboard boards --attached --watch' shows what comes and goes",
			  wanted, devices);
}

int job_usb_look(struct job *job, const struct usb_mode *modes, struct usb_info *info,
		 struct deadline deadline, struct err *err)
{
	bool found = false;
	int rc = open_bus(job, deadline, err);

	if (rc == 0)
		rc = find(job, modes, info, &found, deadline, err);
	if (rc < 0 || found)
		return rc;
	err_set(err, ERR_NOT_FOUND, "board '%s' is not attached", job->board->name);
	return tell_instead(job, modes, err);
}

/* Opens what was found; *opened false (and success) when it is gone, in use or another thing by
 * now: `err` then says why. */
static int try_open(struct job *job, const struct usb_mode *modes, const struct usb_info *info,
		    bool *opened, struct deadline deadline, struct err *err)
{
	struct usb_known *known = job->usb_known;
	int rc = usb_open(&job->usb, known->bus, info, deadline, err);

	*opened = false;
	if (rc == -ERR_USB || rc == -ERR_BUSY)
		return 0;
	if (rc < 0)
		return rc;
	if (!usb_mode_find(modes, &job->usb->info)) {
		err_set(err, ERR_BOARD, "%s is in another mode", info->path);
		job_usb_close(job);
		return 0;
	}
	memcpy(known->path, job->usb->info.path, sizeof(known->path));
	if (job->usb->info.serial[0])
		memcpy(known->serial, job->usb->info.serial, sizeof(known->serial));
	known->address = 0;
	*opened = true;
	return 0;
}

static int wait_for(struct job *job, const struct usb_mode *modes, struct deadline deadline,
		    struct err *err)
{
	struct err last = {0};
	struct usb_info info;
	bool found, opened = false;
	int rc = 0;

	while (rc == 0 && !opened) {
		rc = find(job, modes, &info, &found, deadline, err);
		if (rc == 0 && found)
			rc = try_open(job, modes, &info, &opened, deadline, &last);
		if (rc < 0 && found)
			*err = last;
		if (rc == 0 && !opened)
			rc = usb_bus_wait(job->usb_known->bus, deadline, err);
	}
	if (rc != -ERR_TIMEOUT)
		return rc;
	err_set(err, ERR_TIMEOUT, "board '%s' did not come%s%s", job->board->name,
		last.text[0] ? ": " : "", last.text);
	return tell_instead(job, modes, err);
}

int job_usb_open(struct job *job, const struct usb_mode *modes, struct deadline deadline,
		 struct err *err)
{
	int rc = open_bus(job, deadline, err);

	job_usb_close(job);
	return rc < 0 ? rc : wait_for(job, modes, deadline, err);
}

int job_usb_reopen(struct job *job, const struct usb_mode *modes, struct deadline deadline,
		   struct err *err)
{
	int rc;

	if (!job->usb)
		return job_usb_open(job, modes, deadline, err);
	rc = usb_await_gone(job->usb, deadline, err);
	if (rc < 0)
		return err_prefix(err, "waiting until %s leaves the bus", job->usb->info.path);
	job->usb_known->address = job->usb->info.address;
	return job_usb_open(job, modes, deadline, err);
}

void job_usb_close(struct job *job)
{
	usb_close(steal(job->usb));
}

void job_usb_free(struct job *job)
{
	job_usb_close(job);
	if (job->usb_known)
		usb_bus_close(job->usb_known->bus);
	freep(&job->usb_known);
}
