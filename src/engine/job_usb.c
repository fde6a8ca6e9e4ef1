// SPDX-License-Identifier: MIT
/* Waiting for the board's USB device, and opening it. */
#include "engine/job_usb.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "engine/usb_match.h"

#define STRINGS_MS 1000 /* a device that has just come may not answer for its strings yet */
#define AGAIN_MS   100
#define BUSY_MS    5000 /* who had it may be about to give it back */
#define REFUSED    16

/* One search. */
struct seek {
	struct job *job;
	const struct usb_mode *modes;
	struct usb_info *list; /* owned; what was attached at the last look */
	size_t count;
	struct usb_info refused[REFUSED]; /* opened, and found not to be it */
	size_t refused_count;
	int64_t busy_until_ms; /* 0: it was not busy */
};

static void seek_end(struct seek *seek)
{
	free(seek->list);
}

static int open_bus(struct job *job, struct deadline deadline, struct err *err)
{
	const char *path = yaml_text(job->board->usb, "path", NULL);
	_cleanup_(freep) char *address = NULL;
	int rc = 0;

	if (!job->usb_known)
		job->usb_known = xcalloc(1, sizeof(*job->usb_known));
	if (job->usb_bus)
		return 0;
	if (path)
		rc = usb_path_check(path, &address, NULL, err);
	return rc < 0 ? rc : usb_bus_open(&job->usb_bus, address, deadline, err);
}

/* Strings are asked for only when they must tell the board: a USB/IP server lets us ask by taking
   each device for a moment. */
static int look(struct seek *seek, struct deadline deadline, struct err *err)
{
	struct job *job = seek->job;
	bool by_port = yaml_text(job->board->usb, "path", NULL) != NULL;

	free(steal(seek->list));
	seek->count = 0;
	return usb_bus_list(job->usb_bus, !by_port, &seek->list, &seek->count, deadline, err);
}

/* What was told to go is gone when it is not listed any more. */
static void note_gone(struct seek *seek)
{
	struct usb_known *known = seek->job->usb_known;
	size_t i;

	for (i = 0; i < seek->count; i++)
		if (usb_is_same(&known->now, &seek->list[i]))
			return;
	known->leaving = false;
}

static bool was_refused(const struct seek *seek, const struct usb_info *info)
{
	size_t i;

	for (i = 0; i < seek->refused_count; i++)
		if (usb_is_same(&seek->refused[i], info))
			return true;
	return false;
}

static void refuse(struct seek *seek, const struct usb_info *info)
{
	if (seek->refused_count < REFUSED)
		seek->refused[seek->refused_count++] = *info;
}

static int choose(struct seek *seek, const struct usb_info **chosen, struct err *err)
{
	struct job *job = seek->job;
	int rc = usb_known_choose(job->usb_known, job->board, seek->modes, seek->list, seek->count,
				  chosen, err);

	if (rc == 0 && *chosen && was_refused(seek, *chosen))
		*chosen = NULL;
	return rc;
}

/* Whether an open device is the board, its strings read; again for a second while they cannot be
   read. */
static int confirm(struct seek *seek, struct usb_device *usb, bool *is_it, struct deadline deadline,
		   struct err *err)
{
	struct deadline enough = deadline_in(deadline, STRINGS_MS);
	const struct job *job = seek->job;
	enum usb_fit fit;
	int rc = 0;

	for (;;) {
		fit = usb_known_fit(job->usb_known, job->board, seek->modes, &usb->info);
		*is_it = fit == USB_FIT_YES;
		if (fit != USB_FIT_MAYBE || rc == -ERR_TIMEOUT)
			return deadline_check(deadline, err);
		rc = deadline_pause(AGAIN_MS, enough, err);
		if (rc == 0)
			rc = usb_describe(usb, deadline, err);
		if (rc < 0 && rc != -ERR_TIMEOUT)
			return rc;
	}
}

static int put_trace(struct job *job, struct usb_device **usb, struct err *err)
{
	const char *log = yaml_text(job->board->usb, "trace", NULL);
	_cleanup_(freep) char *path = NULL;
	struct usb_device *traced;
	int rc;

	if (!log)
		return 0;
	path = board_path(job->board, log);
	rc = usb_trace(&traced, *usb, path, err);
	if (rc == 0)
		*usb = traced;
	return rc;
}

/* Opens what was chosen. 0 and no device: it is not the board, or gone again; look on. */
static int try_open(struct seek *seek, const struct usb_info *info, struct usb_device **usb,
		    struct deadline deadline, struct err *err)
{
	_cleanup_(usb_closep) struct usb_device *made = NULL;
	bool is_it = false;
	int rc = usb_open(&made, seek->job->usb_bus, info, deadline, err);

	if (rc == 0)
		rc = confirm(seek, made, &is_it, deadline, err);
	if (rc == -ERR_BUSY && !seek->busy_until_ms)
		seek->busy_until_ms = clock_ms() + BUSY_MS;
	if (rc == -ERR_USB || (rc == -ERR_BUSY && clock_ms() < seek->busy_until_ms))
		return 0;
	if (rc < 0)
		return rc;
	if (is_it)
		*usb = steal(made);
	else
		refuse(seek, info);
	return 0;
}

