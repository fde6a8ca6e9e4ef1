// SPDX-License-Identifier: MIT
/*
 * Power by a line of a GPIO chip (Linux character device, libgpiod 1.x). The line is held from the
 * first switch until this record is closed, so nobody else moves it during a job. What becomes of
 * it then is the chip's affair: the kernel promises nothing, most drivers leave an output as it
 * was.
 */
#include "power/ways.h"

#include <errno.h>
#include <gpiod.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"

#define CONSUMER "aboard"

static const struct key gpio_keys[] = {
	{"chip", KEY_TEXT, true, NULL, "/dev/gpiochipN, or the name or label of the chip", NULL},
	{"line", KEY_TEXT, true, NULL, "number of the line, or its name", NULL},
	{"active_low", KEY_BOOL, false, "false", "a low level switches on", NULL},
	{"drive", KEY_TEXT, false, "push_pull", "push_pull, open_drain or open_source", NULL},
	{"bias", KEY_TEXT, false, "as_is", "as_is, pull_up, pull_down or disabled", NULL},
	{"initial", KEY_TEXT, false, "unknown",
	 "what the board is while nothing drives the line: on or off", NULL},
	{0},
};

struct gpio {
	int flags; /* of the request */
	enum power_state initial;
	struct gpiod_chip *chip; /* owned; NULL: not open */
	struct gpiod_line *line; /* of the chip; NULL: not held */
};

struct choice {
	const char *name;
	int value;
};

static const struct choice drives[] = {
	{"push_pull", 0},
	{"open_drain", GPIOD_LINE_REQUEST_FLAG_OPEN_DRAIN},
	{"open_source", GPIOD_LINE_REQUEST_FLAG_OPEN_SOURCE},
	{0},
};

static const struct choice biases[] = {
	{"as_is", 0},
	{"pull_up", GPIOD_LINE_REQUEST_FLAG_BIAS_PULL_UP},
	{"pull_down", GPIOD_LINE_REQUEST_FLAG_BIAS_PULL_DOWN},
	{"disabled", GPIOD_LINE_REQUEST_FLAG_BIAS_DISABLE},
	{0},
};

static const struct choice states[] = {
	{"off", POWER_OFF},
	{"on", POWER_ON},
	{"unknown", POWER_UNKNOWN},
	{0},
};

static int choose(const struct yaml *settings, const char *key, const struct choice *choices,
		  const char *fallback, int *value, struct err *err)
{
	const char *text = yaml_text(settings, key, fallback);
	_cleanup_(buf_free) struct buf list = {0};
	const struct choice *choice;

	for (choice = choices; choice->name; choice++) {
		buf_addf(&list, "%s%s", list.size ? ", " : "", choice->name);
		if (strcmp(choice->name, text) == 0) {
			*value = choice->value;
			return 0;
		}
	}
	return yaml_err(yaml_get(settings, key), err, "'%s' must be one of %s", key,
			buf_text(&list));
}

static int gpio_open(struct power *power, struct err *err)
{
	struct gpio *gpio = power->own = xcalloc(1, sizeof(*gpio));
	int drive = 0, bias = 0, initial = POWER_UNKNOWN;
	int rc = choose(power->settings, "drive", drives, "push_pull", &drive, err);

	if (rc == 0)
		rc = choose(power->settings, "bias", biases, "as_is", &bias, err);
	if (rc == 0)
		rc = choose(power->settings, "initial", states, "unknown", &initial, err);
	gpio->flags = drive | bias;
	gpio->initial = (enum power_state)initial;
	if (yaml_bool(power->settings, "active_low", false))
		gpio->flags |= GPIOD_LINE_REQUEST_FLAG_ACTIVE_LOW;
	return rc;
}

static void let_go(struct gpio *gpio)
{
	if (gpio->chip)
		gpiod_chip_close(gpio->chip); /* releases the line too */
	gpio->chip = NULL;
	gpio->line = NULL;
}

static void gpio_close(struct power *power)
{
	if (power->own)
		let_go(power->own);
	free(power->own);
}

static int open_chip(struct gpio *gpio, const struct yaml *settings, struct err *err)
{
	const char *name = yaml_text(settings, "chip", "");

	gpio->chip = gpiod_chip_open_lookup(name);
	if (gpio->chip)
		return 0;
	err_errno(err, ERR_HOST, "cannot open the GPIO chip %s", name);
	if (errno == EACCES || errno == EPERM)
		return err_remedy(err, "give this user access to it (group gpio, or an udev rule)");
	return err_remedy(err, "`gpiodetect` lists the chips of this machine");
}

