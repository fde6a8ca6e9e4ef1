// SPDX-License-Identifier: MIT
/*
 * Power by a Yepkit YKUSH: a USB hub whose ports' power is switched by reports of 64 bytes to a HID
 * device that is part of it (Yepkit/ykush, src/yk_usb_device.cpp and ykush.cpp).
 */
#include "power/ways.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "io/usb_descriptors.h"
#include "power/usb_find.h"

static const struct key ykush_keys[] = {
	{"port", KEY_TEXT, true, NULL, "which port: 1, 2, 3, or all", NULL},
	{"serial", KEY_TEXT, false, NULL, "serial number; needed when there are several", NULL},
	{"path", KEY_TEXT, false, NULL, "its USB port instead: usb:1-2, usbip://HOST/BUSID", NULL},
	{0},
};

#define VENDOR    0x04d8
#define REPORT    64
#define ALL       0x0a
#define SWITCH_ON 0x10
#define ASK       0x20
#define ANSWER_MS 3000

static const struct {
	uint16_t pid;
	unsigned int ports;
} models[] = {
	{0xf2f7, 3}, /* YKUSH */
	{0x0042, 3}, /* YKUSH with firmware of old */
	{0xf11b, 3}, /* YKUSH3 */
	{0xf0cd, 1}, /* YKUSH XS */
};

struct ykush {
	struct usb_find find;
	unsigned int port; /* ALL: all */
};

static unsigned int ports_of(const struct usb_info *info)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(models); i++)
		if (info->vid == VENDOR && info->pid == models[i].pid)
			return models[i].ports;
	return 0;
}

static bool is_ykush(const struct usb_info *info)
{
	return ports_of(info) > 0;
}

static int ykush_open(struct power *power, struct err *err)
{
	struct ykush *self = power->own = xcalloc(1, sizeof(*self));
	const struct yaml *port = yaml_get(power->settings, "port"),
			  *path = yaml_get(power->settings, "path");
	uint64_t number = ALL;
	struct err why;

	self->find = (struct usb_find){
		.path = yaml_text(power->settings, "path", NULL),
		.serial = yaml_text(power->settings, "serial", NULL),
		.what = "YKUSH",
		.is_kind = is_ykush,
	};
	if (strcmp(port->text, "all") != 0 && (!text_u64(port->text, 3, &number) || !number))
		return yaml_err(port, err, "'port' must be 1, 2, 3 or all");
	self->port = (unsigned int)number;
	if (!path || usb_path_check(path->text, NULL, NULL, &why) == 0)
		return 0;
	yaml_err(path, err, "%s", why.text);
	return err_remedy(err, "%s", why.remedy);
}

/* An open switch. */
struct line {
	struct usb_found found;
	struct usb_device *usb;
	uint8_t out, in; /* its interrupt endpoints */
	unsigned int ports;
};

static void hang_up(struct line *line)
{
	if (line->usb)
		usb_release(line->usb, 0);
	usb_close(line->usb);
	usb_found_free(&line->found);
}

static int find_endpoints(struct line *line, struct deadline deadline, struct err *err)
{
	_cleanup_(buf_free) struct buf bytes = {0};
	struct usb_alt alt = {0};
	int rc = usb_configuration(line->usb, 0, &bytes, deadline, err);

	if (rc < 0)
		return rc;
	usb_alts((const uint8_t *)bytes.data, bytes.size, &alt, 1);
	line->out = alt.interrupt_out;
	line->in = alt.interrupt_in;
	if (line->out && line->in)
		return 0;
	return err_set(err, ERR_POWER, "it has no endpoints for reports");
}

static int call(struct line *line, const struct ykush *self, struct deadline deadline,
		struct err *err)
{
	int rc = usb_find(&self->find, &line->found, deadline, err);

	if (rc < 0)
		return rc;
	line->ports = ports_of(line->found.info);
	if (self->port != ALL && self->port > line->ports)
		return err_set(err, ERR_CONFIG, "this YKUSH has only %u port", line->ports);
	rc = usb_open(&line->usb, line->found.bus, line->found.info, deadline, err);
	if (rc == 0)
		rc = usb_claim(line->usb, 0, err);
	return rc < 0 ? rc : find_endpoints(line, deadline, err);
}

static int exchange(struct line *line, unsigned int command, uint8_t answer[REPORT],
		    struct deadline deadline, struct err *err)
{
	struct deadline soon = deadline_in(deadline, ANSWER_MS);
	uint8_t report[REPORT] = {(uint8_t)command};
	size_t got = 0;
	int rc = usb_interrupt(line->usb, line->out, report, REPORT, NULL, soon, err);

	if (rc == 0)
		rc = usb_interrupt(line->usb, line->in, answer, REPORT, &got, soon, err);
	if (rc < 0 || (got >= 2 && answer[0] == 1))
		return rc;
	return err_set(err, ERR_POWER, "it refuses the command 0x%02x", command);
}

static int ykush_set(struct power *power, bool on, struct deadline deadline, struct err *err)
{
	const struct ykush *self = power->own;
	_cleanup_(hang_up) struct line line = {0};
	uint8_t answer[REPORT];
	int rc = call(&line, self, deadline, err);

	/* The XS has no command for all of its one port. */
	if (rc == 0)
		rc = exchange(&line, (on ? SWITCH_ON : 0) + (line.ports == 1 ? 1 : self->port),
			      answer, deadline, err);
	return rc;
}

static int ykush_get(struct power *power, enum power_state *state, struct deadline deadline,
		     struct err *err)
{
	const struct ykush *self = power->own;
	unsigned int first = self->port == ALL ? 1 : self->port, last, port;
	_cleanup_(hang_up) struct line line = {0};
	uint8_t answer[REPORT];
	int rc = call(&line, self, deadline, err);
	enum power_state one;

	*state = POWER_UNKNOWN;
	last = self->port == ALL ? line.ports : self->port;
	for (port = first; rc == 0 && port <= last; port++) {
		rc = exchange(&line, ASK + port, answer, deadline, err);
		if (rc < 0)
			break;
		one = answer[1] & 0xf0 ? POWER_ON : POWER_OFF;
		if (port > first && one != *state) {
			*state = POWER_UNKNOWN;
			return 0;
		}
		*state = one;
	}
	return rc;
}

static void ykush_close(struct power *power)
{
	free(power->own);
}

const struct power_way power_ykush = {
	.name = "ykush",
	.summary = "a port of a Yepkit YKUSH hub",
	.keys = ykush_keys,
	.open = ykush_open,
	.set = ykush_set,
	.get = ykush_get,
	.close = ykush_close,
};