/* Another machine's devices need its consent. */
static const char *advice(const struct job *job)
{
	if (text_starts(yaml_text(job->board->usb, "path", "usb:"), "usb:"))
		return "look at its cable, its power and its boot switches; 'aboard boards "
		       "--attached' shows what is there";
	return "look at its cable, its power and its boot switches; a USB/IP server tells only of "
	       "devices that are bound ('usbip bind -b BUSID' there, again after each enumeration: "
	       "see docs/usb.md) and that no other client has";
}

static int not_there(struct seek *seek, enum err_kind kind, struct err *err)
{
	_cleanup_(buf_free) struct buf modes = {.max = 300}, list = {.max = 500};
	const char *serial = yaml_text(seek->job->board->usb, "serial", NULL);

	usb_modes_text(seek->modes, &modes);
	usb_list_text(seek->list, seek->count, &list);
	err_set(err, kind, "board '%s'%s%s%s is not attached as %s; attached are: %s",
		seek->job->board->name, serial ? ", serial number " : "", serial ? serial : "",
		serial ? "," : "", buf_text(&modes), buf_text(&list));
	return err_remedy(err, "%s", advice(seek->job));
}

static int wait_for(struct seek *seek, struct deadline deadline, struct err *err)
{
	_cleanup_(usb_closep) struct usb_device *usb = NULL;
	struct job *job = seek->job;
	const struct usb_info *chosen;
	int rc;

	for (;;) {
		rc = look(seek, deadline, err);
		if (rc < 0)
			return rc;
		note_gone(seek);
		rc = choose(seek, &chosen, err);
		if (rc == 0 && chosen)
			rc = try_open(seek, chosen, &usb, deadline, err);
		if (rc == 0 && !usb)
			rc = usb_bus_wait(job->usb_bus, deadline, err);
		if (rc < 0)
			return rc;
		if (usb)
			break;
	}
	usb_known_set(job->usb_known, &usb->info, steal(seek->list), seek->count);
	seek->count = 0;
	rc = put_trace(job, &usb, err);
	if (rc == 0)
		job->usb = steal(usb);
	return rc;
}

int job_usb_open(struct job *job, const struct usb_mode *modes, struct deadline deadline,
		 struct err *err)
{
	_cleanup_(seek_end) struct seek seek = {.job = job, .modes = modes};
	int rc;

	job_usb_close(job);
	rc = open_bus(job, deadline, err);
	if (rc == 0)
		rc = wait_for(&seek, deadline, err);
	if (rc == -ERR_TIMEOUT && job->usb_bus)
		return not_there(&seek, ERR_TIMEOUT, err);
	return rc;
}

int job_usb_reopen(struct job *job, const struct usb_mode *modes, struct deadline deadline,
		   struct err *err)
{
	int rc = 0;

	/* Not closed before it has gone: Linux's USB/IP server resets what is given back. */
	if (job->usb)
		rc = usb_await_gone(job->usb, deadline, err);
	if (rc == -ERR_TIMEOUT)
		return err_prefix(err, "board '%s' does not leave the bus to start anew",
				  job->board->name);
	if (rc < 0)
		return rc;
	if (job->usb_known)
		job->usb_known->leaving = true;
	return job_usb_open(job, modes, deadline, err);
}

int job_usb_look(struct job *job, const struct usb_mode *modes, struct usb_info *info,
		 struct deadline deadline, struct err *err)
{
	/* Who has it is not waited for. */
	_cleanup_(seek_end) struct seek seek = {.job = job, .modes = modes, .busy_until_ms = 1};
	_cleanup_(usb_closep) struct usb_device *usb = NULL;
	const struct usb_info *chosen = NULL;
	int rc = open_bus(job, deadline, err);

	if (rc == 0 && job->usb) {
		*info = job->usb->info;
		return 0;
	}
	if (rc == 0)
		rc = look(&seek, deadline, err);
	if (rc == 0)
		rc = choose(&seek, &chosen, err);
	if (rc < 0)
		return rc;
	if (!chosen)
		return not_there(&seek, ERR_NOT_FOUND, err);
	*info = *chosen;
	if (usb_known_fit(job->usb_known, job->board, modes, chosen) == USB_FIT_YES)
		return 0;
	/* Only the device itself can tell. */
	rc = try_open(&seek, chosen, &usb, deadline, err);
	if (rc == 0 && !usb)
		return not_there(&seek, ERR_NOT_FOUND, err);
	if (rc == 0)
		*info = usb->info;
	return rc;
}

void job_usb_close(struct job *job)
{
	usb_closep(&job->usb);
}

void job_usb_free(struct job *job)
{
	job_usb_close(job);
	usb_bus_closep(&job->usb_bus);
	if (job->usb_known)
		usb_known_free(job->usb_known);
	free(steal(job->usb_known));
}