static int find_line(const struct gpio *gpio, const struct yaml *settings, struct gpiod_line **line,
		     struct err *err)
{
	const char *name = yaml_text(settings, "line", "");
	uint64_t number;

	if (!text_u64(name, UINT32_MAX, &number))
		*line = gpiod_chip_find_line(gpio->chip, name);
	else if (number < gpiod_chip_num_lines(gpio->chip))
		*line = gpiod_chip_get_line(gpio->chip, (unsigned int)number);
	else
		*line = NULL;
	if (*line)
		return 0;
	err_set(err, ERR_NOT_FOUND, "the GPIO chip %s (%s) has no line %s",
		gpiod_chip_name(gpio->chip), gpiod_chip_label(gpio->chip), name);
	return err_remedy(err, "`gpioinfo %s` lists its lines", gpiod_chip_name(gpio->chip));
}

static int request(const struct gpio *gpio, struct gpiod_line *line, int type, int value,
		   struct err *err)
{
	const struct gpiod_line_request_config config = {
		.consumer = CONSUMER,
		.request_type = type,
		.flags = gpio->flags,
	};
	const char *holder;

	if (gpiod_line_request(line, &config, value) == 0)
		return 0;
	if (errno != EBUSY)
		return err_errno(err, ERR_POWER, "cannot take line %u of %s",
				 gpiod_line_offset(line), gpiod_chip_name(gpio->chip));
	holder = gpiod_line_consumer(line);
	return err_set(err, ERR_BUSY, "line %u of %s is held by %s", gpiod_line_offset(line),
		       gpiod_chip_name(gpio->chip), holder ? holder : "another program");
}

/* The line becomes an output with the wanted value at once, so it does not flicker. */
static int take(struct gpio *gpio, const struct yaml *settings, bool on, struct err *err)
{
	struct gpiod_line *line;
	int rc = open_chip(gpio, settings, err);

	if (rc < 0)
		return rc;
	rc = find_line(gpio, settings, &line, err);
	if (rc == 0)
		rc = request(gpio, line, GPIOD_LINE_REQUEST_DIRECTION_OUTPUT, on, err);
	if (rc == 0)
		gpio->line = line;
	else
		let_go(gpio);
	return rc;
}

static int gpio_set(struct power *power, bool on, struct deadline deadline, struct err *err)
{
	struct gpio *gpio = power->own;

	(void)deadline;
	if (!gpio->line)
		return take(gpio, power->settings, on, err);
	if (gpiod_line_set_value(gpio->line, on) == 0)
		return 0;
	return err_errno(err, ERR_POWER, "cannot set line %u of %s", gpiod_line_offset(gpio->line),
			 gpiod_chip_name(gpio->chip));
}

static int read_line(const struct gpio *gpio, struct gpiod_line *line, enum power_state *state,
		     struct err *err)
{
	int value = gpiod_line_get_value(line);

	if (value < 0)
		return err_errno(err, ERR_POWER, "cannot read line %u of %s",
				 gpiod_line_offset(line), gpiod_chip_name(gpio->chip));
	*state = value ? POWER_ON : POWER_OFF;
	return 0;
}

/* Reads a line that is not held, and does not change it: an input is driven by nobody. */
static int peek(struct gpio *gpio, const struct yaml *settings, enum power_state *state,
		struct err *err)
{
	struct gpiod_line *line;
	int rc = find_line(gpio, settings, &line, err);

	*state = gpio->initial;
	if (rc < 0 || gpiod_line_direction(line) == GPIOD_LINE_DIRECTION_INPUT)
		return rc;
	rc = request(gpio, line, GPIOD_LINE_REQUEST_DIRECTION_AS_IS, 0, err);
	return rc < 0 ? rc : read_line(gpio, line, state, err);
}

static int gpio_get(struct power *power, enum power_state *state, struct deadline deadline,
		    struct err *err)
{
	struct gpio *gpio = power->own;
	int rc;

	(void)deadline;
	if (gpio->line)
		return read_line(gpio, gpio->line, state, err);
	rc = open_chip(gpio, power->settings, err);
	if (rc == 0)
		rc = peek(gpio, power->settings, state, err);
	let_go(gpio);
	return rc;
}

const struct power_way power_gpio = {
	.name = "gpio",
	.summary = "a line of a GPIO chip of this machine",
	.keys = gpio_keys,
	.open = gpio_open,
	.set = gpio_set,
	.get = gpio_get,
	.close = gpio_close,
};
