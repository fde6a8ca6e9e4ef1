// SPDX-License-Identifier: MIT
/* What is looked at before anything is touched: this host first, then what reaches the board. */
#include <stdio.h>

#include "base/mem.h"
#include "base/path.h"
#include "base/text.h"
#include "drivers/uboot/uboot.h"
#include "engine/job_dump.h"

#define NOTE_SIZE 256

static const char *bind_address(struct job *job, char out[INET_ADDRSTRLEN])
{
	return uboot_of(job)->host_address.s_addr ? uboot_host_text(uboot_of(job), out) : "0.0.0.0";
}

static int check_tftp_port(struct job *job, struct deadline deadline, char note[NOTE_SIZE],
			   struct err *err)
{
	uint16_t port = (uint16_t)yaml_uint(job->board->network, "tftp_port", 69);
	char address[INET_ADDRSTRLEN];

	(void)deadline;
	snprintf(note, NOTE_SIZE, "port %u", port);
	return tftp_server_can_bind(bind_address(job, address), port, err);
}

static int check_http_port(struct job *job, struct deadline deadline, char note[NOTE_SIZE],
			   struct err *err)
{
	uint16_t port = (uint16_t)yaml_uint(job->board->network, "http_port", 0);
	struct http_server *server = NULL;
	char address[INET_ADDRSTRLEN];
	int rc = http_server_start(&server, bind_address(job, address), port, err);

	(void)deadline;
	if (rc == 0)
		snprintf(note, NOTE_SIZE, port ? "port %u" : "any free port", port);
	http_server_stop(server);
	return rc;
}

static int check_bundle(struct job *job, struct deadline deadline, char note[NOTE_SIZE],
			struct err *err)
{
	const struct uboot *uboot = uboot_of(job);
	const char *variant = uboot->variant ? uboot->variant->name : NULL;

	(void)deadline;
	snprintf(note, NOTE_SIZE, "files are there and do not overlap in memory");
	return bundle_check_layout(uboot->bundle, variant, err);
}

/* The record and the cache need some room for themselves. */
#define ROOM_MIN ((unsigned long long)64 << 20)

static int check_room(struct job *job, struct deadline deadline, char note[NOTE_SIZE],
		      struct err *err)
{
	_cleanup_(freep) char *folder = NULL;
	unsigned long long bytes;
	char size[TEXT_SIZE];
	int rc = path_cache(&folder, err);

	(void)job;
	(void)deadline;
	if (rc == 0)
		rc = path_free_space(folder, &bytes, err);
	if (rc < 0)
		return rc;
	snprintf(note, NOTE_SIZE, "%s free in %s", text_of_size(bytes, size), folder);
	if (bytes >= ROOM_MIN)
		return 0;
	err_set(err, ERR_HOST, "only %s", note);
	return err_remedy(err, "make room; 'aboard bundle prune' empties the cache of bundles");
}

static int check_target(struct job *job, struct deadline deadline, char note[NOTE_SIZE],
			struct err *err)
{
	const struct uboot *uboot = uboot_of(job);
	size_t i, j;

	(void)deadline;
	for (i = 0; i < uboot->item_count; i++)
		for (j = 0; j < i; j++)
			if (text_equal(uboot->items[i].describe, uboot->items[j].describe))
				return err_set(err, ERR_USAGE, "%s is to be written twice",
					       uboot->items[i].describe);
	snprintf(note, NOTE_SIZE, "%s", uboot->item_count ? uboot->items[0].describe : "");
	return 0;
}

static int check_console(struct job *job, struct deadline deadline, char note[NOTE_SIZE],
			 struct err *err)
{
	snprintf(note, NOTE_SIZE, "%s", job->board->serial ? job->board->serial : "");
	return job_console(job, deadline, err);
}

static int check_power(struct job *job, struct deadline deadline, char note[NOTE_SIZE],
		       struct err *err)
{
	enum power_state state;
	int rc = job_power(job, err);

	if (rc == 0)
		rc = power_get(job->power, &state, deadline, err);
	if (rc == 0)
		snprintf(note, NOTE_SIZE, "%s%s", state == POWER_UNKNOWN ? "!" : "",
			 state == POWER_UNKNOWN ? "the switch cannot tell its state"
						: power_state_name(state));
	return rc;
}

#define TFTP_CHECK                                                \
	{                                                         \
		"tftp-port", "TFTP port is free", check_tftp_port \
	}
#define HTTP_CHECK                                                \
	{                                                         \
		"http-port", "HTTP port is free", check_http_port \
	}
#define BUNDLE_CHECK                                         \
	{                                                    \
		"bundle", "bundle is complete", check_bundle \
	}
#define CONSOLE_CHECK                                     \
	{                                                 \
		"console", "console opens", check_console \
	}
#define POWER_CHECK                                   \
	{                                             \
		"power", "power answers", check_power \
	}

const struct check uboot_flash_checks[] = {
	{"image", "image is whole", job_image_check},
	{"target", "target is known", check_target},
	{"cache", "room in the cache", check_room},
	BUNDLE_CHECK,
	TFTP_CHECK,
	HTTP_CHECK,
	CONSOLE_CHECK,
	POWER_CHECK,
	{0},
};

const struct check uboot_dump_checks[] = {
	{"room", "room for the dump", job_dump_room},
	BUNDLE_CHECK,
	TFTP_CHECK,
	HTTP_CHECK,
	CONSOLE_CHECK,
	POWER_CHECK,
	{0},
};

const struct check uboot_linux_checks[] = {
	BUNDLE_CHECK, TFTP_CHECK, HTTP_CHECK, CONSOLE_CHECK, POWER_CHECK, {0},
};

const struct check uboot_shell_checks[] = {
	CONSOLE_CHECK,
	POWER_CHECK,
	{0},
};

const struct check uboot_console_checks[] = {
	CONSOLE_CHECK,
	{0},
};
