// SPDX-License-Identifier: MIT
#include "cli/sight.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/text.h"
#include "engine/record.h"
#include "io/stream.h"
#include "power/power.h"

#define LOOK_MS 500

const char *serial_path(const char *address)
{
	return address && address[0] == '/' ? address : NULL;
}

static void look_at_port(const char *path, struct sight *sight)
{
	if (access(path, R_OK | W_OK) == 0) {
		sight->serial_word = "there";
		return;
	}
	sight->serial_word = errno == EACCES || errno == EPERM ? "denied" : "missing";
	sight->serial_note = xstrdup(strerror(errno));
}

/* Connecting to these is harmless; the others would start or make something. */
static const char *const sockets[] = {"socket://", "rfc2217://", "unix:", NULL};

static bool is_socket(const char *address)
{
	const char *const *start = sockets;

	while (*start && !text_starts(address, *start))
		start++;
	return *start && !text_ends(address, "?listen");
}

static void look_at_socket(const char *address, struct sight *sight, struct deadline deadline)
{
	_cleanup_(stream_closep) struct stream *stream = NULL;
	struct stream_settings settings = {0};
	struct err err = {0};

	if (stream_open(&stream, address, &settings, deadline, &err) == 0) {
		sight->serial_word = "answers";
		return;
	}
	sight->serial_word = "silent";
	sight->serial_note = xstrdup(err.text);
}

static void look_at_serial(const char *address, struct sight *sight, struct deadline deadline)
{
	if (serial_path(address))
		look_at_port(address, sight);
	else if (address && is_socket(address))
		look_at_socket(address, sight, deadline);
}

static void look_at_power(const struct board *board, struct sight *sight, struct deadline deadline)
{
	enum power_state state = POWER_UNKNOWN;
	struct power *power;
	struct err err = {0};
	int rc;

	if (!board->power)
		return;
	rc = power_open(&power, board->name, board->power, board->secrets, &err);
	if (rc == 0) {
		rc = power_get(power, &state, deadline, &err);
		power_close(power);
	}
	if (rc == 0)
		sight->power = power_state_name(state);
	else
		sight->power_note = xstrdup(err.text);
}

/* The newest job of a board is the only one that can be running. */
static int64_t running_job(const struct board *board)
{
	struct record_filter newest = {.board = board->name, .limit = 1};
	const json_t *job;
	json_t *jobs;
	int64_t number = 0;

	if (record_list(&newest, &jobs, NULL) < 0)
		return 0;
	job = json_array_get(jobs, 0);
	if (text_equal(json_string_value(json_object_get(job, "outcome")), "running"))
		number = json_integer_value(json_object_get(job, "job"));
	json_decref(jobs);
	return number;
}

void look_at(const struct board *board, struct sight *sight, struct deadline deadline)
{
	sight->job = running_job(board);
	if (sight->job)
		return;
	look_at_serial(board->serial, sight, deadline_in(deadline, LOOK_MS));
	look_at_power(board, sight, deadline_in(deadline, LOOK_MS));
}

void sight_free(struct sight *sight)
{
	freep(&sight->serial_note);
	freep(&sight->power_note);
}
